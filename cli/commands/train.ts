/** `swath train`. @module */
import { join } from "node:path";
import {
  type Communicator,
  dryRun as takeDryRun,
  formatBytes,
  formatShape,
  mergeTrainConfig,
  networkParameters,
  openModel,
  parseTrainConfig,
  parseTrainYaml,
  readTextFile,
  RUN_FILES,
  scoresDocument,
  setUpTraining,
  statOrNull,
  train,
  type TrainConfig,
  type TrainConfigInput,
  type TrainingSetup,
  type TrainingSources,
  type TrainOptions,
  type TrainResult,
} from "../../mod.ts";
import { defineCommand } from "../command.ts";
import { CommandError } from "../errors.ts";
import type { CommandIo, Progress } from "../io.ts";
import { formatScores } from "../iou/score_report.ts";
import { hubOptions } from "../model.ts";
import { overwriteOption } from "../options.ts";
import { flag, merge, message, object, option, optional, string, withDefault } from "../optique.ts";
import { countParts, formatParts } from "../params/parameter_report.ts";
import { formatFacts } from "../table.ts";
import { configFromOptions, configOptions } from "../train/config_options.ts";
import { evaluateModel } from "../train/evaluate_model.ts";
import { fromFirstProcess, inProcesses } from "../train/processes.ts";
import { bestEpochTable, epochLine } from "../train/training_report.ts";
import { oneOf, path } from "../values.ts";

/**
 * What a training may take to finish its step and save, at most: by Ctrl-C, after which somebody waits; or when a
 * scheduler asks it to end, which grants half a minute.
 */
const SAVE_MILLISECONDS = { interrupted: 1800, terminated: 25_000 } as const;

/** Share of that time after which a step that is not finished is dropped. */
const DROP_SHARE = 0.7;

export default defineCommand({
  name: "train",
  summary: "Train a network on labelled patches",
  description: [
    "Reads shards (patch streams with labels, as tar) for training and validation, and writes a folder " +
    "for the run: config.yaml, metrics.ndjson, an event file for TensorBoard, the models best/ and " +
    "last/, which transformers opens too, and state.safetensors, from which the run goes on.",
    "The configuration is a YAML file; each of its keys is also an option, and options win. A raw " +
    "stream is normalized with statistics of the training data, which the model keeps.",
    "A run that was stopped, in whatever way, goes on with --resume where it was last saved, and ends " +
    "in the same bytes as one that was not. Ctrl-C saves first.",
    "With --distributed mpi, processes that mpiexec or srun has started train one network together. Each " +
    "has an equal part of every batch, so that batch_size, and all that comes out, is that of one " +
    "process; batch normalization too, with --sync-batch-norm. The first process writes; a run " +
    "may go on with another number of them. docs/scaling.md tells what it gains.",
    "With - for the shards, the stream at standard input is spooled to a temporary file and then read " +
    "in every epoch.",
  ],
  examples: [
    {
      note: "Train a small network",
      command: "swath train --train 'shards/train-*.tar' --val shards/val.tar --variant b0 " +
        "--epochs 20 --out runs/first",
    },
    {
      note: "Fine-tune published weights as a file says",
      command: "swath train --config train.yaml --checkpoint nvidia/mit-b2 --learning-rate 6e-5 " +
        "--out runs/b2",
    },
    {
      note: "From a pipe",
      command: "swath tile scene.tif --labels truth.tif --size 128 | " +
        "swath train --train - --val val.tar --epochs 2 --out runs/piped",
    },
    { note: "Go on with a run", command: "swath train --resume --out runs/first" },
    {
      note: "Two processes that share each batch, here or on two machines",
      command: "mpiexec -n 2 swath train --config train.yaml --distributed mpi --sync-batch-norm " +
        "--out runs/two",
    },
    {
      note: "What a step takes",
      command: "swath train --config train.yaml --dry-run",
    },
  ],
  parser: merge(
    object({
      out: optional(
        option("-o", "--out", path("RUN", { type: "directory" }), {
          description: message`Folder of the run`,
        }),
      ),
      config: optional(
        option("--config", path("FILE", { extensions: [".yaml", ".yml"] }), {
          description: message`Configuration in YAML`,
        }),
      ),
      resume: withDefault(
        flag("--resume", {
          description: message`Go on with the run in --out, with its own configuration`,
        }),
        false,
      ),
      overwrite: overwriteOption(),
      dryRun: withDefault(
        flag("--dry-run", {
          description:
            message`Take one step, print what the network is and what the step takes, and stop`,
        }),
        false,
      ),
      distributed: optional(
        option("--distributed", oneOf("HOW", ["mpi"]), {
          description: message`Train together with the other processes of this MPI job`,
        }),
      ),
      mpiLibrary: optional(
        option("--mpi-library", path("FILE"), {
          description:
            message`MPI library to use, by name or path; the first that is found by default`,
        }),
      ),
      mlflow: optional(
        option("--mlflow", string({ metavar: "URI" }), {
          description: message`Log to this MLflow server too, such as http://127.0.0.1:5000`,
        }),
      ),
      mlflowExperiment: withDefault(
        option("--mlflow-experiment", string({ metavar: "NAME" }), {
          description: message`Experiment on that server`,
        }),
        "swath",
      ),
    }),
    object({ values: configOptions() }),
  ),
  async run(options, io) {
    const { out, resume, overwrite, distributed, mpiLibrary, dryRun } = options;
    if (resume && overwrite) throw new CommandError("--resume and --overwrite exclude one another");
    if (resume && out === undefined) {
      throw new CommandError("Missing --out RUN", "Name the folder of the run to go on with");
    }
    if (distributed === undefined) {
      if (mpiLibrary !== undefined) {
        throw new CommandError("--mpi-library goes with --distributed mpi");
      }
      return await runHere(options, await configOf(options), io);
    }
    if (dryRun) throw new CommandError("--dry-run and --distributed exclude one another");
    await inProcesses(io, mpiLibrary, async (communicator, io) => {
      const config = await fromFirstProcess(communicator, () => configOf(options));
      await runHere(options, config, io, communicator);
    });
  },
});

