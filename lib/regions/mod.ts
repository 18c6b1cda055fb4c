/** Regions of equal class, found row by row. @module */
export { DisjointSets } from "./disjoint_sets.ts";
export { grown } from "./grown.ts";
export { type Line, mapStrips, NONE, PieceNumbers } from "./region_pieces.ts";
