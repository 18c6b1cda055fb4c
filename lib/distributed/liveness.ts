/**
 * Telling a process that has died from one that is slow. What starts the processes may end the others when
 * one dies, or may not; without it, they would wait for ever.
 *
 * Each process holds the lock of a file in a folder that all of them see. The system releases it however the
 * process ends, on another machine too where the file system passes locks on. One that waits for longer than usual
 * tries the locks of the others.
 *
 * @module
 */
import { join } from "node:path";
import { InputError } from "../errors.ts";
import type { Communicator } from "./communicator.ts";

/** Seconds of waiting after which the others are looked for, again and again. */
const PATIENCE_SECONDS = 4;

/** Options of {@linkcode watchProcesses}. */
export interface WatchOptions {
  /** Folder of the locks, which all processes see; it is made where it is missing. */
  readonly folder: string;
  /** What the user can do when a process has died. */
  readonly hint: string;
}

/**
 * Watch over the processes: a call that waits for one that has died fails.
 *
 * @param communicator The processes.
 * @param options Where the locks are.
 * @returns The same processes, watched; dispose of it to release the lock. Where the file system has no locks,
 * nothing is watched.
 */
export async function watchProcesses(
  communicator: Communicator,
  options: WatchOptions,
): Promise<Communicator & Disposable> {
  const lock = await takeLock(options.folder, communicator.rank);
  const all = new Float64Array([lock === null ? 0 : 1]);
  await communicator.sum(all);
  const isWatched = all[0] === communicator.size;
  async function wait(call: Promise<void>): Promise<void> {
    if (!isWatched) return await call;
    const done = call.then(() => true);
    for (;;) {
      if (await soon(done)) return;
      const dead = await deadProcesses(options.folder, communicator);
      // Who has ended may have made this call before.
      if (dead.length === 0 || await soon(done)) continue;
      throw new InputError(
        `Cannot go on as process ${dead.join(", ")} of ${communicator.size} has died`,
        { hint: options.hint },
      );
    }
  }
  const { rank, size, localSize, library } = communicator;
  return {
    rank,
    size,
    localSize,
    library,
    sum: (data) => wait(communicator.sum(data)),
    max: (data) => wait(communicator.max(data)),
    broadcast: (data) => wait(communicator.broadcast(data)),
    exchange: (send, receive) => wait(communicator.exchange(send, receive)),
    gather: (send, receive) => wait(communicator.gather(send, receive)),
    barrier: () => wait(communicator.barrier()),
    abort: (exitCode) => communicator.abort(exitCode),
    close: () => communicator.close(),
    [Symbol.dispose]: () => lock?.close(),
  };
}

/** True if it is fulfilled before the patience is over. */
async function soon(done: Promise<boolean>): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(late.resolve, PATIENCE_SECONDS * 1000, false);
  try {
    return await Promise.race([done, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function lockPath(folder: string, rank: number): string {
  return join(folder, `${rank}.lock`);
}

async function takeLock(folder: string, rank: number): Promise<Deno.FsFile | null> {
  try {
    await Deno.mkdir(folder, { recursive: true });
    const file = await Deno.open(lockPath(folder, rank), { write: true, create: true });
    if (await file.tryLock(true)) return file;
    file.close();
  } catch {
    // No locks here.
  }
  return null;
}

async function deadProcesses(folder: string, { rank, size }: Communicator): Promise<number[]> {
  const dead: number[] = [];
  for (let other = 0; other < size; other++) {
    if (other === rank) continue;
    try {
      using file = await Deno.open(lockPath(folder, other), { write: true });
      if (await file.tryLock(false)) dead.push(other);
    } catch {
      // What cannot be read tells nothing.
    }
  }
  return dead;
}
