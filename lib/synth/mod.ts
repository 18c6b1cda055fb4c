/** Labelled scenes made by rule. @module */
export { type LandcoverOptions, synthLandcover } from "./landcover.ts";
export { coarsen, coarserTransform, nativeFactor } from "./native_resolution.ts";
export { type RoadsOptions, synthRoads } from "./roads.ts";
export type { SyntheticRows, SyntheticScene } from "./scene.ts";
