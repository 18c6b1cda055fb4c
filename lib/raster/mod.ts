/** Rasters: GeoTIFF, PNG and JPEG. @module */
export * from "./raster.ts";
