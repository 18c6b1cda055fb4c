/** Confusion matrices and scores. @module */
export * from "./area_estimates.ts";
export * from "./bootstrap.ts";
export * from "./boundary_counts.ts";
export * from "./calibration_counts.ts";
export * from "./confusion_matrix.ts";
export * from "./evaluate.ts";
export * from "./positive_rate.ts";
export * from "./reliability_chart.ts";
export * from "./score_charts.ts";
export * from "./score_sample.ts";
export * from "./scores.ts";
export * from "./scores_file.ts";
export * from "./temperature.ts";
