/**
 * What one process does for all, so that all of them go on, or none.
 *
 * @module
 */
import { deserialize, serialize } from "node:v8";
import type { Communicator } from "./communicator.ts";

/** Thrown where process 0 has failed, which says why itself. */
export class OtherProcessError extends Error {
  /** Always `"OtherProcessError"`. */
  override readonly name: string = "OtherProcessError";

  /** Say that it was not this process. */
  constructor() {
    super("Process 0 has failed");
  }
}

/** Errors of which all processes know. */
const KNOWN_TO_ALL = new WeakSet<object>();

/**
 * Say that an error comes up in all processes at the same place, so that none of them waits for another.
 *
 * @param error The error.
 * @returns The same error.
 */
export function knownToAll<E extends Error>(error: E): E {
  KNOWN_TO_ALL.add(error);
  return error;
}

/** True if all processes have come to an end by this error, or by one that it caused. */
export function isKnownToAll(error: unknown): boolean {
  return typeof error === "object" && error !== null &&
    (error instanceof OtherProcessError || KNOWN_TO_ALL.has(error));
}

/**
 * Do something in process 0; the others wait until it is done.
 *
 * @param communicator The processes; null for this one alone.
 * @param work What to do.
 * @returns What process 0 made; null in the others.
 * @throws {OtherProcessError} In the others, if it failed.
 */
export async function onFirstProcess<T>(
  communicator: Communicator | null,
  work: () => Promise<T>,
): Promise<T | null> {
  if (communicator === null) return await work();
  const isDone = new Uint8Array(1);
  if (communicator.rank > 0) {
    await communicator.broadcast(isDone);
    if (isDone[0] === 0) throw new OtherProcessError();
    return null;
  }
  try {
    const made = await work();
    isDone[0] = 1;
    return made;
  } catch (error) {
    throw error instanceof Error ? knownToAll(error) : error;
  } finally {
    await communicator.broadcast(isDone);
  }
}

/**
 * Give all processes the plain data that process 0 has.
 *
 * @param communicator The processes.
 * @param value What process 0 has: whatever can be handed to a worker; ignored in the others.
 * @returns The value of process 0.
 */
export async function broadcastValue<T>(communicator: Communicator, value: T | null): Promise<T> {
  const isFirst = communicator.rank === 0;
  const own = isFirst ? Uint8Array.from(serialize(value)) : new Uint8Array();
  const length = new BigUint64Array([BigInt(own.length)]);
  await communicator.broadcast(new Uint8Array(length.buffer));
  const bytes = isFirst ? own : new Uint8Array(Number(length[0]));
  await communicator.broadcast(bytes);
  return isFirst ? value as T : deserialize(bytes);
}
