/**
 * Decoded blocks that wait for the next row of windows, as those do that both rows touch.
 *
 * Together they are as wide as the scene. So only some of them wait in memory, those of all open rasters
 * together; the others wait in a nameless file, from which they come back in a tenth of the time that it
 * takes to decode them again.
 *
 * @module
 */
import type { DecodedBlock } from "./decode/samples.ts";
import { createTemporaryScratch, type Scratch } from "../files/mod.ts";

/** Most bytes that wait in memory: so few that narrow scenes take no less memory than wide ones. */
const MAX_HELD = 8 << 20;

/** The place of a block in the file. */
export interface StoredPlace {
  readonly start: number;
  /** Bytes of its planes, ... */
  readonly planes: number;
  /** ... and those of its holes behind them; 0 where it has none. */
  readonly holes: number;
}

/** Room for blocks that wait. */
export class WaitingBlocks {
  readonly #maxHeld: number;
  #held = 0;
  #scratch: Scratch | null = null;
  /** True once the system has refused a file: blocks stay in memory then. */
  #refused = false;
  /** Where the file ends, and places in it that are free, by their size. */
  #end = 0;
  readonly #free = new Map<number, number[]>();
  #stored = 0;

  /**
   * Make room.
   *
   * @param maxHeld Most bytes that wait in memory.
   */
  constructor(maxHeld: number = MAX_HELD) {
    this.#maxHeld = maxHeld;
  }

  /** Count a block that waits in memory; false if there is no room for it. */
  hold(bytes: number): boolean {
    if (this.#held + bytes > this.#maxHeld) return false;
    this.#held += bytes;
    return true;
  }

  /** A block that was held is used, or not needed any more. */
  release(bytes: number): void {
    this.#held -= bytes;
  }

  /** Write a block to the file; null where the system refuses. */
  store({ planes, holes }: DecodedBlock): StoredPlace | null {
    if (this.#refused) return null;
    const size = planes.length + (holes?.length ?? 0);
    const start = this.#free.get(size)?.pop() ?? this.#end;
    try {
      this.#scratch ??= openScratch();
      this.#scratch.write(start, planes);
      if (holes !== null) this.#scratch.write(start + planes.length, holes);
    } catch {
      // No permission, no such directory, or no room on the disk: memory has to do.
      this.#refused = true;
      return null;
    }
    this.#end = Math.max(this.#end, start + size);
    this.#stored++;
    return { start, planes: planes.length, holes: holes?.length ?? 0 };
  }

  /**
   * Read a block back; it stays in the file until it is discarded.
   *
   * @param place Its place.
   * @param target Memory for its planes, of just their size.
   */
  restore({ start, planes, holes }: StoredPlace, target: ArrayBuffer): DecodedBlock {
    const block = {
      planes: new Uint8Array(target),
      holes: holes === 0 ? null : new Uint8Array(holes),
    };
    this.#scratch!.read(start, block.planes);
    if (block.holes !== null) this.#scratch!.read(start + planes, block.holes);
    return block;
  }

  /** The block is not needed any more; with the last one, the file goes. */
  discard({ start, planes, holes }: StoredPlace): void {
    const places = this.#free.get(planes + holes);
    if (places === undefined) this.#free.set(planes + holes, [start]);
    else places.push(start);
    if (--this.#stored > 0) return;
    this.#scratch!.close();
    this.#scratch = null;
    this.#end = 0;
    this.#free.clear();
  }
}

/** A library must not have the runtime ask its user for permission to write. */
function openScratch(): Scratch {
  if (Deno.permissions.querySync({ name: "write" }).state !== "granted") {
    throw new Deno.errors.NotCapable("no permission to write");
  }
  return createTemporaryScratch();
}

/** The room that all rasters of the process share. */
export const waitingBlocks: WaitingBlocks = new WaitingBlocks();
