/**
 * Decoded blocks, kept while there is room for them.
 *
 * @module
 */

import type { DecodedBlock } from "./decode/samples.ts";

/** What is kept: the pixels of a block, or null where the file stores nothing for it. */
export type CachedBlock = DecodedBlock | null;

/** A block that is here or on its way. */
export class KeptBlock {
  /** The block, once it is decoded. */
  readonly block: Promise<CachedBlock>;
  /** Its size once it is decoded. */
  readonly bytes: number;
  readonly #free: (block: DecodedBlock) => void;
  #decoded: CachedBlock = null;
  #users = 0;
  #kept = true;

  /**
   * @param block The block to come.
   * @param bytes Its size.
   * @param free Takes its memory when nobody uses it any more.
   */
  constructor(
    block: Promise<CachedBlock>,
    bytes: number,
    free: (block: DecodedBlock) => void,
  ) {
    this.block = block;
    this.bytes = bytes;
    this.#free = free;
    block.then((decoded) => {
      this.#decoded = decoded;
      this.#freeIfUnused();
    }, () => {});
  }

  /** True while somebody reads it, who then says that it is {@linkcode done}. */
  get used(): boolean {
    return this.#users > 0;
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
    this.#free(this.#decoded);
    this.#decoded = null;
  }
}

/** Least recently used blocks go first once their bytes exceed the limit. */
export class BlockCache {
  readonly #blocks = new Map<number, KeptBlock>();
  readonly #limit: number;
  #bytes = 0;

  /**
   * Make an empty cache.
   *
   * @param limit Most bytes that are kept, apart from blocks in use.
   */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The block if it is here or on its way; it counts as used recently. */
  get(index: number): KeptBlock | undefined {
    const block = this.#blocks.get(index);
    if (block !== undefined) {
      this.#blocks.delete(index);
      this.#blocks.set(index, block);
    }
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
    this.#blocks.set(index, block);
    this.#bytes += block.bytes;
    block.block.catch(() => {
      if (this.#blocks.get(index) === block) this.delete(index);
    });
    for (const [oldest, { used }] of this.#blocks) {
      if (this.#bytes <= this.#limit || oldest === index) break;
      if (!used) this.delete(oldest);
    }
  }

  /** Forget a block. */
  delete(index: number): void {
    const block = this.#blocks.get(index);
    if (block === undefined) return;
    this.#blocks.delete(index);
    this.#bytes -= block.bytes;
    block.drop();
  }

  /** Forget all blocks for which the test holds. */
  deleteWhere(test: (index: number) => boolean): void {
    for (const index of [...this.#blocks.keys()]) {
      if (test(index)) this.delete(index);
    }
  }
}
