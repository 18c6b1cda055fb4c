/**
 * Decoded blocks, kept while there is room for them.
 *
 * @module
 */

/** What is kept: the pixels of a block, or null where the file stores nothing for it. */
export type CachedBlock = Uint8Array<ArrayBuffer> | null;

/** Least recently used blocks go first once their bytes exceed the limit. */
export class BlockCache {
  readonly #blocks = new Map<number, Promise<CachedBlock>>();
  readonly #sizes = new Map<number, number>();
  readonly #limit: number;
  #bytes = 0;

  /**
   * Make an empty cache.
   *
   * @param limit Most bytes that are kept.
   */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The block if it is here or on its way; it counts as used. */
  get(index: number): Promise<CachedBlock> | undefined {
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
   * @param bytes Its size once it is decoded.
   * @param block The block to come.
   */
  set(index: number, bytes: number, block: Promise<CachedBlock>): void {
    this.#blocks.set(index, block);
    this.#sizes.set(index, bytes);
    this.#bytes += bytes;
    block.catch(() => {
      if (this.#blocks.get(index) === block) this.delete(index);
    });
    for (const oldest of this.#blocks.keys()) {
      if (this.#bytes <= this.#limit || oldest === index) break;
      this.delete(oldest);
    }
  }

  /** Forget a block. */
  delete(index: number): void {
    if (!this.#blocks.delete(index)) return;
    this.#bytes -= this.#sizes.get(index)!;
    this.#sizes.delete(index);
  }

  /** Forget all blocks for which the test holds. */
  deleteWhere(test: (index: number) => boolean): void {
    for (const index of [...this.#blocks.keys()]) {
      if (test(index)) this.delete(index);
    }
  }
}
