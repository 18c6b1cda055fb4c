/**
 * Directories that appear whole or not at all: models and checkpoints are several files that make
 * sense only together.
 *
 * Files are written into a temporary directory beside the destination, which then takes its name.
 * Where a directory is replaced, the old one steps aside first and is removed last, so that at every
 * instant the name leads to the old directory, to the new one, or to nothing.
 *
 * @module
 */
import { dirname } from "node:path";
import { InputError } from "../errors.ts";
import { refusal, statOrNull, syncDirectory, temporaryPath } from "./atomic_file.ts";
import { fileError, withFileErrors } from "./io_errors.ts";

/** Options of {@linkcode createAtomicDirectory}. */
export interface AtomicDirectoryOptions {
  /** Replace the directory if it exists and is not empty; otherwise that is an error. */
  readonly overwrite?: boolean;
  /**
   * Names that a directory to be replaced may hold. Anything else in it is somebody's work that
   * would be lost, and replacing it is refused.
   */
  readonly replaceable: readonly string[];
}

/** A directory being made, which appears under its name on {@linkcode AtomicDirectory.commit}. */
export interface AtomicDirectory extends Disposable {
  /** The destination, as it was given. */
  readonly path: string;
  /** Where to put the files until then. */
  readonly temporaryPath: string;
  /**
   * Give the directory its name.
   *
   * @throws {InputError} If the file system refuses; nothing is left behind then.
   */
  commit(): Promise<void>;
  /** Drop the directory; synchronous, and harmless after `commit` or another `abort`. */
  abort(): void;
}

/**
 * Begin a directory that appears whole or not at all.
 *
 * @param path The destination. It may be an empty directory; parents that are missing are made.
 * @param options Whether and what an existing directory may be replaced.
 * @returns The directory, empty.
 * @throws {InputError} If the destination exists and may not be replaced, is not a directory, or its
 * parent is not writable.
 *
 * @example
 * ```ts
 * import { createAtomicDirectory, writeFileAtomic } from "swath";
 *
 * const parent = await Deno.makeTempDir();
 * using directory = await createAtomicDirectory(`${parent}/model`, { replaceable: ["config.json"] });
 * await writeFileAtomic(`${directory.temporaryPath}/config.json`, "{}");
 * await directory.commit();
 * await Deno.remove(parent, { recursive: true });
 * ```
 */
export async function createAtomicDirectory(
  path: string,
  options: AtomicDirectoryOptions,
): Promise<AtomicDirectory> {
  const exists = await checkReplaceable(path, options);
  // A link to a directory stays, and the directory it leads to is replaced.
  const destination = exists ? await Deno.realPath(path) : path.replace(/[\\/]+$/, "");
  const parent = dirname(destination);
  const temporary = temporaryPath(destination);
  await withFileErrors("create", path, async () => {
    await Deno.mkdir(parent, { recursive: true });
    await Deno.mkdir(temporary);
  });
  let pending = true;
  const abort = () => {
    if (pending) removeTreeQuietly(temporary);
    pending = false;
  };
  return {
    path,
    temporaryPath: temporary,
    async commit() {
      try {
        await syncDirectory(temporary);
        const old = await checkReplaceable(path, options) ? temporaryPath(destination) : null;
        if (old !== null) await Deno.rename(destination, old);
        try {
          await Deno.rename(temporary, destination);
        } catch (error) {
          if (old !== null) await Deno.rename(old, destination);
          throw error;
        }
        pending = false;
        await syncDirectory(parent);
        if (old !== null) removeTreeQuietly(old);
      } catch (error) {
        abort();
        throw fileError(error, "write", path);
      }
    },
    abort,
    [Symbol.dispose]: abort,
  };
}

/** Refuse what must not be replaced; true if there is a directory that may be. */
async function checkReplaceable(path: string, options: AtomicDirectoryOptions): Promise<boolean> {
  if (path === "") throw new InputError('Cannot create "": it does not name a directory');
  const existing = await withFileErrors("create", path, () => statOrNull(path));
  if (existing === null) return false;
  if (!existing.isDirectory) {
    throw new InputError(`Cannot create directory ${JSON.stringify(path)}: it is a file`);
  }
  const names: string[] = [];
  await withFileErrors("list", path, async () => {
    for await (const entry of Deno.readDir(path)) names.push(entry.name);
  });
  const foreign = names.sort().find((name) => !options.replaceable.includes(name));
  if (foreign !== undefined) {
    throw new InputError(
      `Cannot write ${JSON.stringify(path)} as it exists and holds ${
        JSON.stringify(foreign)
      }, which would be lost`,
      { hint: "Choose another directory, or move what is in it" },
    );
  }
  if (names.length > 0 && options.overwrite !== true) throw refusal(path);
  return true;
}

/** Called while another error is on its way, or when the new directory is already in place. */
function removeTreeQuietly(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch {
    // Already gone, or the file system does not let go of it.
  }
}
