/** Training: configuration, data, schedules and logs. @module */
export * from "./best_checkpoint.ts";
export * from "./config.ts";
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
export * from "./schedules.ts";
export type * from "./train_config.ts";
