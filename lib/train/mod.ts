/** Training: configuration, data, schedules and logs. @module */
export * from "./best_checkpoint.ts";
export * from "./config.ts";
export * from "./early_stopping.ts";
export * from "./monitor.ts";
export * from "./schedules.ts";
export type * from "./train_config.ts";
