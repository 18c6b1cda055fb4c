/**
 * Opens a vector file, whatever its format.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { fileError, openRandomAccessFile, readWhole, withFileErrors } from "../files/mod.ts";
import { type FeatureReader, VectorFault } from "./feature.ts";
import { MAGIC } from "./flatgeobuf_schema.ts";
import { openFlatGeobuf } from "./read_flatgeobuf.ts";
import { type OpenChunks, openGeoJson } from "./read_geojson.ts";
import { openGeoPackage } from "./read_geopackage.ts";
import { openShapefile } from "./read_shapefile.ts";

const CHUNK_BYTES = 1 << 18;
/** First four bytes of a shapefile, most significant byte first. */
const SHAPEFILE_CODE = 9994;
const SQLITE = "SQLite format 3\0";

/** Options of {@linkcode openFeatures}. */
export interface OpenFeaturesOptions {
  /** Layer of a GeoPackage; the only one where left out. */
  readonly layer?: string;
}

/**
 * Open a vector file: GeoJSON, newline-delimited GeoJSON, GeoPackage, FlatGeobuf or Shapefile, told
 * apart by their content. Features come one at a time; no format is held whole.
 *
 * @param path The file. A pipe is read into memory first, and can only be GeoJSON.
 * @param options Which layer.
 * @returns The layer; the caller closes it.
 * @throws {InputError} If it cannot be read, is no vector file, is damaged, or has no such layer.
 *
 * @example
 * ```ts
 * import { openFeatures } from "swath";
 *
 * const path = await Deno.makeTempFile({ suffix: ".geojson" });
 * await Deno.writeTextFile(
 *   path,
 *   `{"type": "Feature", "properties": {"name": "here"},
 *     "geometry": {"type": "Point", "coordinates": [6, 49]}}`,
 * );
 * using zones = await openFeatures(path);
 * for await (const { properties } of zones.features()) {
 *   if (properties.name !== "here" || zones.crs !== "EPSG:4326") throw new Error("unexpected");
 * }
 * await Deno.remove(path);
 * ```
 */
export async function openFeatures(
  path: string,
  options: OpenFeaturesOptions = {},
): Promise<FeatureReader> {
  const { layer } = options;
  return await withVectorFaults(path, async () => {
    const { isFile, isDirectory } = await withFileErrors("read", path, () => Deno.stat(path));
    if (isDirectory) {
      throw new VectorFault("it is a directory", {
        hint: "Name a file in it, such as the .shp of a shapefile",
      });
    }
    if (!isFile) {
      const bytes = await readWhole(path);
      return guardFeatures(path, await openOnlyLayer(path, layer, () => chunksOf(bytes)));
    }
    if (/\.(dbf|shx|prj|cpg)$/i.test(path)) {
      throw new VectorFault("it is a part of a shapefile: name its .shp");
    }
    const head = await firstBytes(path);
    if (new TextDecoder().decode(head.subarray(0, SQLITE.length)) === SQLITE) {
      return guardFeatures(path, await openGeoPackage(path, layer));
    }
    if (/\.gpkg$/i.test(path)) {
      throw new VectorFault("it is no GeoPackage: it is no SQLite database");
    }
    if (MAGIC.slice(0, 3).every((byte, i) => head[i] === byte)) {
      refuseLayer(layer, "FlatGeobuf");
      return guardFeatures(path, await openFlatGeobuf(await openRandomAccessFile(path)));
    }
    if (head.length >= 4 && new DataView(head.buffer).getInt32(0, false) === SHAPEFILE_CODE) {
      refuseLayer(layer, "A shapefile");
      return guardFeatures(path, await openShapefile(path));
    }
    refuseOthers(head);
    return guardFeatures(path, await openOnlyLayer(path, layer, () => fileChunks(path)));
  });
}

async function openOnlyLayer(
  path: string,
  layer: string | undefined,
  chunks: OpenChunks,
): Promise<FeatureReader> {
  refuseLayer(layer, "GeoJSON");
  return await openGeoJson(path, chunks);
}

function refuseLayer(layer: string | undefined, format: string): void {
  if (layer !== undefined) {
    throw new VectorFault(`${format} has one layer: there is no layer ${JSON.stringify(layer)}`);
  }
}

/** Say what a file is that people take for a vector file. */
function refuseOthers(head: Uint8Array): void {
  if (head.length === 0) throw new VectorFault("it is empty");
  const starts = (...bytes: number[]) => bytes.every((byte, i) => head[i] === byte);
  if (starts(0x50, 0x4b)) {
    throw new VectorFault("it is a ZIP archive", { hint: "Unpack it, and name the file inside" });
  }
  if (starts(0x1f, 0x8b)) {
    throw new VectorFault("it is compressed by gzip", { hint: "Unpack it: gunzip -k FILE" });
  }
  if (starts(0x49, 0x49, 0x2a) || starts(0x4d, 0x4d, 0x00, 0x2a)) {
    throw new VectorFault("it is a raster, not a vector file");
  }
  if (starts(0x3c) || starts(0xef, 0xbb, 0xbf, 0x3c)) {
    throw new VectorFault("it is XML, such as KML or GML, which is not read", {
      hint: "Turn it into GeoJSON first: ogr2ogr zones.geojson FILE",
    });
  }
}

async function firstBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  using file = await openRandomAccessFile(path);
  return file.read(0, Math.min(64, file.size));
}

/** The bytes of a file, from its start. */
async function* fileChunks(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  using file = await withFileErrors("read", path, () => Deno.open(path));
  for (;;) {
    const chunk = new Uint8Array(CHUNK_BYTES);
    const count = await withFileErrors("read", path, () => file.read(chunk));
    if (count === null) return;
    yield chunk.subarray(0, count);
  }
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}

/** Run work on a file; what is wrong with it comes out as an error that names it. */
async function withVectorFaults<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw describedFault(path, error);
  }
}

function describedFault(path: string, error: unknown): unknown {
  if (!(error instanceof VectorFault)) return fileError(error, "read", path);
  return new InputError(`Cannot read ${JSON.stringify(path)}: ${error.message}`, {
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

/** The reader with the file's name in the errors of its features. */
function guardFeatures(path: string, reader: FeatureReader): FeatureReader {
  return {
    ...reader,
    [Symbol.dispose]: () => reader.close(),
    async *features() {
      try {
        yield* reader.features();
      } catch (error) {
        throw describedFault(path, error);
      }
    },
  };
}
