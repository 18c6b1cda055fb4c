/**
 * How many pixels of each class lie in each zone, and how much ground they are.
 *
 * @module
 */
import type { Runs } from "./run_store.ts";

/** Classes of a zone start with this many places. */
const FIRST_CLASSES = 16;

/** What is known of a zone. */
export interface ClassCounts {
  /** Pixels by class, each by the share that the zone covers. */
  readonly pixels: Float64Array;
  /** Square metres by class. */
  readonly area: Float64Array;
  /** Pixels without data. */
  readonly missingPixels: number;
  /** Square metres without data. */
  readonly missingArea: number;
}

interface Zone {
  pixels: Float64Array<ArrayBuffer>;
  area: Float64Array<ArrayBuffer> | null;
  missingPixels: number;
  missingArea: number;
}

const NONE = new Float64Array(0);

/** Counts classes in zones as the rows of a raster come. */
export class ClassCounter {
  readonly #zones: (Zone | undefined)[] = [];
  readonly #pixelAreas: number | Float64Array;

  /**
   * Begin with nothing.
   *
   * @param pixelAreas Square metres of a pixel, by row or everywhere.
   */
  constructor(pixelAreas: number | Float64Array) {
    this.#pixelAreas = pixelAreas;
  }

  /**
   * Count the pixels of a strip of rows.
   *
   * @param runs Where the zones are.
   * @param codes Classes of the strip, row by row.
   * @param valid 1 where there is data.
   * @param top First row of the strip.
   * @param width Columns.
   */
  add(
    runs: Runs,
    codes: Uint8Array | Uint16Array | Uint32Array,
    valid: Uint8Array,
    top: number,
    width: number,
  ): void {
    const { count, fields, shares } = runs;
    for (let i = 0; i < count; i++) {
      const row = fields[4 * i + 1]!;
      const start = (row - top) * width;
      const from = start + fields[4 * i + 2]!;
      const to = start + fields[4 * i + 3]!;
      const share = shares[i]!;
      const zone = this.#zone(fields[4 * i]!);
      if (typeof this.#pixelAreas === "number") {
        zone.missingPixels += countRun(zone, codes, valid, from, to, share);
      } else {
        countRunWithArea(zone, codes, valid, from, to, share, share * this.#pixelAreas[row]!);
      }
    }
  }

  /** What was counted in a zone. */
  counts(zone: number): ClassCounts {
    const counted = this.#zones[zone];
    if (counted === undefined) {
      return { pixels: NONE, area: NONE, missingPixels: 0, missingArea: 0 };
    }
    const { pixels, missingPixels } = counted;
    if (counted.area !== null) {
      return { pixels, area: counted.area, missingPixels, missingArea: counted.missingArea };
    }
    const size = this.#pixelAreas as number;
    return {
      pixels,
      area: pixels.map((count) => count * size),
      missingPixels,
      missingArea: missingPixels * size,
    };
  }

  #zone(number: number): Zone {
    return this.#zones[number] ??= {
      pixels: new Float64Array(FIRST_CLASSES),
      area: typeof this.#pixelAreas === "number" ? null : new Float64Array(FIRST_CLASSES),
      missingPixels: 0,
      missingArea: 0,
    };
  }
}

/** Returns how many pixels have no data. */
function countRun(
  zone: Zone,
  codes: Uint8Array | Uint16Array | Uint32Array,
  valid: Uint8Array,
  from: number,
  to: number,
  share: number,
): number {
  let { pixels } = zone;
  let missing = 0;
  for (let i = from; i < to; i++) {
    if (valid[i] === 0) {
      missing += share;
      continue;
    }
    const code = codes[i]!;
    if (code >= pixels.length) pixels = grow(zone, code);
    pixels[code]! += share;
  }
  return missing;
}

function countRunWithArea(
  zone: Zone,
  codes: Uint8Array | Uint16Array | Uint32Array,
  valid: Uint8Array,
  from: number,
  to: number,
  share: number,
  ground: number,
): void {
  for (let i = from; i < to; i++) {
    if (valid[i] === 0) {
      zone.missingPixels += share;
      zone.missingArea += ground;
      continue;
    }
    const code = codes[i]!;
    if (code >= zone.pixels.length) grow(zone, code);
    zone.pixels[code]! += share;
    zone.area![code]! += ground;
  }
}

function grow(zone: Zone, code: number): Float64Array<ArrayBuffer> {
  let size = zone.pixels.length;
  while (size <= code) size *= 2;
  const larger = (values: Float64Array) => {
    const copy = new Float64Array(size);
    copy.set(values);
    return copy;
  };
  zone.pixels = larger(zone.pixels);
  if (zone.area !== null) zone.area = larger(zone.area);
  return zone.pixels;
}
