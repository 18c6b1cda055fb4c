/** The grid of patches and its inverse, stitching. @module */
export { createBlendingStitcher } from "./blend.ts";
export { finishedRows } from "./finished_rows.ts";
export * from "./grid.ts";
export { checkLabelRaster } from "./label_raster.ts";
export * from "./mosaic.ts";
export { readAsMosaic } from "./mosaic_reader.ts";
export { identityOf, type MapIdentity } from "./map_identity.ts";
export {
  openPartialMap,
  PARTIAL_SUFFIX,
  type PartialLayer,
  type PartialMap,
  readPartialMap,
} from "./partial_map.ts";
export { type PlanContents, type PlanSummary, summarizePlan } from "./plan_summary.ts";
export * from "./probabilities.ts";
export * from "./scene_name.ts";
export * from "./seam_report.ts";
export * from "./select_bands.ts";
export type { SceneShard, ShardPart } from "./shard.ts";
export { shareOut } from "./share_out.ts";
export {
  createStitcher,
  type MapArea,
  mapArea,
  mapRows,
  requireBand,
  type RowSink,
  stitchedRows,
  type Stitcher,
  type StitchOptions,
  type StitchSinks,
} from "./stitch.ts";
export * from "./tile_scene.ts";
export { touchingPatches } from "./touching_patches.ts";
