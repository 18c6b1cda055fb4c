/**
 * Training a network: epochs, validation, schedules, checkpoints, and going on where a run was stopped.
 *
 * What a step computes is a function of the configuration, the data and the step's number, so that a run
 * that was stopped and goes on ends in the same bytes as one that was not.
 *
 * @module
 */
import { type Communicator, onFirstProcess, watchProcesses } from "../distributed/mod.ts";
import { createBatchLoader } from "./batch_loader.ts";
import { formatTrainConfig } from "./config.ts";
import { checkMonitors } from "./epoch_metrics.ts";
import { snakeKeys } from "./key_case.ts";
import { parseMetricsLog } from "./metrics_log.ts";
import type { Metrics } from "./monitor.ts";
import { openRunFolder, type RunFolder } from "./run_folder.ts";
import { openLogs, type RunRecords, silentRecords, startMlflow } from "./run_records.ts";
import { checkSameRun } from "./same_run.ts";
import type { TrainConfig } from "./train_config.ts";
import type { EpochReport, TrainOptions, TrainResult } from "./train_reports.ts";
import { shared, Training } from "./training_loop.ts";
import { firstPosition } from "./training_position.ts";
import { setUpTraining, type TrainingSetup, validatorOptions } from "./training_setup.ts";
import type { TrainingPosition } from "./training_state.ts";
import { createValidator } from "./validation.ts";

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
