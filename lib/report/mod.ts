/** Reports: one page with map, scores, zones, training and provenance. @module */
export {
  readConfidence,
  readLayer,
  readScene,
  reportClasses,
  type ReportLayer,
  type ScenePicture,
} from "./read_layers.ts";
export type * from "./report_data.ts";
export { reportPage } from "./report_page.ts";
export type { BuiltPyramid, ByteRaster } from "./pyramid.ts";
