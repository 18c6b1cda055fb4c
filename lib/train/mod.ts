/** Training: configuration, data, schedules and logs. @module */
export * from "./augment.ts";
export * from "./best_checkpoint.ts";
export * from "./class_weights.ts";
export * from "./config.ts";
export * from "./data_set.ts";
export { checkSeparate } from "./data_set_checks.ts";
export * from "./early_stopping.ts";
export {
  type EventFile,
  type EventFileOptions,
  type EventImage,
  openEventFile,
} from "./event_file.ts";
export * from "./metrics_log.ts";
export * from "./mlflow.ts";
export * from "./monitor.ts";
export type { Place } from "./neighbours.ts";
export * from "./sampler.ts";
export * from "./schedules.ts";
export * from "./shard_files.ts";
export * from "./split.ts";
export type * from "./train_config.ts";
export * from "./parameter_layout.ts";
export * from "./train_graph.ts";
export * from "./train_step.ts";
