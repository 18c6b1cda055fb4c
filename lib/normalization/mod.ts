/** Statistics of bands and normalization with them. @module */
export * from "./apply_normalization.ts";
export * from "./band_statistics.ts";
export * from "./check_bands.ts";
export * from "./make_normalization.ts";
export * from "./normalization.ts";
export * from "./normalize_stream.ts";
