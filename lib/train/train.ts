/**
 * Training a network: epochs, validation, schedules, checkpoints, and going on where a run was stopped.
 *
 * What a step computes is a function of the configuration, the data and the step's number, so that a run
 * that was stopped and goes on ends in the same bytes as one that was not.
 *
 * @module
 */
import { basename, join } from "node:path";
import type { NdArray } from "../array/mod.ts";
import {
  broadcastValue,
  type Communicator,
  knownToAll,
  onFirstProcess,
  OtherProcessError,
  watchProcesses,
} from "../distributed/mod.ts";
import { InputError } from "../errors.ts";
import { abbreviateList } from "../text/mod.ts";
import { type BatchLoader, createBatchLoader } from "./batch_loader.ts";
import { partsOfBatch, type PreparedBatch } from "./batches.ts";
import { isBest } from "./best_checkpoint.ts";
import { formatTrainConfig, parseTrainConfig, parseTrainYaml } from "./config.ts";
import { shouldStop, startEarlyStopping, stepEarlyStopping } from "./early_stopping.ts";
import { checkMonitors, collapseWarnings, epochMetrics } from "./epoch_metrics.ts";
import { snakeKeys } from "./key_case.ts";
import { parseMetricsLog } from "./metrics_log.ts";
import type { MlflowRun } from "./mlflow.ts";
import { type Metrics, monitoredValue } from "./monitor.ts";
import { openRunFolder, type RunFolder } from "./run_folder.ts";
import { openLogs, type RunRecords, silentRecords, startMlflow } from "./run_records.ts";
import { scheduleValues, startPlateau, stepPlateau } from "./schedules.ts";
import type { TrainConfig } from "./train_config.ts";
import { EMA_SLOT } from "./train_graph.ts";
import { createTrainStep, type TrainStep } from "./train_step.ts";
import {
  modelOf,
  setUpTraining,
  stepOptions,
  type TrainingSetup,
  type TrainingSources,
  validatorOptions,
} from "./training_setup.ts";
import type { EpochSums, TrainingPosition } from "./training_state.ts";
import { createValidator, type Validator } from "./validation.ts";

/** Options of {@linkcode train}. */
export interface TrainOptions extends TrainingSources {
  /** Folder of the run. */
  readonly out: string;
  /** Go on with the run that the folder holds, if it holds one. */
  readonly resume?: boolean;
  /** Replace the run that the folder holds. */
  readonly overwrite?: boolean;
  /** Log to an MLflow server too. */
  readonly mlflow?: {
    /** Address of the server. */
    readonly uri: string;
    /** Name of the experiment. */
    readonly experiment: string;
  };
  /** Ends the training after the step that is going on; where it stands is saved. */
  readonly signal?: AbortSignal;
  /** Drops the step that is going on: what remains is what was saved last. */
  readonly dropSignal?: AbortSignal;
  /** Called before the first step. */
  readonly onStart?: (start: TrainStart) => void;
  /** Called after each step. */
  readonly onStep?: (step: StepReport) => void;
  /** Called after each batch of a validation. */
  readonly onValidation?: (done: number, total: number) => void;
  /** Called after each epoch. */
  readonly onEpoch?: (epoch: EpochReport) => void;
}

/** What is known before the first step. */
export interface TrainStart {
  /** The set-up. */
  readonly setup: TrainingSetup;
  /** Steps taken in earlier sessions of the run. */
  readonly step: number;
  /** Page of the run on the MLflow server; null for none. */
  readonly mlflowUrl: string | null;
}

/** A step. */
export interface StepReport {
  /** Steps taken, this one among them. */
  readonly step: number;
  /** Steps of the whole run. */
  readonly totalSteps: number;
  /** Epoch that it belongs to, counted from 0. */
  readonly epoch: number;
  /** Its loss. */
  readonly loss: number;
  /** Global norm of its gradients before clipping. */
  readonly gradientNorm: number;
  /** Its learning rate. */
  readonly learningRate: number;
}

