/**
 * Bytes put aside until it is known where they belong.
 *
 * @module
 */
import { dirname } from "node:path";
import { fileError, withFileErrors } from "./io_errors.ts";

const COPY_BYTES = 1 << 17;

/** A nameless file: written once from start to end, then read back once. */
export interface Spool {
  /** Bytes written so far. */
  readonly length: number;
  /** Add bytes at the end. */
  append(bytes: Uint8Array): Promise<void>;
  /** All bytes in order, in pieces that are only good until the next one is asked for. */
  read(): AsyncGenerator<Uint8Array>;
  /** Give the space back; harmless when repeated. */
  close(): void;
}

/** A nameless file that is written and read anywhere, over and over. */
export interface Scratch {
  /**
   * Put bytes at a position.
   *
   * @throws {InputError} If the file system refuses; it names the destination.
   */
  write(position: number, bytes: Uint8Array): void;
  /** Fill a buffer with what was put at a position. */
  read(position: number, target: Uint8Array): void;
  /** Give the space back; harmless when repeated. */
  close(): void;
}

/**
 * Begin a spool on the disk of the file that its bytes are for.
 *
 * @param destination The file that is being written; pipes and devices spool to the system's
 * temporary directory.
 * @throws {InputError} If the file system refuses; it names the destination.
 */
export async function createSpool(destination: string): Promise<Spool> {
  const guarded = <T>(work: () => T | Promise<T>) => withFileErrors("write", destination, work);
  const { file, close } = await openNamelessFor(destination);
  let length = 0;
  return {
    get length() {
      return length;
    },
    append: (bytes) =>
      guarded(() => {
        writeAll(file, bytes);
        length += bytes.length;
      }),
    async *read() {
      await guarded(() => file.seek(0, Deno.SeekMode.Start));
      const buffer = new Uint8Array(COPY_BYTES);
      for (;;) {
        const count = await guarded(() => file.read(buffer));
        if (count === null) return;
        yield buffer.subarray(0, count);
      }
    },
    close,
  };
}

/**
 * Make room on the disk of a file for what waits until it is written.
 *
 * @param destination As for {@linkcode createSpool}.
 * @throws {InputError} If the file system refuses; it names the destination.
 */
export async function createScratch(destination: string): Promise<Scratch> {
  const { file, close } = await openNamelessFor(destination);
  const guarded = (work: () => void) => {
    try {
      work();
    } catch (error) {
      throw fileError(error, "write", destination);
    }
  };
  return {
    write: (position, bytes) => guarded(() => writeAt(file, position, bytes)),
    read: (position, target) => guarded(() => readAt(file, position, target)),
    close,
  };
}

/**
 * Make room on the disk of the system's temporary directory.
 *
 * @throws {Error} What the system says if it refuses, here or later.
 */
export function createTemporaryScratch(): Scratch {
  const { file, close } = openNameless({});
  return {
    write: (position, bytes) => writeAt(file, position, bytes),
    read: (position, target) => readAt(file, position, target),
    close,
  };
}

function writeAt(file: Deno.FsFile, position: number, bytes: Uint8Array): void {
  file.seekSync(position, Deno.SeekMode.Start);
  writeAll(file, bytes);
}

function readAt(file: Deno.FsFile, position: number, target: Uint8Array): void {
  file.seekSync(position, Deno.SeekMode.Start);
  for (let filled = 0; filled < target.length;) {
    const count = file.readSync(target.subarray(filled));
    if (count === null) throw new RangeError("internal: scratch is read where it is not written");
    filled += count;
  }
}

/** The system only takes a copy: a thread that waits for it would cost more, and hold memory. */
function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
}

interface NamelessFile {
  readonly file: Deno.FsFile;
  /** Give the space back; harmless when repeated. */
  close(): void;
}

function openNamelessFor(destination: string): Promise<NamelessFile> {
  return withFileErrors(
    "write",
    destination,
    async () => openNameless(await spoolDirectory(destination)),
  );
}

/**
 * A file that is unlinked at once where the system allows it, so that nothing is left behind even by a
 * process that is killed.
 */
function openNameless(place: { readonly dir?: string }): NamelessFile {
  const path = Deno.makeTempFileSync({ ...place, prefix: ".swath-", suffix: ".tmp" });
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { read: true, write: true });
  } catch (error) {
    removeIfPossible(path);
    throw error;
  }
  const unlinked = removeIfPossible(path);
  let open = true;
  return {
    file,
    close() {
      if (open) file.close();
      open = false;
      if (!unlinked) removeIfPossible(path);
    },
  };
}

async function spoolDirectory(destination: string): Promise<{ dir?: string }> {
  try {
    if (!(await Deno.stat(destination)).isFile) return {};
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return { dir: dirname(destination) };
}

/** Windows does not unlink open files; there it happens on close. */
function removeIfPossible(path: string): boolean {
  try {
    Deno.removeSync(path);
    return true;
  } catch {
    return false;
  }
}
