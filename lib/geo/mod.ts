/** Coordinate reference systems and geotransforms. @module */
export * from "./georeference.ts";
export * from "./ground_scale.ts";
