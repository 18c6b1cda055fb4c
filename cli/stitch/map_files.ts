/**
 * The files that a scene's rows go to: at once, or put aside until all are there, so that a run that
 * was broken off goes on.
 *
 * @module
 */
import {
  createGeoTiff,
  cropArray,
  identityOf,
  mapRows,
  type NdArray,
  openPartialMap,
  type PartialMap,
  type RasterSpec,
  type RasterWriter,
  type RowSink,
  stitchedRows,
  type StreamHeader,
} from "../../mod.ts";
import { CommandError } from "../errors.ts";

/** One file: the classes, the confidence, the probabilities. */
export interface MapLayer {
  readonly name: "map" | "confidence" | "probabilities";
  readonly path: string;
  readonly spec: RasterSpec;
}

/** Where the rows of a scene go. */
export interface MapFileSet extends Disposable {
  /** Begin a file; before `begin`, or else it is made when it is filled. */
  open(layer: MapLayer): Promise<void>;
  /** All files are known: returns where their rows go. */
  begin(): Promise<ReadonlyMap<MapLayer["name"], RowSink>>;
  /**
   * All rows have come: give the files their names, the map last.
   *
   * @param onMapRows Called with all rows of the map, where they were put aside.
   */
  finish(onMapRows: (rows: NdArray) => void): Promise<void>;
  /** What is kept for another run; null where nothing is. */
  readonly kept: { readonly path: string; readonly rows: number; readonly of: number } | null;
}

/** Rows go into the files as they come. */
export class DirectFiles implements MapFileSet {
  readonly kept = null;
  readonly #writers = new Map<MapLayer["name"], RasterWriter>();

  async open({ name, path, spec }: MapLayer): Promise<void> {
    this.#writers.set(name, await createGeoTiff(path, spec));
  }

  begin(): Promise<ReadonlyMap<MapLayer["name"], RowSink>> {
    return Promise.resolve(this.#writers);
  }

  async finish(): Promise<void> {
    for (const writer of mapLast(this.#writers)) await writer.finish();
  }

  [Symbol.dispose](): void {
    for (const writer of this.#writers.values()) writer.abort();
  }
}

/** Rows are put aside beside the map, and stay there when the run is broken off. */
export class ResumableFiles implements MapFileSet {
  readonly #header: StreamHeader;
  readonly #minConfidence: number;
  readonly #layers = new Map<MapLayer["name"], MapLayer>();
  #partial: PartialMap | null = null;
  #writer: RasterWriter | null = null;

  constructor(header: StreamHeader, minConfidence: number) {
    this.#header = header;
    this.#minConfidence = minConfidence;
  }

  get kept(): MapFileSet["kept"] {
    if (this.#partial === null) return null;
    const { start, end } = mapRows(this.#header);
    const { path, rows } = this.#partial;
    return { path, rows, of: end - start };
  }

  open(layer: MapLayer): Promise<void> {
    this.#layers.set(layer.name, layer);
    return Promise.resolve();
  }

  async begin(): Promise<ReadonlyMap<MapLayer["name"], RowSink>> {
    const layers = [...this.#layers.values()].map(({ name, spec }) => ({
      name,
      dtype: spec.dtype,
      bands: spec.bands.length,
    }));
    const map = this.#layers.get("map")!;
    const identity = identityOf(this.#header, { minConfidence: this.#minConfidence });
    const partial = await openPartialMap(map.path, identity, layers);
    this.#partial = partial;
    const first = stitchedRows(this.#header).start - mapRows(this.#header).start;
    if (first > partial.rows) {
      const { rows } = partial;
      this[Symbol.dispose]();
      throw new CommandError(
        `Cannot go on with "${partial.path}": it has ${rows} finished rows, the stream begins at row ${first}`,
        `Begin the pipe with: swath tile SCENE --resume-from ${map.path}`,
      );
    }
    const known = partial.rows - first;
    return new Map(layers.map(({ name }) => [name, sinkBelow(partial, name, known)]));
  }

  async finish(onMapRows: (rows: NdArray) => void): Promise<void> {
    const partial = this.#partial!;
    for (const { name, path, spec } of mapLast(this.#layers)) {
      // What is there was made of these rows by a run that was broken off just before it was done.
      using writer = await createGeoTiff(path, { ...spec, overwrite: true });
      this.#writer = writer;
      for await (const rows of partial.rowsOf(name)) {
        if (name === "map") onMapRows(rows);
        await writer.writeRows(rows);
      }
      await writer.finish();
    }
    await partial.remove();
    this.#partial = null;
  }

  [Symbol.dispose](): void {
    this.#writer?.abort();
    this.#partial?.close();
  }
}

/** The map appears last: where it is, all is. */
function mapLast<Value>(layers: ReadonlyMap<MapLayer["name"], Value>): Value[] {
  return [...layers]
    .toSorted(([a], [b]) => Number(a === "map") - Number(b === "map"))
    .map(([, value]) => value);
}

/** Rows that are there already are passed over. */
function sinkBelow(partial: PartialMap, layer: string, known: number): RowSink {
  let toSkip = known;
  return {
    async writeRows(rows) {
      const skipped = Math.min(toSkip, rows.shape[1]!);
      toSkip -= skipped;
      await partial.append(
        layer,
        skipped === 0 ? rows : cropArray(rows, {
          x: 0,
          y: skipped,
          width: rows.shape[2]!,
          height: rows.shape[1]! - skipped,
        }),
      );
    },
  };
}