/** An epoch. */
export interface EpochReport {
  /** Its number, counted from 0. */
  readonly epoch: number;
  /** Epochs of the whole run. */
  readonly epochs: number;
  /** Steps taken at its end. */
  readonly step: number;
  /** Its metrics by name; see {@linkcode epochMetrics}. */
  readonly metrics: Metrics;
  /** True if it is the best so far. */
  readonly isBest: boolean;
}

/** How a training ended. */
export interface TrainResult {
  /**
   * `finished`: all steps are taken; `stopped`: nothing got better any more; `interrupted`: by the
   * signal.
   */
  readonly status: "finished" | "stopped" | "interrupted";
  /** Steps taken. */
  readonly step: number;
  /** The best epoch; null if none was finished. */
  readonly best: EpochReport | null;
  /** Directory of the best model; null where there is none. */
  readonly bestModel: string | null;
}

/** Keys that may be others when a run goes on: they do not change what a step computes. */
const CHANGEABLE: readonly (keyof TrainConfig)[] = [
  "train",
  "val",
  "test",
  "epochs",
  "maxSteps",
  "device",
  "threads",
  "checkpointActivations",
  "earlyStopping",
  "save",
  "watch",
];

const NO_SUMS: EpochSums = { steps: 0, loss: 0, gradientNorm: 0, seconds: 0, waitSeconds: 0 };

/**
 * Train a network.
 *
 * The folder of the run gets `config.yaml`, `metrics.ndjson`, an event file for TensorBoard, the models
 * `best/` and `last/`, and `state.safetensors`, from which a run goes on. With moving averages, they
 * are what is validated and what `best/` holds.
 *
 * @param config The configuration.
 * @param options Folder, what to do with a run that is there, and where reports go.
 * @returns How it ended.
 * @throws {InputError} If configuration, data or checkpoint are wrong; the folder holds another run; or the
 * training diverges: then nothing is overwritten.
 */
export async function train(config: TrainConfig, options: TrainOptions): Promise<TrainResult> {
  await using own = await setUpTraining(config, options);
  await using cleanup = new AsyncDisposableStack();
  const opened = await onFirstProcess(
    own.communicator,
    () => openRecords(config, own, options, cleanup),
  );
  const { records, position } = opened ??
    { records: silentRecords(options.out), position: firstPosition(own) };
  const setup = { ...own, communicator: await watch(own.communicator, records.folder, cleanup) };
  const loader = createBatchLoader(setup.trainPlan);
  cleanup.defer(() => loader.close());
  const validator = await createValidator(validatorOptions(setup));
  cleanup.defer(() => validator.release());
  const training = new Training({ setup, options, loader, validator, ...records }, {
    position: await shared(setup, position),
    isResumed: await shared(setup, records.folder.state !== null),
  });
  cleanup.defer(() => training.release());
  const { folder, mlflow } = records;
  try {
    const status = await training.run();
    // Whoever is done first must not end the others while one of them still writes.
    await setup.communicator?.barrier();
    await mlflow?.finish(status === "interrupted" ? "KILLED" : "FINISHED");
    return {
      status,
      step: training.position.step,
      best: opened === null ? null : await bestEpoch(setup, folder, training.position),
      bestModel: training.position.best === null ? null : folder.file("best"),
    };
  } catch (error) {
    await mlflow?.finish("FAILED");
    throw error;
  }
}

/** Open what the training writes, and find where it stands. */
async function openRecords(
  config: TrainConfig,
  setup: TrainingSetup,
  options: TrainOptions,
  cleanup: AsyncDisposableStack,
): Promise<{ readonly records: RunRecords; readonly position: TrainingPosition }> {
  checkMonitors(config, setup.data.classes);
  const { out, resume = false, overwrite = false } = options;
  const folder = cleanup.use(await openRunFolder(out, { resume, overwrite }));
  if (folder.state !== null) await checkSameRun(setup, folder);
  await folder.saveConfig(formatTrainConfig(config));
  const position = folder.state?.position ?? firstPosition(setup);
  const mlflow = await startMlflow(options, position.mlflowRun);
  const logs = await openLogs(folder, position, cleanup);
  if (folder.state === null) {
    logs.events.text(0, "config", `\`\`\`yaml\n${formatTrainConfig(config)}\`\`\``);
    mlflow?.logParameters(snakeKeys(config));
  }
  return {
    records: { folder, mlflow, ...logs },
    position: { ...position, mlflowRun: mlflow?.id ?? null },
  };
}

