/**
 * What lies at a pixel of a land-cover scene: its class, and the mixture of materials it is made of.
 *
 * @module
 */
import type { ClassInfo } from "../classes/mod.ts";
import { MATERIAL, type Material } from "./materials.ts";
import { hash, random } from "./noise.ts";

/** Classes of a land-cover scene, in order of their numbers. */
export const LANDCOVER_CLASSES: readonly ClassInfo[] = [
  { name: "water", color: "#3b76c4" },
  { name: "broadleaf forest", color: "#5aa04b" },
  { name: "conifer forest", color: "#1d5c3f" },
  { name: "shrubland", color: "#9c9a55" },
  { name: "grassland", color: "#b7dd8c" },
  { name: "cropland", color: "#f2d16b" },
  { name: "orchard", color: "#d48fc0" },
  { name: "bare soil", color: "#b98a5f" },
  { name: "building", color: "#d1352f" },
  { name: "road", color: "#3f3f46" },
];

/** Number of each class. */
export const CLASS = {
  water: 0,
  broadleafForest: 1,
  coniferForest: 2,
  shrubland: 3,
  grassland: 4,
  cropland: 5,
  orchard: 6,
  bareSoil: 7,
  building: 8,
  road: 9,
} as const;

/** One pixel; made once and overwritten, as scenes have many. */
export interface Surface {
  /** Class number. */
  label: number;
  /** Numbers of the two materials. */
  first: number;
  /** The second material. */
  second: number;
  /** Share of the second, 0 to 1. */
  mix: number;
  /** Factor of brightness around 1. */
  light: number;
}

/** Set all of a surface at once. */
export function cover(
  surface: Surface,
  label: number,
  first: Material,
  second: Material,
  mix: number,
  light = 1,
): void {
  surface.label = label;
  surface.first = MATERIAL[first];
  surface.second = MATERIAL[second];
  surface.mix = Math.min(1, Math.max(0, mix));
  surface.light = light;
}

/** Cover a pixel with a roof; its kind follows from the building's random bits. */
export function coverWithRoof(surface: Surface, building: number): void {
  const kind = random(building, 1);
  const weathering = 0.6 * random(building, 2);
  const light = 0.8 + 0.4 * random(building, 3);
  if (kind < 0.45) cover(surface, CLASS.building, "redTile", "gravel", weathering, light);
  else if (kind < 0.75) cover(surface, CLASS.building, "slate", "asphalt", weathering, light);
  else cover(surface, CLASS.building, "brightRoof", "gravel", weathering, light);
}

/** Cover a pixel with the surface of a road: asphalt, concrete or gravel, by the road's random bits. */
export function coverWithRoad(surface: Surface, id: number, wear: number): void {
  const gravel = random(id, 4);
  cover(
    surface,
    CLASS.road,
    "asphalt",
    "gravel",
    gravel * gravel + 0.3 * (wear - 0.5),
    0.85 + 0.3 * wear,
  );
}

/** Random bits of one of several things that belong to another. */
export function member(id: number, column: number, row: number): number {
  return hash(id, column, row);
}
