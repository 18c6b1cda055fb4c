/**
 * Memory of blocks that are no longer needed, for those that come: memory that is new each time has to
 * be cleared by the system first.
 *
 * @module
 */
import { releaseBuffer } from "../array/mod.ts";

/** Most bytes that are kept to be used again. */
const MAX_SPARE = 32 << 20;

/** Buffers of one image. */
export class SpareBuffers {
  readonly #buffers: ArrayBuffer[] = [];
  #bytes = 0;
  #closed = false;

  /** A buffer of just that size; null if there is none. */
  take(bytes: number): ArrayBuffer | null {
    const place = this.#buffers.findIndex(({ byteLength }) => byteLength === bytes);
    if (place < 0) return null;
    this.#bytes -= bytes;
    return this.#buffers.splice(place, 1)[0]!;
  }

  /** Take a buffer that nobody uses any more; its memory is given back at once if there is no room. */
  keep(buffer: ArrayBuffer): void {
    if (this.#closed || this.#bytes + buffer.byteLength > MAX_SPARE) {
      releaseBuffer(buffer);
      return;
    }
    this.#buffers.push(buffer);
    this.#bytes += buffer.byteLength;
  }

  /** Give all of them back. */
  clear(): void {
    for (const buffer of this.#buffers.splice(0)) buffer.transfer(0);
    this.#bytes = 0;
  }

  /** Give all of them back, and those that come. */
  close(): void {
    this.#closed = true;
    this.clear();
  }
}
