/**
 * What vector files hold, whatever their format.
 *
 * @module
 */
import type { Geometry } from "../geo/mod.ts";

/** Value of an attribute: what JSON can hold; lists and objects only come from GeoJSON. */
export type FieldValue = string | number | boolean | null | readonly unknown[] | object;

/** Kinds of attributes. */
export type FieldType = "string" | "integer" | "real" | "boolean" | "json";

/** An attribute of a layer. */
export interface FieldInfo {
  /** Its name. */
  readonly name: string;
  /** What it holds. */
  readonly type: FieldType;
}

/** A thing on the ground. */
export interface Feature {
  /** The file's own identifier, such as GeoJSON's `id` or the key of a GeoPackage; null for none. */
  readonly id: string | number | null;
  /** Where it is; null where the file has no geometry for it. */
  readonly geometry: Geometry | null;
  /** Its attributes. */
  readonly properties: Readonly<Record<string, FieldValue>>;
}

/** An open layer of a vector file. */
export interface FeatureReader extends Disposable {
  /** The file as it was named. */
  readonly path: string;
  /** Format in words, such as `GeoPackage`. */
  readonly format: string;
  /** Name of the layer; null where the format has but one and does not name it. */
  readonly layer: string | null;
  /** CRS of the coordinates: `EPSG:2154`, WKT or a PROJ string; null where the file does not say. */
  readonly crs: string | null;
  /** Attributes in file order; null where each feature of the format has its own. */
  readonly fields: readonly FieldInfo[] | null;
  /** How many features there are; null where that is not known beforehand. */
  readonly count: number | null;
  /** Name of the attribute that {@linkcode Feature.id} is, such as `fid`; null where it has none. */
  readonly idField: string | null;
  /**
   * The features in file order, one at a time. It may be called again.
   *
   * @throws {InputError} If the file is damaged; it says which feature.
   */
  features(): AsyncGenerator<Feature, void, undefined>;
  /** Release the file; harmless when repeated. */
  close(): void;
}

/** A place in a file that is damaged or not supported; it becomes an `InputError` that names the file. */
export class VectorFault extends Error {
  override readonly name: string = "VectorFault";
  /** What the user can do about it. */
  readonly hint: string | undefined;

  /**
   * Describe a fault.
   *
   * @param message What is wrong, and where in the file.
   * @param options The cause, and a hint.
   */
  constructor(message: string, options: ErrorOptions & { readonly hint?: string } = {}) {
    super(message, options);
    this.hint = options.hint;
  }
}
