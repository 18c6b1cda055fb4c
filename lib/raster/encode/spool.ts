/**
 * Bytes put aside until it is known where they belong.
 *
 * @module
 */
import { dirname } from "node:path";
import { fileError, withFileErrors } from "../../files/mod.ts";

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

/**
 * Begin a spool on the disk of the file that its bytes are for.
 *
 * The file is unlinked at once where the system allows it, so that nothing is left behind even by a
 * process that is killed.
 *
 * @param destination The file that is being written; pipes and devices spool to the system's
 * temporary directory.
 * @throws {InputError} If the file system refuses; it names the destination.
 */
export async function createSpool(destination: string): Promise<Spool> {
  const guarded = <T>(work: () => Promise<T>) => withFileErrors("write", destination, work);
  const path = await guarded(async () =>
    await Deno.makeTempFile({
      ...await spoolDirectory(destination),
      prefix: ".swath-",
      suffix: ".tmp",
    })
  );
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { read: true, write: true });
  } catch (error) {
    removeIfPossible(path);
    throw fileError(error, "write", destination);
  }
  const unlinked = removeIfPossible(path);
  let length = 0;
  let open = true;
  return {
    get length() {
      return length;
    },
    append: (bytes) =>
      guarded(() => {
        // The system only takes a copy; a thread that waits for it would cost more, and hold memory.
        for (let written = 0; written < bytes.length;) {
          written += file.writeSync(bytes.subarray(written));
        }
        length += bytes.length;
        return Promise.resolve();
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
