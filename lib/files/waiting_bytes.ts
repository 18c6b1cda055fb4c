/**
 * Bytes that wait until they are needed: some in memory, the others in a nameless file.
 *
 * @module
 */
import { createTemporaryScratch, type Scratch } from "./spool.ts";

/** Most bytes that wait in memory: so few that narrow scenes take no less memory than wide ones. */
const MAX_HELD = 8 << 20;

/** A place in the file. */
export interface WaitingPlace {
  /** Where it begins. */
  readonly start: number;
  /** Bytes. */
  readonly length: number;
}

/** Room for bytes that wait. */
export class WaitingBytes {
  readonly #maxHeld: number;
  #held = 0;
  #scratch: Scratch | null = null;
  /** True once the system has refused a file: all stays in memory then. */
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

  /** Count bytes that wait in memory; false if there is no room for them. */
  hold(bytes: number): boolean {
    if (this.#held + bytes > this.#maxHeld) return false;
    this.#held += bytes;
    return true;
  }

  /** Bytes that were held are used, or not needed any more. */
  release(bytes: number): void {
    this.#held -= bytes;
  }

  /** Write parts to the file, one behind the other; null where the system refuses. */
  store(...parts: readonly Uint8Array[]): WaitingPlace | null {
    if (this.#refused) return null;
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const start = this.#free.get(length)?.pop() ?? this.#end;
    let position = start;
    try {
      this.#scratch ??= openScratch();
      for (const part of parts) {
        this.#scratch.write(position, part);
        position += part.length;
      }
    } catch {
      // No permission, no such directory, or no room on the disk: memory has to do.
      this.#refused = true;
      return null;
    }
    this.#end = Math.max(this.#end, position);
    this.#stored++;
    return { start, length };
  }

  /**
   * Read bytes back; they stay in the file until they are discarded.
   *
   * @param place Their place.
   * @param offset The first of them.
   * @param target Is filled.
   */
  read({ start }: WaitingPlace, offset: number, target: Uint8Array): void {
    this.#scratch!.read(start + offset, target);
  }

  /** The bytes are not needed any more; with the last ones, the file goes. */
  discard({ start, length }: WaitingPlace): void {
    const places = this.#free.get(length);
    if (places === undefined) this.#free.set(length, [start]);
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
