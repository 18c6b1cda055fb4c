/** Coordinate reference systems and geotransforms. @module */
export * from "./georeference.ts";