/** What the command line says besides the configuration. */
interface RunOptions {
  readonly out: string | undefined;
  readonly config: string | undefined;
  readonly resume: boolean;
  readonly overwrite: boolean;
  readonly dryRun: boolean;
  readonly mlflow: string | undefined;
  readonly mlflowExperiment: string;
  readonly values: Parameters<typeof configFromOptions>[0];
}

async function configOf(options: RunOptions): Promise<TrainConfig> {
  const { out, config: file, resume, dryRun, values } = options;
  if (out === undefined && !dryRun) {
    throw new CommandError("Missing --out RUN", "Name a folder for the run");
  }
  const saved = resume ? join(out!, RUN_FILES.config) : undefined;
  const input = await readConfig(file, saved);
  return parseTrainConfig(mergeTrainConfig(input, configFromOptions(values)));
}

/** Train in this process, alone or with others. */
async function runHere(
  { out, resume, overwrite, dryRun, mlflow, mlflowExperiment }: RunOptions,
  config: TrainConfig,
  io: CommandIo,
  communicator?: Communicator,
): Promise<void> {
  if (dryRun) return await printDryRun(config, io);
  const result = await runTraining(config, io, {
    out: out!,
    resume,
    overwrite,
    ...(mlflow !== undefined && { mlflow: { uri: mlflow, experiment: mlflowExperiment } }),
    ...(communicator !== undefined && { communicator }),
  });
  if (communicator === undefined || communicator.rank === 0) await printResult(config, result, io);
}

/** The file's configuration; that of the run where none is named. */
async function readConfig(
  file: string | undefined,
  saved: string | undefined,
): Promise<TrainConfigInput> {
  const path = file ??
    (saved !== undefined && await statOrNull(saved) !== null ? saved : undefined);
  if (path === undefined) return {};
  const text = await readTextFile(path);
  const input = parseTrainYaml(text, path);
  // What is wrong in the file is said of the file, before options are laid over it.
  parseTrainConfig(input, path);
  return input;
}

/** Where a training gets what is outside of its configuration. */
function sources(io: CommandIo, bars: ProgressBars): TrainingSources {
  return {
    stdin: () => io.stdin(),
    hub: hubOptions(io),
    history: [io.commandLine],
    inform: (message) => io.info(message),
    warn: (message) => io.warn(message),
    onProgress: (what, done, total) => bars.update(what, "samples", done, total),
  };
}

