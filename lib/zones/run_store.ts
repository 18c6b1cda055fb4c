/**
 * The pixels of all zones, in the order in which a raster's rows come.
 *
 * Zones come one after the other and rows from top to bottom, so that stretches of pixels wait for
 * their strip of rows here: in memory while they are few, on disk beyond.
 *
 * @module
 */
import { createTemporaryScratch, type Scratch } from "../files/mod.ts";

/** Bytes of stretches that are held in memory. */
const DEFAULT_MEMORY = 64 << 20;
/** Numbers of a stretch: zone, row, first column, end. */
const FIELDS = 4;
/** Bytes of a stretch: four numbers of 32 bits, and its share of 64. */
const RUN_BYTES = FIELDS * 4 + 8;
/** A chunk begins with this many stretches, and the next one of a strip has twice as many. */
const FIRST_CHUNK = 32;
const LARGEST_CHUNK = 8192;

/** Stretches of pixels. */
export interface Runs {
  /** How many there are. */
  readonly count: number;
  /** Zone, row, first column, and the column after the last, of each in turn. */
  readonly fields: Uint32Array;
  /** Share of the pixels that the zone covers. */
  readonly shares: Float64Array;
}

interface Chunk {
  count: number;
  readonly fields: Uint32Array<ArrayBuffer>;
  readonly shares: Float64Array<ArrayBuffer>;
}

/** What waits for a strip. */
interface Strip {
  /** Full chunks and the one being filled. */
  chunks: Chunk[];
  /** Chunks on disk: where, and how many stretches. */
  readonly stored: { readonly position: number; readonly count: number }[];
}

/** Stretches by strip of rows. */
export class RunStore implements Disposable {
  readonly #stripRows: number;
  readonly #strips: Strip[];
  readonly #memory: number;
  #bytes = 0;
  #scratch: Scratch | null = null;
  /** Bytes on disk. */
  #stored = 0;

  /**
   * Make an empty store.
   *
   * @param height Rows of the raster.
   * @param stripRows Rows that are asked for together.
   * @param memory Most bytes held before they go to a temporary file.
   */
  constructor(height: number, stripRows: number, memory = DEFAULT_MEMORY) {
    this.#stripRows = stripRows;
    this.#memory = memory;
    this.#strips = Array.from(
      { length: Math.ceil(height / stripRows) },
      () => ({ chunks: [], stored: [] }),
    );
  }

  /** Bytes that are held or on disk. */
  get bytes(): number {
    return this.#bytes + this.#stored;
  }

  /** Add a stretch. */
  add(zone: number, row: number, first: number, end: number, share: number): void {
    const strip = this.#strips[Math.floor(row / this.#stripRows)]!;
    let chunk = strip.chunks.at(-1);
    if (chunk === undefined || chunk.count === chunk.shares.length) {
      const size = chunk === undefined
        ? FIRST_CHUNK
        : Math.min(LARGEST_CHUNK, chunk.shares.length * 2);
      if (this.#bytes + size * RUN_BYTES > this.#memory) this.#flush();
      chunk = { count: 0, fields: new Uint32Array(size * FIELDS), shares: new Float64Array(size) };
      strip.chunks.push(chunk);
      this.#bytes += size * RUN_BYTES;
    }
    const at = chunk.count * FIELDS;
    chunk.fields[at] = zone;
    chunk.fields[at + 1] = row;
    chunk.fields[at + 2] = first;
    chunk.fields[at + 3] = end;
    chunk.shares[chunk.count++] = share;
  }

  /**
   * The stretches of a strip, in the order they were added; they are forgotten.
   *
   * @param strip Number of the strip.
   */
  *take(strip: number): Generator<Runs, void, undefined> {
    const { chunks, stored } = this.#strips[strip]!;
    for (const { position, count } of stored) yield this.#load(position, count);
    this.#strips[strip]!.chunks = [];
    for (const chunk of chunks) {
      this.#bytes -= chunk.shares.length * RUN_BYTES;
      yield chunk;
    }
  }

  /** Drop everything; harmless when repeated. */
  [Symbol.dispose](): void {
    this.#scratch?.close();
  }

  /** Move all that is held to the disk. */
  #flush(): void {
    const scratch = this.#scratch ??= createTemporaryScratch();
    for (const strip of this.#strips) {
      for (const { count, fields, shares } of strip.chunks) {
        strip.stored.push({ position: this.#stored, count });
        this.#write(scratch, fields.subarray(0, count * FIELDS));
        this.#write(scratch, shares.subarray(0, count));
      }
      strip.chunks = [];
    }
    this.#bytes = 0;
  }

  #write(scratch: Scratch, values: Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>): void {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    scratch.write(this.#stored, bytes);
    this.#stored += bytes.length;
  }

  #load(position: number, count: number): Runs {
    const bytes = new Uint8Array(count * RUN_BYTES);
    this.#scratch!.read(position, bytes);
    const fieldBytes = count * FIELDS * 4;
    return {
      count,
      fields: new Uint32Array(bytes.buffer, 0, count * FIELDS),
      shares: new Float64Array(bytes.buffer.slice(fieldBytes)),
    };
  }
}
