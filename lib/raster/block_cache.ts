/**
 * Decoded blocks, kept while there is room for them.
 *
 * @module
 */
import type { WaitingBytes, WaitingPlace } from "../files/mod.ts";
import type { DecodedBlock } from "./decode/samples.ts";
import type { SpareBuffers } from "./spare_buffers.ts";

/** What is kept: the pixels of a block, or null where the file stores nothing for it. */
export type CachedBlock = DecodedBlock | null;

/** The place of a block in the file. */
interface StoredPlace {
  readonly place: WaitingPlace;
  /** Bytes of its planes; those of its holes, where it has some, are behind them. */
  readonly planes: number;
}

/** A block that is here or on its way. */
export class KeptBlock {
  /** The block, once it is decoded. */
  readonly block: Promise<CachedBlock>;
  /** Its size once it is decoded. */
  readonly bytes: number;
  readonly #spare: SpareBuffers;
  #decoded: CachedBlock = null;
  #users = 0;
  #kept = true;

  /**
   * @param block The block to come.
   * @param bytes Its size.
   * @param spare Takes its memory when nobody uses it any more.
   */
  constructor(block: Promise<CachedBlock>, bytes: number, spare: SpareBuffers) {
    this.block = block;
    this.bytes = bytes;
    this.#spare = spare;
    block.then((decoded) => {
      this.#decoded = decoded;
      this.#freeIfUnused();
    }, () => {});
  }

  /** True while somebody reads it, who then says that it is {@linkcode done}. */
  get used(): boolean {
    return this.#users > 0;
  }

  /** Its pixels; null while it is not decoded, and where the file stores none. */
  get decoded(): CachedBlock {
    return this.#decoded;
  }

  /** Begin to use it. */
  use(): this {
    this.#users++;
    return this;
  }

  /** Its pixels are no longer needed by one who used it. */
  done(): void {
    this.#users--;
    this.#freeIfUnused();
  }

  /** The cache does not keep it any longer. */
  drop(): void {
    this.#kept = false;
    this.#freeIfUnused();
  }

  #freeIfUnused(): void {
    if (this.#kept || this.#users > 0 || this.#decoded === null) return;
    this.#spare.keep(this.#decoded.planes.buffer);
    this.#decoded = null;
  }
}

/**
 * Blocks of an image. Least recently used ones go first once their bytes exceed the limit; those that
 * are set aside, as those that the next row of windows touches too, count among all that wait in the
 * process, and may leave memory for a file: together they are as wide as the scene, and come back in a
 * tenth of the time that it takes to decode them again.
 */
export class BlockCache {
  readonly #blocks = new Map<number, KeptBlock>();
  readonly #limit: number;
  readonly #spare: SpareBuffers;
  readonly #waiting: WaitingBytes;
  /** Blocks in memory that wait. */
  readonly #held = new Set<number>();
  /** Blocks that lie in the file; some are in memory as well, as they are used. */
  readonly #stored = new Map<number, StoredPlace>();
  #bytes = 0;

  /**
   * Make an empty cache.
   *
   * @param limit Most bytes that are kept, apart from blocks in use.
   * @param spare Memory for blocks that come back from the file.
   * @param waiting Room for blocks that are set aside.
   */
  constructor(limit: number, spare: SpareBuffers, waiting: WaitingBytes) {
    this.#limit = limit;
    this.#spare = spare;
    this.#waiting = waiting;
  }

  /** True if the block is here, on its way or set aside. */
  has(index: number): boolean {
    return this.#blocks.has(index) || this.#stored.has(index);
  }

  /** The block if it is here, on its way or set aside; it counts as used recently. */
  get(index: number): KeptBlock | undefined {
    const block = this.#blocks.get(index);
    if (block === undefined) return this.#restored(index);
    this.#release(index, block);
    this.#blocks.delete(index);
    this.#blocks.set(index, block);
    return block;
  }

  /**
   * Keep a block that is being decoded; one that fails is forgotten.
   *
   * @param index Number of the block.
   * @param block The block to come.
   */
  set(index: number, block: KeptBlock): void {
    this.delete(index);
    this.#keep(index, block);
    block.block.catch(() => {
      if (this.#blocks.get(index) === block) this.delete(index);
    });
  }

  /** Forget a block. */
  delete(index: number): void {
    this.#leaveMemory(index);
    const stored = this.#stored.get(index);
    if (stored === undefined) return;
    this.#stored.delete(index);
    this.#waiting.discard(stored.place);
  }

  /** Forget all blocks for which the test holds. */
  deleteWhere(test: (index: number) => boolean): void {
    for (const index of [...this.#blocks.keys(), ...this.#stored.keys()]) {
      if (test(index)) this.delete(index);
    }
  }

  /** Forget all blocks. */
  clear(): void {
    this.deleteWhere(() => true);
  }

  /** Blocks for which the test holds will be needed again, but not soon. */
  setAsideWhere(test: (index: number) => boolean): void {
    for (const [index, block] of [...this.#blocks]) {
      if (this.#held.has(index) || !test(index)) continue;
      if (!this.#stored.has(index)) {
        if (this.#waiting.hold(block.bytes)) {
          this.#held.add(index);
          continue;
        }
        const stored = block.decoded === null ? null : this.#store(block.decoded);
        if (stored === null) continue;
        this.#stored.set(index, stored);
      }
      this.#leaveMemory(index);
    }
  }

  #keep(index: number, block: KeptBlock): void {
    this.#blocks.set(index, block);
    this.#bytes += block.bytes;
    for (const [oldest, { used }] of this.#blocks) {
      if (this.#bytes <= this.#limit || oldest === index) break;
      if (!used) this.#leaveMemory(oldest);
    }
  }

  /** Write a block to the file; null where the system refuses. */
  #store({ planes, holes }: DecodedBlock): StoredPlace | null {
    const place = this.#waiting.store(planes, ...(holes === null ? [] : [holes]));
    return place && { place, planes: planes.length };
  }

  /** Bring a block back that lies in the file; it stays there until it is forgotten. */
  #restored(index: number): KeptBlock | undefined {
    const stored = this.#stored.get(index);
    if (stored === undefined) return undefined;
    const { place, planes: bytes } = stored;
    const planes = new Uint8Array(this.#spare.take(bytes) ?? new ArrayBuffer(bytes));
    this.#waiting.read(place, 0, planes);
    const holes = place.length === bytes ? null : new Uint8Array(place.length - bytes);
    if (holes !== null) this.#waiting.read(place, bytes, holes);
    const kept = new KeptBlock(Promise.resolve({ planes, holes }), bytes, this.#spare);
    this.#keep(index, kept);
    return kept;
  }

  #leaveMemory(index: number): void {
    const block = this.#blocks.get(index);
    if (block === undefined) return;
    this.#release(index, block);
    this.#blocks.delete(index);
    this.#bytes -= block.bytes;
    block.drop();
  }

  /** It waits no longer. */
  #release(index: number, block: KeptBlock): void {
    if (this.#held.delete(index)) this.#waiting.release(block.bytes);
  }
}
