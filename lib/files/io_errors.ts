/**
 * Faults of the file system, said in terms of the file that the user named.
 *
 * The runtime reports `No such file or directory (os error 2): open '/data/.swath-….tmp'`. Everything
 * in `lib` that opens, reads or writes files passes such errors through here, so that users read
 * `Cannot read "scene.tif": no such file or directory`.
 *
 * @module
 */
import { InputError } from "../errors.ts";

/** What was being done to a file when it failed. */
export type FileAction = "read" | "write" | "create" | "replace" | "list" | "remove";

/** What each error code of the operating system means to a user. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EBUSY: "it is in use",
  EDQUOT: "disk quota exceeded",
  EEXIST: "it already exists",
  EFBIG: "file too large for the file system",
  EINVAL: "not a valid file name or operation",
  EIO: "input/output error of the device",
  EISDIR: "it is a directory",
  ELOOP: "too many levels of symbolic links",
  EMFILE: "too many open files",
  ENAMETOOLONG: "file name too long",
  ENFILE: "too many open files in the system",
  ENODEV: "no such device",
  ENOENT: "no such file or directory",
  ENOSPC: "No space left on device",
  ENOTDIR: "a part of the path is not a directory",
  ENOTEMPTY: "the directory is not empty",
  ENXIO: "no such device or address",
  EPERM: "operation not permitted",
  EROFS: "read-only file system",
  ESPIPE: "it is a pipe, and a file that allows seeking is needed",
  ESTALE: "the network file system no longer has it",
  ETXTBSY: "it is a program that is running",
};

/** Codes of the error classes and messages that carry none. */
function errorCode(error: Error): string | null {
  if ("code" in error && typeof error.code === "string") return error.code;
  if (/\bIllegal seek\b/.test(error.message)) return "ESPIPE";
  return null;
}

/**
 * Turn a fault of the file system into an {@linkcode InputError} that names the file.
 *
 * @param error What was caught.
 * @param action What was being done.
 * @param path The file as the user named it.
 * @returns An `InputError` such as `Cannot read "a.tif": no such file or directory`; `error` itself
 * where it is not a fault of the file system, so that the caller can throw whatever comes back.
 *
 * @example
 * ```ts
 * import { fileError, InputError } from "swath";
 *
 * try {
 *   Deno.openSync("missing/scene.tif");
 * } catch (error) {
 *   const described = fileError(error, "read", "missing/scene.tif");
 *   if (!(described instanceof InputError)) throw described;
 * }
 * ```
 */
export function fileError(error: unknown, action: FileAction, path: string | URL): unknown {
  if (!(error instanceof Error) || error instanceof InputError) return error;
  const what = `Cannot ${action} ${JSON.stringify(String(path))}`;
  if (error instanceof Deno.errors.NotCapable) {
    return new InputError(`${what}: Deno was not given permission`, {
      cause: error,
      hint: error.message,
    });
  }
  const code = errorCode(error);
  const reason = code === null ? undefined : REASONS[code];
  return reason === undefined ? error : new InputError(`${what}: ${reason}`, { cause: error });
}

/**
 * Run work on a file; faults of the file system come out as an {@linkcode InputError} that names it.
 *
 * @param action What the work does.
 * @param path The file as the user named it.
 * @param work The work.
 * @returns What the work returns.
 * @throws {InputError} If the file system refuses; see {@linkcode fileError}.
 *
 * @example
 * ```ts
 * import { withFileErrors } from "swath";
 *
 * const text = await withFileErrors("read", "deno.json", () => Deno.readTextFile("deno.json"));
 * if (!text.startsWith("{")) throw new Error("not JSON");
 * ```
 */
export async function withFileErrors<T>(
  action: FileAction,
  path: string | URL,
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fileError(error, action, path);
  }
}