/** Processes of which none can die unnoticed. */
async function watch(
  communicator: Communicator | null,
  folder: RunFolder,
  cleanup: AsyncDisposableStack,
): Promise<Communicator | null> {
  if (communicator === null) return null;
  return cleanup.use(
    await watchProcesses(communicator, {
      folder: folder.file("processes"),
      hint: "Start the processes again with --resume: the last checkpoint is whole",
    }),
  );
}

/** What process 0 has, in all of them. */
async function shared<T>({ communicator }: TrainingSetup, value: T): Promise<T> {
  return communicator === null ? value : await broadcastValue(communicator, value);
}

/** What a training works with. */
interface TrainingParts extends RunRecords {
  readonly setup: TrainingSetup;
  readonly options: TrainOptions;
  readonly loader: BatchLoader;
  readonly validator: Validator;
}

/** Where a training begins or goes on. */
interface TrainingStart {
  readonly position: TrainingPosition;
  /** True if the run has a state to go on from. */
  readonly isResumed: boolean;
}

/** A training that is going on. */
class Training {
  position: TrainingPosition;
  readonly #parts: TrainingParts;
  #step: TrainStep | null = null;
  #isEncoderFrozen = false;
  /** Step of the last write of `last`; null for none in this session. */
  #savedStep: number | null;
  /** True once any of the processes was asked to stop. */
  #isStopping = false;

  constructor(parts: TrainingParts, { position, isResumed }: TrainingStart) {
    this.#parts = parts;
    this.position = position;
    this.#savedStep = isResumed ? position.step : null;
  }

