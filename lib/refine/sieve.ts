/**
 * Dropping small regions of a class map: the smallest mapping unit.
 *
 * The rules are those of GDAL's `GDALSieveFilter`: a region below the threshold takes the value of its
 * largest neighbour (of equal ones, the first met); if that is too small as well, of that one's largest neighbour, and so on;
 * where the chain comes back to itself, the region stays. Pixels without data are no region and no neighbour.
 *
 * Three passes over the rows: regions are found and measured, then their neighbours, then the map is written. Memory is that of
 * some rows, and 13 bytes for each piece of a region.
 *
 * @module
 */
import { ndarray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import type { RasterReader } from "../raster/mod.ts";
import { DisjointSets, grown, type Line, mapStrips, NONE, PieceNumbers } from "../regions/mod.ts";
import type { RowSink } from "../tiling/mod.ts";

/** Options of {@linkcode sieveRaster}. */
export interface SieveOptions {
  /** Regions of fewer pixels are dropped. */
  readonly threshold: number;
  /** Whether pixels that touch at a corner belong together (8) or only those that share an edge (4, where left out). */
  readonly connectivity?: 4 | 8;
  /** Called with the rows done, over all passes. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What was dropped. */
export interface SieveReport {
  /** Regions before. */
  readonly regions: number;
  /** Regions that took the value of a neighbour. */
  readonly dropped: number;
  /** Regions below the threshold that stay, as nothing large enough is next to them. */
  readonly kept: number;
  /** Pixels that changed. */
  readonly pixels: number;
}

/**
 * Drop the small regions of a class map.
 *
 * @param map Class map of one band of 8 bits.
 * @param sink Takes the rows of the result, uint8 (1, n, W); pixels without data have `nodata`.
 * @param nodata Value of pixels without data.
 * @param options Threshold and connectivity.
 * @returns What was dropped.
 * @throws {InputError} If the map has several bands or another element type.
 */
export async function sieveRaster(
  map: RasterReader,
  sink: RowSink,
  nodata: number,
  options: SieveOptions,
): Promise<SieveReport> {
  const { source, width, height, bands, dtype } = map.info;
  if (bands.length !== 1 || dtype !== "uint8") {
    throw new InputError(
      `Cannot sieve "${source}" as it has ${bands.length} bands of ${dtype}: expected 1 band of classes in 8 bits`,
    );
  }
  const { threshold, connectivity = 4, onProgress } = options;
  const regions = new Regions();
  const passes = { done: 0, total: 3 * height };
  const eachRow = async (row: (line: Line) => void, strip?: (rows: number) => Promise<void>) => {
    const ids = new PieceNumbers(width, connectivity);
    for await (const { values, valid, rows } of mapStrips(map)) {
      for (let y = 0; y < rows; y++) {
        const line = {
          values: values.subarray(y * width, (y + 1) * width),
          valid: valid.subarray(y * width, (y + 1) * width),
        };
        row({ ...line, ...ids.next(line.values, line.valid) });
      }
      await strip?.(rows);
      onProgress?.(passes.done += rows, passes.total);
    }
  };

  await eachRow(({ ids, joined }) => {
    for (const id of ids) if (id !== NONE) regions.count(id);
    for (const [a, b] of joined) regions.join(a, b);
  });
  regions.settle();

  await eachRow(({ ids, above, values }) => {
    for (let x = 0; x < width; x++) {
      if (ids[x] === NONE) continue;
      regions.setValue(ids[x]!, values[x]!);
      if (above !== null) {
        regions.meet(ids[x]!, above[x]!);
        if (connectivity === 8 && x > 0) regions.meet(ids[x]!, above[x - 1]!);
        if (connectivity === 8 && x + 1 < width) regions.meet(ids[x]!, above[x + 1]!);
      }
      if (x > 0) regions.meet(ids[x]!, ids[x - 1]!);
    }
  });
  const report = regions.resolve(threshold);

  let pixels = 0;
  let pending: Uint8Array[] = [];
  await eachRow(({ ids, values }) => {
    const line = new Uint8Array(width);
    for (let x = 0; x < width; x++) {
      line[x] = ids[x] === NONE ? nodata : regions.valueOf(ids[x]!);
      if (ids[x] !== NONE && line[x] !== values[x]) pixels++;
    }
    pending.push(line);
  }, async (rows) => {
    const strip = ndarray("uint8", [1, rows, width]);
    pending.forEach((line, y) => strip.data.set(line, y * width));
    pending = [];
    await sink.writeRows(strip);
  });
  return { ...report, pixels };
}

/** Regions by their pieces. */
class Regions {
  readonly #pieces = new DisjointSets();
  #sizes: Float64Array<ArrayBuffer> = new Float64Array(1024);
  /** The first piece of each piece's region. */
  #regions: Int32Array<ArrayBuffer> = new Int32Array(0);
  #values: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #neighbours: Int32Array<ArrayBuffer> = new Int32Array(0);

  /** One more pixel of a piece; pieces come in the order of their numbers. */
  count(id: number): void {
    if (id === this.#pieces.count) this.#pieces.add();
    if (id === this.#sizes.length) this.#sizes = grown(this.#sizes);
    this.#sizes[id]!++;
  }

  /** Two pieces are of one region. */
  join(a: number, b: number): void {
    this.#pieces.join(a, b);
  }

  /** All pieces are known: their pixels go to the region's first. */
  settle(): void {
    this.#regions = this.#pieces.names();
    const { length } = this.#regions;
    for (let id = 0; id < length; id++) {
      const region = this.#regions[id]!;
      if (region === id) continue;
      this.#sizes[region]! += this.#sizes[id]!;
      this.#sizes[id] = 0;
    }
    this.#values = new Uint8Array(length);
    this.#neighbours = new Int32Array(length).fill(NONE);
  }

  setValue(id: number, value: number): void {
    this.#values[this.#regions[id]!] = value;
  }

  /** Two pixels next to one another. */
  meet(a: number, b: number): void {
    if (a === NONE || b === NONE) return;
    const [first, second] = [this.#regions[a]!, this.#regions[b]!];
    if (first === second) return;
    this.#offer(first, second);
    this.#offer(second, first);
  }

  /** Decide what becomes of small regions. */
  resolve(threshold: number): Omit<SieveReport, "pixels"> {
    let [regions, dropped, kept] = [0, 0, 0];
    const target = this.#neighbours;
    for (let id = 0; id < this.#regions.length; id++) {
      if (this.#regions[id] !== id) continue;
      regions++;
      if (this.#sizes[id]! >= threshold) {
        target[id] = NONE;
        continue;
      }
      const final = this.#largeEnough(id, threshold);
      if (final === NONE) {
        kept++;
        target[id] = NONE;
        continue;
      }
      dropped++;
      // All that lie on the way go there too.
      for (let current = id; target[current] !== final;) {
        const next = target[current]!;
        target[current] = final;
        current = next;
      }
    }
    return { regions, dropped, kept };
  }

  /** Value of a pixel's region after that. */
  valueOf(id: number): number {
    const region = this.#regions[id]!;
    const target = this.#neighbours[region]!;
    return this.#values[target === NONE ? region : target]!;
  }

  #largeEnough(id: number, threshold: number): number {
    const visited = new Set([id]);
    for (let current = this.#neighbours[id]!; current !== NONE;) {
      if (this.#sizes[current]! >= threshold) return current;
      if (visited.has(current)) return NONE;
      visited.add(current);
      current = this.#neighbours[current]!;
    }
    return NONE;
  }

  #offer(id: number, neighbour: number): void {
    const best = this.#neighbours[id]!;
    if (best === NONE || this.#sizes[best]! < this.#sizes[neighbour]!) {
      this.#neighbours[id] = neighbour;
    }
  }
}