async function runTraining(
  config: TrainConfig,
  io: CommandIo,
  options: TrainOptions,
): Promise<TrainResult> {
  const bars = new ProgressBars(io);
  const [interruption, drop] = [new AbortController(), new AbortController()];
  const training = train(config, {
    ...sources(io, bars),
    ...options,
    signal: interruption.signal,
    dropSignal: drop.signal,
    onStart({ setup, step, mlflowUrl }) {
      bars.finish();
      io.info(describeSetup(setup));
      const { communicator } = setup;
      if (communicator !== null) {
        io.info(`${communicator.size} processes share each batch, by ${communicator.library}`);
      }
      if (step > 0) io.info(`going on after step ${step}`);
      if (mlflowUrl !== null) io.info(`MLflow run: ${mlflowUrl}`);
    },
    onStep: ({ step, totalSteps }) => bars.update("Training", "steps", step, totalSteps),
    onValidation: (done, total) => bars.update("Validating", "batches", done, total),
    onEpoch: (epoch) => io.info(epochLine(epoch)),
  });
  io.onInterrupt(async (signal) => {
    const limit = SAVE_MILLISECONDS[signal === "SIGINT" ? "interrupted" : "terminated"];
    interruption.abort();
    setTimeout(() => drop.abort(), DROP_SHARE * limit);
    const saved = await Promise.race([
      training.then(({ step }) => step, () => null),
      new Promise<null>((resolve) => setTimeout(resolve, limit, null)),
    ]);
    bars.finish();
    if (saved !== null) io.info(`stopped after step ${saved}; go on with --resume`);
  });
  try {
    return await training;
  } finally {
    bars.finish();
  }
}

/** One bar at a time. */
class ProgressBars {
  readonly #io: CommandIo;
  #label = "";
  #bar: Progress | null = null;

  constructor(io: CommandIo) {
    this.#io = io;
  }

  update(label: string, unit: string, done: number, total: number): void {
    if (label !== this.#label) {
      this.finish();
      this.#label = label;
      this.#bar = this.#io.progress(label, unit);
    }
    this.#bar!.update(done, total === 0 ? null : total);
  }

  finish(): void {
    this.#bar?.finish();
    this.#bar = null;
    this.#label = "";
  }
}

function describeSetup({ network: { network }, data, stepsPerEpoch, totalSteps }: TrainingSetup) {
  return `${network.family} of ${network.bands} bands and ${network.classes} classes, ` +
    `${data.train.samples.length} samples to train on, ${data.val.samples.length} to validate, ` +
    `${stepsPerEpoch} steps an epoch, ${totalSteps} in all`;
}

async function printDryRun(config: TrainConfig, io: CommandIo): Promise<void> {
  const bars = new ProgressBars(io);
  await using setup = await setUpTraining(config, sources(io, bars));
  bars.finish();
  const { network: { network }, trainPlan, valPlan, stepsPerEpoch, totalSteps } = setup;
  const { loss, seconds, memory } = await takeDryRun(setup);
  const bands = [network.bands, trainPlan.height, trainPlan.width];
  const parts = countParts(network, networkParameters(network), config.freezeEncoder);
  const { accumulate, batchSize } = config;
  const facts = formatFacts([
    ["bands", setup.data.bands.join(", ")],
    ["classes", setup.data.classes.map(({ name }) => name).join(", ")],
    [
      "samples",
      `${trainPlan.set.samples.length} to train on, ${valPlan.set.samples.length} to validate`,
    ],
    [
      "image",
      `${formatShape([batchSize, ...bands])}${accumulate > 1 ? `, ${accumulate} for a step` : ""}`,
    ],
    [
      "logits",
      formatShape([
        batchSize,
        network.classes,
        trainPlan.height / network.stride,
        trainPlan.width / network.stride,
      ]),
    ],
    ["steps", `${totalSteps}, ${stepsPerEpoch} an epoch`],
    ["first loss", loss.toFixed(4)],
    ["time", `${seconds.toPrecision(2)} s for the first step`],
    ["memory", formatBytes(memory)],
  ]);
  await io.write(`${formatParts(parts)}\n${facts}`);
}

/** The table of the best epoch, scores on the test data, and the command that maps a scene. */
async function printResult(
  config: TrainConfig,
  { status, step, best, bestModel }: TrainResult,
  io: CommandIo,
): Promise<void> {
  // The signal is about to end the process.
  if (status === "interrupted") return;
  if (status === "stopped") io.info(`stopped early after step ${step}, as nothing got better`);
  if (best === null || bestModel === null) {
    io.warn("no epoch was finished, so there is no best model");
    return;
  }
  await io.write(bestEpochTable(best));
  if (config.test.length > 0) {
    using model = await openModel(bestModel);
    const evaluation = await evaluateModel(io, model, { ...config, shards: config.test, batch: 1 });
    const document = scoresDocument(evaluation);
    await io.write(
      `\nTest data:\n${formatScores({ document, positiveRate: null, intervals: null }, "table")}`,
    );
  }
  await io.write(
    `\nMap a scene:\n  swath tile SCENE | swath infer ${bestModel} | swath upsample | ` +
      "swath stitch -o map.tif\n",
  );
}
