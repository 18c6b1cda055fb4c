/** Polygons of class maps. @module */
export { polygonizeMap, type PolygonizeOptions, type RegionPolygon } from "./polygonize.ts";
