/** Training: configuration, data, schedules and logs. @module */
export * from "./augment.ts";
export {
  type BatchMaker,
  type BatchPlan,
  type BatchShare,
  createBatchMaker,
  partsOfBatch,
  type PreparedBatch,
  type RandomPlan,
} from "./batches.ts";
export { type BatchLoader, createBatchLoader } from "./batch_loader.ts";
export * from "./best_checkpoint.ts";
export * from "./class_weights.ts";
export * from "./config.ts";
export * from "./data_set.ts";
export { checkSeparate } from "./data_set_checks.ts";
export * from "./dry_run.ts";
export * from "./early_stopping.ts";
export {
  CLASS_IOU_PREFIX,
  type EpochMeasurements,
  epochMetrics,
  POSITIVE_RATE_PREFIX,
} from "./epoch_metrics.ts";
export {
  type EventFile,
  type EventFileOptions,
  type EventImage,
  openEventFile,
} from "./event_file.ts";
export type { SharedStep } from "./gradient_exchange.ts";
export * from "./learning_curves.ts";
export * from "./metrics_log.ts";
export * from "./mlflow.ts";
export * from "./monitor.ts";
export type { Place } from "./neighbours.ts";
export { RUN_FILES } from "./run_folder.ts";
export * from "./sampler.ts";
export * from "./schedules.ts";
export * from "./shard_files.ts";
export * from "./split.ts";
export * from "./split_shards.ts";
export type * from "./train_config.ts";
export * from "./parameter_layout.ts";
export * from "./train_graph.ts";
export * from "./train_reports.ts";
export * from "./train_step.ts";
export * from "./train.ts";
export type { TrainingData } from "./training_data.ts";
export type { TrainingNetwork } from "./training_network.ts";
export { setUpTraining, type TrainingSetup, type TrainingSources } from "./training_setup.ts";
export type { EpochSums } from "./training_state.ts";
export {
  createValidator,
  type Validation,
  type ValidationOptions,
  Validator,
  type ValidatorOptions,
} from "./validation.ts";
