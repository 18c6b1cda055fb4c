/**
 * What a training writes: its folder, logs, and the run on an MLflow server. Of several processes, the first
 * one does.
 *
 * @module
 */
import { basename, join, resolve } from "node:path";
import { type EventFile, openEventFile } from "./event_file.ts";
import { type MetricsLog, openMetricsLog } from "./metrics_log.ts";
import { type MlflowRun, startMlflowRun } from "./mlflow.ts";
import { RUN_FILES, type RunFolder } from "./run_folder.ts";
import type { TrainOptions } from "./train_reports.ts";
import type { TrainingPosition } from "./training_state.ts";

/** Where a training writes. */
export interface RunRecords {
  /** Folder of the run. */
  readonly folder: RunFolder;
  /** Metrics of every step and epoch. */
  readonly metrics: MetricsLog;
  /** The same for TensorBoard. */
  readonly events: EventFile;
  /** Run on an MLflow server; null for none. */
  readonly mlflow: MlflowRun | null;
}

/**
 * What processes have that do not write.
 *
 * @param path Folder of the run, for messages and locks.
 */
export function silentRecords(path: string): RunRecords {
  const nothing = () => {};
  const later = () => Promise.resolve();
  const closing = { close: nothing, [Symbol.dispose]: nothing };
  return {
    folder: {
      path,
      state: null,
      file: (name) => join(path, RUN_FILES[name]),
      saveConfig: later,
      saveModel: later,
      saveState: later,
      [Symbol.dispose]: nothing,
    },
    metrics: { append: nothing, ...closing },
    events: { scalars: nothing, text: nothing, image: nothing, ...closing },
    mlflow: null,
  };
}

/**
 * Begin or go on with the run on the MLflow server that the options name; null for none.
 *
 * @param options Server, folder of the run, and where warnings go.
 * @param runId Id of the run to go on with; null for a new one.
 */
export async function startMlflow(
  { mlflow, out, warn }: Pick<TrainOptions, "mlflow" | "out" | "warn">,
  runId: string | null,
): Promise<MlflowRun | null> {
  if (mlflow === undefined) return null;
  return await startMlflowRun(mlflow.uri, {
    experiment: mlflow.experiment,
    runName: basename(resolve(out)),
    warn: (message) => warn?.(`MLflow: ${message}`),
    ...(runId !== null && { runId }),
  });
}

/** Open the logs of a run, without what they say of steps after the position. */
export async function openLogs(
  folder: RunFolder,
  { step, epoch }: TrainingPosition,
  cleanup: AsyncDisposableStack,
): Promise<Pick<RunRecords, "metrics" | "events">> {
  const metrics = cleanup.use(
    // The record of an epoch has the step of its end, where the epoch may not have been saved as over.
    await openMetricsLog(
      folder.file("metrics"),
      (record) => record.step <= step && !("val_loss" in record && record.epoch >= epoch),
    ),
  );
  const events = cleanup.use(await openEventFile(folder.file("events"), { keepUntil: step }));
  return { metrics, events };
}
