/**
 * What a report page holds: plain data, which the command writes and the page's scripts read.
 *
 * @module
 */
import type { ClassScores } from "../metrics/mod.ts";

/** One resolution of a raster in the page. */
export interface PageLevel {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Tiles from left to right; the last one is narrower. */
  readonly columns: number;
  /** Tiles from top to bottom; the last one is lower. */
  readonly rows: number;
  /** Where each tile begins in the bytes, row by row, and the end of the last one. */
  readonly offsets: readonly number[];
}

/** A raster of bytes in several resolutions, as deflated tiles. */
export interface PagePyramid {
  /** Id of the element that holds the bytes in base64. */
  readonly blob: string;
  /** Columns and rows of a tile. */
  readonly tileSize: number;
  /** Resolutions, the finest first. */
  readonly levels: readonly PageLevel[];
}

/** A class. */
export interface PageClass {
  readonly name: string;
  /** `#rrggbb`. */
  readonly color: string;
}

/** A map of classes that the page shows. */
export interface PageLayer {
  /** What it is called. */
  readonly name: string;
  /** Classes by pixel; 255 is no data. */
  readonly pyramid: PagePyramid;
  /** Pixels of each class at full resolution. */
  readonly counts: readonly number[];
  /** Square metres of each class; null where the size of pixels is unknown. */
  readonly areas: readonly number[] | null;
  /** Pixels without data. */
  readonly missing: number;
}

/** A zone: a row of the table, and its outline. */
export interface PageZone {
  /** Cells by column. */
  readonly cells: readonly (string | number | null)[];
  /** Rings in pixels of the map: x, y, x, y, …; none where it lies elsewhere. */
  readonly rings: readonly (readonly number[])[];
}

/** Zones with their figures. */
export interface PageZones {
  /** Names of the columns. */
  readonly columns: readonly string[];
  /** Column that names the zones. */
  readonly label: number;
  /** Column of the share of each class; null where there is none. */
  readonly shares: readonly (number | null)[];
  readonly zones: readonly PageZone[];
}

/** Scores of a class. */
export interface PageClassScores extends ClassScores {
  readonly class: number;
  readonly name: string;
}

/** Scores of the map, and how they were counted. */
export interface PageScores {
  /** Where they come from. */
  readonly source: string;
  /** Overall scores: name and value. */
  readonly overall: readonly (readonly [name: string, value: number | null])[];
  readonly classes: readonly PageClassScores[];
  /** Pixels: a row for each true class, a column for each predicted one. */
  readonly confusion: readonly (readonly number[])[];
  /** Sentences on how the numbers came about. */
  readonly conventions: readonly string[];
}

/** Curves of a training that share their axes. */
export interface PagePanel {
  readonly title: string;
  readonly curves: readonly {
    readonly name: string;
    /** Drawn with dashes. */
    readonly dashed: boolean;
    /** Steps and values. */
    readonly points: readonly (readonly [step: number, value: number])[];
  }[];
}

/** A list of facts under a heading. */
export interface PageFacts {
  readonly heading: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
}

/** All that a page shows. */
export interface ReportData {
  readonly title: string;
  /** A line below it. */
  readonly subtitle: string;
  readonly classes: readonly PageClass[];
  /** Null where there is no map. */
  readonly map: {
    /** Columns and rows at full resolution, in which zones and the pointer are counted. */
    readonly width: number;
    readonly height: number;
    /** Metres of a pixel; null where unknown. */
    readonly metres: number | null;
    /** Geotransform in GDAL's order, and the name of its CRS; null where unknown. */
    readonly transform: readonly number[] | null;
    readonly crs: string | null;
    readonly layers: readonly PageLayer[];
    /** Certainty by pixel in percent; 255 is no data. Null where there is none. */
    readonly confidence: PagePyramid | null;
    /** Picture of the scene; null where there is none. */
    readonly scene:
      | { readonly blob: string; readonly type: string; readonly caption: string }
      | null;
    /** What resolutions the page keeps, in words. */
    readonly resolution: string;
  } | null;
  readonly scores: PageScores | null;
  readonly zones: PageZones | null;
  readonly curves: readonly PagePanel[];
  readonly provenance: readonly PageFacts[];
}
