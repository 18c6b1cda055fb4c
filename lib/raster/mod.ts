/** Rasters: GeoTIFF, PNG and JPEG. @module */
export { openRaster, type OpenRasterOptions } from "./open_raster.ts";
export * from "./raster.ts";
