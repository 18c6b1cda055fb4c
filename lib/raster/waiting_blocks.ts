/**
 * Decoded blocks that wait for the next row of windows, as those do that both rows touch.
 *
 * Together they are as wide as the scene. So only some of them wait in memory, those of all open rasters
 * together; the others wait in a nameless file, from which they come back in a tenth of the time that it
 * takes to decode them again.
 *
 * @module
 */
import { WaitingBytes, type WaitingPlace } from "../files/mod.ts";
import type { DecodedBlock } from "./decode/samples.ts";

/** The place of a block in the file. */
export interface StoredPlace {
  readonly place: WaitingPlace;
  /** Bytes of its planes; those of its holes, where it has some, are behind them. */
  readonly planes: number;
}

/** Room for blocks that wait. */
export class WaitingBlocks {
  readonly #bytes: WaitingBytes;

  /**
   * Make room.
   *
   * @param maxHeld Most bytes that wait in memory.
   */
  constructor(maxHeld?: number) {
    this.#bytes = new WaitingBytes(maxHeld);
  }

  /** Count a block that waits in memory; false if there is no room for it. */
  hold(bytes: number): boolean {
    return this.#bytes.hold(bytes);
  }

  /** A block that was held is used, or not needed any more. */
  release(bytes: number): void {
    this.#bytes.release(bytes);
  }

  /** Write a block to the file; null where the system refuses. */
  store({ planes, holes }: DecodedBlock): StoredPlace | null {
    const place = this.#bytes.store(planes, ...(holes === null ? [] : [holes]));
    return place && { place, planes: planes.length };
  }

  /**
   * Read a block back; it stays in the file until it is discarded.
   *
   * @param stored Its place.
   * @param target Memory for its planes, of just their size.
   */
  restore({ place, planes }: StoredPlace, target: ArrayBuffer): DecodedBlock {
    const holes = place.length === planes ? null : new Uint8Array(place.length - planes);
    const block = { planes: new Uint8Array(target), holes };
    this.#bytes.read(place, 0, block.planes);
    if (holes !== null) this.#bytes.read(place, planes, holes);
    return block;
  }

  /** The block is not needed any more. */
  discard({ place }: StoredPlace): void {
    this.#bytes.discard(place);
  }
}

/** The room that all rasters of the process share. */
export const waitingBlocks: WaitingBlocks = new WaitingBlocks();
