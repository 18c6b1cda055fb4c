/**
 * Writes vector files that appear whole or not at all.
 *
 * @module
 */
import { basename, extname, join } from "node:path";
import { InputError } from "../errors.ts";
import { createAtomicFile, withFileErrors } from "../files/mod.ts";
import {
  createTransformation,
  type Crs,
  epsgWkt,
  type Geometry,
  moveGeometry,
  openCrs,
  WGS84,
} from "../geo/mod.ts";
import type { Feature, FieldInfo } from "./feature.ts";
import type { FeatureSink, LayerSpec } from "./feature_sink.ts";
import { createFlatGeobuf } from "./write_flatgeobuf.ts";
import { createGeoJson } from "./write_geojson.ts";
import { createGeoPackage } from "./write_geopackage.ts";

/** Formats that vector files are written in. */
export const VECTOR_FORMATS = ["geojson", "fgb", "gpkg"] as const;

/** A format that vector files are written in. */
export type VectorFormat = (typeof VECTOR_FORMATS)[number];

const COPY_BYTES = 1 << 20;

/** What a vector file is to hold. */
export interface FeatureFileSpec {
  /** CRS of the coordinates that come; null where it is not known. */
  readonly crs: string | null;
  /** Attributes, in order. */
  readonly fields: readonly FieldInfo[];
  /** Name of the layer; that of the file where left out. */
  readonly layer?: string;
  /** The format; by the extension of the file where left out. */
  readonly format?: VectorFormat;
  /** Replace the file if it exists; otherwise that is an error. */
  readonly overwrite?: boolean;
}

/** A vector file that is being written. */
export interface FeatureWriter extends Disposable {
  /** Add a feature; attributes that are no fields are left out. */
  write(feature: Omit<Feature, "id">): Promise<void>;
  /** Give the file its name. */
  finish(): Promise<void>;
  /** Drop what was written; harmless after `finish`. */
  abort(): void;
}

/**
 * The format of a file by its extension.
 *
 * @param path The file.
 * @returns Null where it is none that is written.
 */
export function vectorFormatOf(path: string): VectorFormat | null {
  const extension = extname(path).slice(1).toLowerCase();
  if (extension === "json") return "geojson";
  return VECTOR_FORMATS.find((format) => format === extension) ?? null;
}

/**
 * Begin a vector file: GeoJSON, FlatGeobuf or GeoPackage.
 *
 * GeoJSON is in WGS 84, as RFC 7946 wants it, so that coordinates of other systems are moved there; the
 * others keep the system.
 *
 * @param path The file.
 * @param spec What it holds.
 * @throws {InputError} If the extension says no format, or the file exists and `overwrite` is not set.
 *
 * @example
 * ```ts
 * import { createFeatures } from "swath";
 *
 * const directory = await Deno.makeTempDir();
 * using writer = await createFeatures(`${directory}/zones.geojson`, {
 *   crs: "EPSG:4326",
 *   fields: [{ name: "name", type: "string" }],
 * });
 * await writer.write({
 *   geometry: { type: "Point", coordinates: [6, 49] },
 *   properties: { name: "here" },
 * });
 * await writer.finish();
 * await Deno.remove(directory, { recursive: true });
 * ```
 */
export async function createFeatures(path: string, spec: FeatureFileSpec): Promise<FeatureWriter> {
  const format = spec.format ?? vectorFormatOf(path);
  if (format === null) {
    throw new InputError(
      `Cannot write ${JSON.stringify(path)}: its extension says no format, expected one of ${
        VECTOR_FORMATS.map((format) => `.${format}`).join(", ")
      }`,
    );
  }
  const name = spec.layer ?? basename(path, extname(path));
  const layer: LayerSpec = { name, crs: spec.crs, wkt: await wktOf(spec.crs), fields: spec.fields };
  const file = await createAtomicFile(path, { overwrite: spec.overwrite ?? false });
  let directory: string | null = null;
  let close = () => {};
  const abort = () => {
    close();
    file.abort();
    if (directory !== null) removeDirectory(directory);
    directory = null;
  };
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await withFileErrors("write", path, work);
    } catch (error) {
      abort();
      throw error;
    }
  };
  const sink = await guarded(async (): Promise<FeatureSink> => {
    if (format === "fgb") return await createFlatGeobuf(file, layer);
    if (format === "geojson") {
      const inner = await createGeoJson(file, layer);
      return layer.crs === null ? inner : await inWgs84(inner, layer.crs);
    }
    directory = await Deno.makeTempDir({ prefix: ".swath-" });
    const database = await createGeoPackage(join(directory, "layer.gpkg"), layer);
    close = () => database.close();
    return database;
  });
  return {
    write: (feature) => guarded(() => sink.write(feature)),
    finish: () =>
      guarded(async () => {
        await sink.finish();
        close();
        if (directory !== null) await copyInto(file, join(directory, "layer.gpkg"));
        await file.commit();
        abort();
      }),
    abort,
    [Symbol.dispose]: abort,
  };
}

/** The CRS as WKT, as far as it is known. */
async function wktOf(crs: string | null): Promise<string | null> {
  if (crs === null || crs.startsWith("+")) return null;
  const code = /^EPSG:(\d+)$/.exec(crs)?.[1];
  return code === undefined ? crs : await epsgWkt(Number(code));
}

/** Moves what goes through it to WGS 84. */
async function inWgs84(sink: FeatureSink, from: string): Promise<FeatureSink> {
  const source: Crs = await openCrs(from);
  const transformation = await createTransformation(source, await openCrs(WGS84));
  if (transformation.identity) return sink;
  const moved = (geometry: Geometry) => moveGeometry(geometry, source, transformation);
  return {
    write: ({ geometry, properties }) =>
      sink.write({ geometry: geometry === null ? null : moved(geometry), properties }),
    finish: () => sink.finish(),
  };
}

async function copyInto(
  file: { write(bytes: Uint8Array): Promise<void> },
  path: string,
): Promise<void> {
  using source = await Deno.open(path);
  const buffer = new Uint8Array(COPY_BYTES);
  for (;;) {
    const count = await source.read(buffer);
    if (count === null) return;
    await file.write(buffer.subarray(0, count));
  }
}

function removeDirectory(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch {
    // Already gone.
  }
}
