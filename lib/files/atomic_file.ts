/**
 * Files that appear whole or not at all.
 *
 * Bytes go to a temporary file beside the destination; `commit` flushes it to the disk, renames it
 * over the destination and flushes the directory. Whatever happens before that (an error, Ctrl-C, a
 * full disk, power loss) leaves the destination as it was. The temporary file is named
 * `.swath-<random>.tmp`.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { InputError } from "../errors.ts";
import { fileError, withFileErrors } from "./io_errors.ts";

/** Options of {@linkcode createAtomicFile} and {@linkcode writeFileAtomic}. */
export interface AtomicFileOptions {
  /** Replace the file if it exists; otherwise that is an error. */
  readonly overwrite?: boolean;
}

/** A file being written, which appears under its name on {@linkcode AtomicFile.commit}. */
export interface AtomicFile extends Disposable {
  /** The destination, as it was given. */
  readonly path: string;
  /**
   * Write all of the bytes at the current position.
   *
   * @throws {InputError} If the file system refuses, such as `No space left on device`.
   */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Move to a position counted in bytes from the start, to fill in what was not known before.
   *
   * @throws {InputError} If the destination is a pipe.
   */
  seek(position: number): Promise<void>;
  /**
   * Flush to the disk and give the file its name.
   *
   * @throws {InputError} If the file system refuses, or something else made a file of that name
   * meanwhile and `overwrite` is not set; nothing is left behind then.
   */
  commit(): Promise<void>;
  /**
   * Drop what was written. It is synchronous and harmless after `commit` or another `abort`, so that
   * it can run in a signal handler, in `finally`, and as `using file = await createAtomicFile(…)`.
   */
  abort(): void;
}

/**
 * Begin a file that appears whole or not at all.
 *
 * The temporary file is made at once, so that a directory that is missing or read-only is an error
 * before any work is done. Devices and pipes (`/dev/null`, `/dev/stdout`) are written directly. A
 * symbolic link stays, and the file it leads to is replaced. Permissions of a replaced file are kept.
 *
 * @param path The destination.
 * @param options Whether an existing file may be replaced.
 * @returns The file, empty, at position 0.
 * @throws {InputError} If the file exists and `overwrite` is not set, is a directory, or its
 * directory is missing or not writable.
 *
 * @example
 * ```ts
 * import { createAtomicFile } from "swath";
 *
 * const directory = await Deno.makeTempDir();
 * using file = await createAtomicFile(`${directory}/map.tif`);
 * await file.write(new Uint8Array([0x49, 0x49, 42, 0]));
 * await file.commit();
 * await Deno.remove(directory, { recursive: true });
 * ```
 */
export async function createAtomicFile(
  path: string,
  options: AtomicFileOptions = {},
): Promise<AtomicFile> {
  const { overwrite = false } = options;
  if (path === "" || /[\\/]$/.test(path)) {
    throw new InputError(`Cannot write ${JSON.stringify(path)}: it does not name a file`);
  }
  const existing = await withFileErrors("write", path, () => statOrNull(path));
  if (existing?.isDirectory) {
    throw new InputError(`Cannot write ${JSON.stringify(path)}: it is a directory`);
  }
  if (existing !== null && !existing.isFile) return await openInPlace(path);
  if (existing !== null && !overwrite) throw refusal(path);

  const destination = existing === null ? path : await Deno.realPath(path);
  const directory = dirname(destination);
  const temporary = temporaryPath(destination);
  const file = await createTemporary(temporary, path);
  let open = true;
  let pending = true;
  const close = () => {
    if (open) file.close();
    open = false;
  };
  const abort = () => {
    close();
    if (pending) removeQuietly(temporary);
    pending = false;
  };
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      abort();
      throw fileError(error, "write", path);
    }
  };
  return {
    path,
    write: (bytes) => guarded(() => writeAll(file, bytes)),
    seek: (position) => guarded(async () => void await file.seek(position, Deno.SeekMode.Start)),
    commit: () =>
      guarded(async () => {
        if (existing !== null) await keepPermissions(temporary, existing);
        await file.sync();
        if (!overwrite && await statOrNull(path) !== null) throw refusal(path);
        close();
        await Deno.rename(temporary, destination);
        pending = false;
        await syncDirectory(directory);
      }),
    abort,
    [Symbol.dispose]: abort,
  };
}

/**
 * Write a file that appears whole or not at all.
 *
 * @param path The destination.
 * @param content Bytes, or text to be encoded as UTF-8.
 * @param options Whether an existing file may be replaced.
 * @throws {InputError} As {@linkcode createAtomicFile}.
 */
export async function writeFileAtomic(
  path: string,
  content: Uint8Array | string,
  options: AtomicFileOptions = {},
): Promise<void> {
  using file = await createAtomicFile(path, options);
  await file.write(typeof content === "string" ? new TextEncoder().encode(content) : content);
  await file.commit();
}

/** The error for a destination that exists, with the way out. */
export function refusal(path: string): InputError {
  return new InputError(`Cannot write ${JSON.stringify(path)} as it exists`, {
    hint: "Use --overwrite to replace it",
  });
}

/** A name beside the destination that nothing else uses; short, as the destination's own may be 255 bytes. */
export function temporaryPath(destination: string): string {
  return join(dirname(destination), `.swath-${crypto.randomUUID()}.tmp`);
}

/** What lies at a path, following links; null for nothing. */
export async function statOrNull(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/**
 * Make a rename durable: flush the directory that holds the name. Not every system can open
 * directories, and there the file system is trusted to order its own changes.
 */
export async function syncDirectory(directory: string): Promise<void> {
  try {
    using handle = await Deno.open(directory);
    await handle.sync();
  } catch {
    // Windows and some network file systems.
  }
}

async function createTemporary(temporary: string, path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(temporary, { write: true, createNew: true });
  } catch (error) {
    const directory = dirname(path);
    if (error instanceof Deno.errors.NotFound) {
      throw new InputError(
        `Cannot write ${JSON.stringify(path)}: directory ${
          JSON.stringify(directory)
        } does not exist`,
        { cause: error },
      );
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new InputError(
        `Cannot write ${JSON.stringify(path)}: directory ${
          JSON.stringify(directory)
        } is not writable`,
        { cause: error },
      );
    }
    throw fileError(error, "write", path);
  }
}

/** Devices and pipes have nothing to rename: what is written is gone at once. */
async function openInPlace(path: string): Promise<AtomicFile> {
  const file = await withFileErrors("write", path, () => Deno.open(path, { write: true }));
  let open = true;
  const close = () => {
    if (open) file.close();
    open = false;
  };
  return {
    path,
    write: (bytes) => withFileErrors("write", path, () => writeAll(file, bytes)),
    seek: (position) =>
      withFileErrors(
        "write",
        path,
        async () => void await file.seek(position, Deno.SeekMode.Start),
      ),
    commit: () => Promise.resolve(close()),
    abort: close,
    [Symbol.dispose]: close,
  };
}

/** One write may take fewer bytes than it is given. */
async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await file.write(bytes.subarray(written));
  }
}

/** File systems without permissions (FAT, some network mounts) refuse; the file is whole all the same. */
async function keepPermissions(path: string, from: Deno.FileInfo): Promise<void> {
  try {
    if (from.mode !== null) await Deno.chmod(path, from.mode & 0o777);
  } catch {
    // It keeps the default permissions.
  }
}

/** Called while another error is on its way, which must not be hidden by a failure to clean up. */
function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // Already gone, or the file system does not let go of it.
  }
}