  async run(): Promise<TrainResult["status"]> {
    const { setup, options, loader, mlflow } = this.#parts;
    await this.#begin();
    options.onStart?.({ setup, step: this.position.step, mlflowUrl: mlflow?.url ?? null });
    const batches = loader.batches(this.position.step, setup.totalSteps);
    options.dropSignal?.addEventListener("abort", () => this.#step?.interrupt(), { once: true });
    while (!this.#isComplete() && !this.#shouldStop()) {
      let isWhole: boolean;
      try {
        isWhole = await this.#trainEpoch(batches);
      } catch (error) {
        if (!options.dropSignal?.aborted) throw error;
        this.position = { ...this.position, step: this.#savedStep ?? 0 };
        return "interrupted";
      }
      const metrics = isWhole ? await this.#validate() : null;
      if (metrics === null) {
        await this.#save();
        return "interrupted";
      }
      await this.#finishEpoch(metrics);
    }
    return this.#isComplete() ? "finished" : "stopped";
  }

  async release(): Promise<void> {
    await this.#step?.release();
  }

  /** Load the network as it is at the position. */
  async #begin(): Promise<void> {
    const { setup, folder } = this.#parts;
    this.#isEncoderFrozen = isEncoderFrozen(setup.config, this.position.epoch);
    this.#step = await createTrainStep(stepOptions(setup, this.#isEncoderFrozen));
    if (folder.state !== null) {
      this.#step.load(folder.state.parameters, folder.state.optimizer);
    } else if (this.#isFirst()) {
      this.#step.load(setup.network.parameters);
    }
    await this.#step.synchronize();
    if (this.#savedStep === null) await this.#saveState();
  }

  /** True for the process that has what was saved. */
  #isFirst(): boolean {
    return (this.#parts.setup.communicator?.rank ?? 0) === 0;
  }

  /** Let the encoder learn from its epoch on. The optimizer begins anew, as there is more to optimize. */
  async #unfreeze(): Promise<void> {
    const { setup } = this.#parts;
    if (!this.#isEncoderFrozen || isEncoderFrozen(setup.config, this.position.epoch)) return;
    this.#isEncoderFrozen = false;
    const before = this.#step!;
    await before.download();
    this.#step = await createTrainStep(stepOptions(setup, false));
    this.#step.load(before.parameters, slotOf(before.state, EMA_SLOT));
    await before.release();
    this.position = { ...this.position, optimizerStart: this.position.step };
  }

  /** Take the steps that the epoch has left; false if the signal came. */
  async #trainEpoch(batches: AsyncGenerator<PreparedBatch, void, undefined>): Promise<boolean> {
    const { setup, options, loader } = this.#parts;
    const { epoch } = this.position;
    const end = Math.min((epoch + 1) * setup.stepsPerEpoch, setup.totalSteps);
    const { everySteps } = setup.config.save;
    while (this.position.step < end) {
      // Several processes stop after the same step: that in which they have told one another.
      if (setup.communicator === null && options.signal?.aborted) return false;
      if (this.#isStopping) return false;
      const started = performance.now();
      const waited = loader.waitSeconds;
      const { value: batch } = await batches.next();
      await this.#takeStep(batch!);
      const seconds = (performance.now() - started) / 1000;
      this.#addSeconds(seconds, loader.waitSeconds - waited);
      const { step } = this.position;
      // At the end of an epoch, everything is saved once it is validated.
      if (everySteps !== null && step % everySteps === 0 && step < end) await this.#save();
    }
    return true;
  }

  async #takeStep(batch: PreparedBatch): Promise<void> {
    const { setup: { config, totalSteps }, options, metrics, events } = this.#parts;
    const { step: before, epoch, optimizerStart, plateau, sums } = this.position;
    const { learningRate, momentum } = scheduleValues(config.schedule, {
      learningRate: config.learningRate,
      step: before,
      totalSteps,
      plateau,
    });
    const parts = partsOfBatch(batch, config.accumulate);
    const { loss, gradientNorm, stop } = await this.#step!.run(parts, {
      step: before - optimizerStart + 1,
      learningRate,
      momentum,
      stop: options.signal?.aborted ?? false,
    });
    this.#isStopping = stop;
    const step = before + 1;
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
      throw this.#divergence("loss", loss, step, learningRate);
    }
    this.position = {
      ...this.position,
      step,
      sums: {
        ...sums,
        steps: sums.steps + 1,
        loss: sums.loss + loss,
        gradientNorm: sums.gradientNorm + gradientNorm,
      },
    };
    const values = { loss, learning_rate: learningRate, gradient_norm: gradientNorm };
    metrics.append({ step, epoch, ...values });
    events.scalars(step, tagged("step", values));
    options.onStep?.({ step, totalSteps, epoch, loss, gradientNorm, learningRate });
  }

  /** Metrics of the epoch; null if the signal came. */
  async #validate(): Promise<Metrics | null> {
    const { setup, options, validator } = this.#parts;
    const { config, data, totalSteps, trainPlan, communicator } = setup;
    await this.#step!.download();
    const validation = await validator.run(this.#evaluated(), {
      ...(communicator !== null && { communicator }),
      ...(options.signal !== undefined && { signal: options.signal }),
      ...(options.onValidation !== undefined && { onProgress: options.onValidation }),
    });
    if (validation === null) return null;
    const { step, plateau, sums } = this.position;
    const { learningRate } = scheduleValues(config.schedule, {
      learningRate: config.learningRate,
      step: step - 1,
      // A run that goes on may be told to end earlier than it already is.
      totalSteps: Math.max(totalSteps, step),
      plateau,
    });
    if (validation.loss !== null && !Number.isFinite(validation.loss)) {
      throw this.#divergence("validation loss", validation.loss, step, learningRate);
    }
    for (const message of collapseWarnings(validation, data.classes, config.watch)) {
      options.warn?.(message);
    }
    return epochMetrics(
      {
        sums,
        validation,
        learningRate,
        samplesPerStep: trainPlan.batchSize,
        memory: Deno.memoryUsage().rss,
      },
      data.classes,
      config.watch,
    );
  }

  /** Log, decide what is best, and save. */
  async #finishEpoch(metrics: Metrics): Promise<void> {
    const { setup, options, folder, metrics: log, events, mlflow } = this.#parts;
    const { config } = setup;
    const { step, epoch, best, earlyStopping, plateau } = this.position;
    log.append({ step, epoch, ...metrics });
    events.scalars(step, tagged("epoch", metrics));
    mlflow?.logMetrics(step, metrics);
    const value = monitoredValue(metrics, config.save.monitor);
    const improves = isBest(config.save, best, value);
    this.position = {
      ...this.position,
      epoch: epoch + 1,
      sums: NO_SUMS,
      best: improves ? { value, step, epoch } : best,
      earlyStopping: config.earlyStopping === null ? earlyStopping : stepEarlyStopping(
        config.earlyStopping,
        earlyStopping,
        monitoredValue(metrics, config.earlyStopping.monitor),
      ),
      plateau: config.schedule.name === "plateau"
        ? stepPlateau(config.schedule, plateau, monitoredValue(metrics, config.schedule.monitor))
        : plateau,
    };
    // What was decided must be the same everywhere, down to the last digit of a sum.
    this.position = await shared(setup, this.position);
    // The state comes last: whenever the process is killed, it speaks of models that are there.
    if (improves) {
      await folder.saveModel("best", modelOf(setup, this.#evaluated(), step));
      if (mlflow !== null) await uploadModel(mlflow, folder.file("best"));
    }
    await this.#unfreeze();
    await this.#save();
    const epochs = Math.ceil(setup.totalSteps / setup.stepsPerEpoch);
    options.onEpoch?.({ epoch, epochs, step, metrics, isBest: improves });
  }

  /** Write `last` and where the training stands. */
  async #save(): Promise<void> {
    const { setup, folder } = this.#parts;
    await this.#step!.download();
    await this.#step!.synchronize();
    await folder.saveModel("last", modelOf(setup, this.#step!.parameters, this.position.step));
    await this.#saveState();
    this.#savedStep = this.position.step;
  }

  async #saveState(): Promise<void> {
    const { parameters, state } = this.#step!;
    await this.#parts.folder.saveState({ position: this.position, parameters, optimizer: state });
  }

  /** The parameters that are validated: moving averages where there are any. */
  #evaluated(): ReadonlyMap<string, NdArray> {
    const { parameters, state } = this.#step!;
    const averages = [...slotOf(state, EMA_SLOT)]
      .map(([name, array]) => [name.slice(EMA_SLOT.length + 1), array] as const);
    return new Map<string, NdArray>([...parameters, ...averages]);
  }

  #addSeconds(seconds: number, waitSeconds: number): void {
    const { sums } = this.position;
    this.position = {
      ...this.position,
      seconds: this.position.seconds + seconds,
      sums: {
        ...sums,
        seconds: sums.seconds + seconds,
        waitSeconds: sums.waitSeconds + waitSeconds,
      },
    };
  }

  #isComplete(): boolean {
    const { stepsPerEpoch, totalSteps } = this.#parts.setup;
    return this.position.epoch >= Math.ceil(totalSteps / stepsPerEpoch);
  }

  #shouldStop(): boolean {
    const { earlyStopping } = this.#parts.setup.config;
    return earlyStopping !== null && shouldStop(earlyStopping, this.position.earlyStopping);
  }

  #divergence(what: string, value: number, step: number, learningRate: number): Error {
    const { folder } = this.#parts;
    // The same loss comes up in all processes; one of them says so.
    if (!this.#isFirst()) return new OtherProcessError();
    const good = this.#savedStep === null
      ? "no checkpoint was written yet"
      : `the last good checkpoint is ${
        JSON.stringify(folder.file("last"))
      } of step ${this.#savedStep}`;
    return knownToAll(
      new InputError(
        `Cannot go on training as the ${what} is ${value} at step ${step}, learning rate ${learningRate}; ${good}`,
        { hint: "Use a smaller learning rate, a warm-up (schedule one_cycle) or clip_norm" },
      ),
    );
  }
}

