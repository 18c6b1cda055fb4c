/** Rasters: GeoTIFF, PNG and JPEG. @module */
export { joinedChecksum } from "./joined_checksum.ts";
export { openRaster, type OpenRasterOptions } from "./open_raster.ts";
export * from "./raster.ts";
export { SENTINEL2_BANDS } from "./sentinel2_bands.ts";
export { createGeoTiff, type RasterSpec, type RasterWriter } from "./write_geotiff.ts";
export type { GeoTiffCompression } from "./encode/compress.ts";
export type { OverviewResampling } from "./encode/downsample.ts";
