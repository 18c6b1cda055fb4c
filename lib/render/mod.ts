/** Pictures of rasters and patch streams. @module */
export { type Expression, parseExpression } from "./expression.ts";
export { bandIndex, INDEX_NAMES } from "./indices.ts";
export {
  drawRaster,
  type LookOptions,
  type Picture,
  type RasterPicture,
  type RasterPictureOptions,
  type ShownClass,
} from "./raster_picture.ts";
export { readReduced, type ReadReducedOptions, type ReducedRaster } from "./read_reduced.ts";
export { type ReducedPixels, Reducer, type ReducerOptions, type Reduction } from "./reducer.ts";
export {
  SHOWN_ARRAYS,
  type ShownArray,
  StreamPainter,
  type StreamPicture,
  type StreamPictureOptions,
  type StreamPictures,
} from "./stream_pictures.ts";
export {
  choroplethChart,
  readZoneFigures,
  sharesChart,
  type ZoneFigures,
  type ZoneShare,
  zoneShares,
} from "./zone_charts.ts";
