/**
 * What writers of vector files have in common.
 *
 * @module
 */
import type { Feature, FieldInfo } from "./feature.ts";

/** What a layer holds. */
export interface LayerSpec {
  /** Its name. */
  readonly name: string;
  /** CRS of the coordinates: `EPSG:2154`, WKT or a PROJ string; null where it is not known. */
  readonly crs: string | null;
  /** The CRS as WKT; null where it is not known. */
  readonly wkt: string | null;
  /** Attributes, in order. */
  readonly fields: readonly FieldInfo[];
}

/** Takes features; the file is somebody else's. */
export interface FeatureSink {
  /** Add a feature; attributes that are not fields are left out. */
  write(feature: Omit<Feature, "id">): Promise<void>;
  /** All features have come. */
  finish(): Promise<void>;
}
