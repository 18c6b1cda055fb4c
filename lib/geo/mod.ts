/** Coordinate reference systems, geotransforms and geometries. @module */
export { unwrapRing } from "./antimeridian.ts";
export {
  createTransformation,
  type Crs,
  openCrs,
  sameCrs,
  type Transformation,
  WGS84,
} from "./crs.ts";
export * from "./geometry.ts";
export * from "./georeference.ts";
export * from "./ground_scale.ts";
export { moveGeometry, reprojectGeometry, type ReprojectOptions } from "./reproject.ts";
export { groundArea, pixelAreas } from "./ground_area.ts";
export { clipRing } from "./clip.ts";
export { epsgWkt } from "./epsg.ts";