function isEncoderFrozen({ freezeEncoder, unfreezeAt }: TrainConfig, epoch: number): boolean {
  return freezeEncoder && (unfreezeAt === null || epoch < unfreezeAt);
}

function firstPosition({ config, data }: TrainingSetup): TrainingPosition {
  return {
    version: 1,
    step: 0,
    epoch: 0,
    optimizerStart: 0,
    sums: NO_SUMS,
    seconds: 0,
    best: null,
    earlyStopping: startEarlyStopping(),
    plateau: startPlateau(config.learningRate),
    trainData: data.train.fingerprint,
    valData: data.val.fingerprint,
    mlflowRun: null,
  };
}

/** Refuse to go on with another network, other data, or settings that change what a step computes. */
async function checkSameRun({ config, data }: TrainingSetup, folder: RunFolder): Promise<void> {
  const run = JSON.stringify(folder.path);
  const path = folder.file("config");
  const before = parseTrainConfig(parseTrainYaml(await Deno.readTextFile(path), path), path);
  const names = (Object.keys(config) as (keyof TrainConfig)[])
    .filter((name) => !CHANGEABLE.includes(name));
  const [was, is] = [before, config].map((values) => snakeKeys(pickKeys(values, names)));
  for (const name of Object.keys(is!)) {
    const [from, to] = [JSON.stringify(was![name]), JSON.stringify(is![name])];
    if (from === to) continue;
    throw new InputError(`Cannot go on with the run in ${run} with ${name} ${to}: it has ${from}`, {
      hint: "Start another run: --out",
    });
  }
  const { position } = folder.state!;
  const differing = [
    ...(position.trainData === data.train.fingerprint ? [] : ["training"]),
    ...(position.valData === data.val.fingerprint ? [] : ["validation"]),
  ];
  if (differing.length > 0) {
    throw new InputError(
      `Cannot go on with the run in ${run} with other ${
        abbreviateList(differing)
      } data than it was begun with`,
      { hint: `Start another run from its model: --checkpoint ${folder.file("last")}` },
    );
  }
}

