/** Confusion matrices and scores. @module */
export * from "./confusion_matrix.ts";
export * from "./evaluate.ts";
export * from "./positive_rate.ts";
export * from "./score_sample.ts";
export * from "./scores.ts";
export * from "./scores_file.ts";
