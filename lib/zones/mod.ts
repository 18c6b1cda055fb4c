/** Statistics by zones. @module */
export {
  COVERAGE_RULES,
  type CoverageRule,
  type PlacedZone,
  type PlacedZones,
  placeZones,
  type PlaceZonesOptions,
  type ZonalRaster,
} from "./placed_zones.ts";
export type { Runs, RunStore } from "./run_store.ts";
export type { ValueStatistics } from "./value_statistics.ts";
export {
  countZoneClasses,
  createZoneClassSink,
  summarizeZoneValues,
  type ZoneClass,
  type ZoneClasses,
  type ZoneClassSink,
  type ZoneValues,
  type ZoneValuesOptions,
} from "./zonal_statistics.ts";
export { type MapAreas, type MapAreasOptions, mapClassAreas } from "./map_areas.ts";
export { stripRowsFor } from "./strips.ts";
export {
  type ChangeLegend,
  changeLegend,
  type ClassChange,
  classChanges,
  commonClasses,
  countTransitions,
  type Transition,
  type TransitionOptions,
  writeChangeMap,
  type ZoneTransitions,
} from "./transitions.ts";