function pickKeys(
  config: TrainConfig,
  names: readonly (keyof TrainConfig)[],
): Partial<TrainConfig> {
  return Object.fromEntries(names.map((name) => [name, config[name]]));
}

async function uploadModel(mlflow: MlflowRun, directory: string): Promise<void> {
  for await (const { name, isFile } of Deno.readDir(directory)) {
    if (isFile) await mlflow.uploadFile(join(directory, name), `${basename(directory)}/${name}`);
  }
}

/** The epoch that the best model is of, as the log has it. */
async function bestEpoch(
  { totalSteps, stepsPerEpoch }: TrainingSetup,
  folder: RunFolder,
  { best }: TrainingPosition,
): Promise<EpochReport | null> {
  if (best === null) return null;
  const path = folder.file("metrics");
  const record = parseMetricsLog(await Deno.readTextFile(path), path)
    .findLast((record) => record.epoch === best.epoch && "val_loss" in record);
  const { step, epoch, ...rest } = record ?? best;
  return {
    epoch,
    step,
    epochs: Math.ceil(totalSteps / stepsPerEpoch),
    metrics: rest as Metrics,
    isBest: true,
  };
}

/** The arrays of one slot of an optimizer's state. */
function slotOf(state: ReadonlyMap<string, NdArray>, slot: string): Map<string, NdArray> {
  return new Map([...state].filter(([name]) => name.startsWith(`${slot}/`)));
}

/** Names as TensorBoard groups them. */
function tagged(group: string, values: Metrics): Metrics {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`${group}/${name}`, value]),
  );
}
