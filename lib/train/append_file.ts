/**
 * Files that a run appends to: metrics and events. A run that was killed may leave a torn end, and a
 * run that resumes from a checkpoint goes back to its step; both are cut off on opening.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { fileError, withFileErrors } from "../files/mod.ts";

/** A file open for appending. */
export interface AppendFile extends Disposable {
  /** Its path. */
  readonly path: string;
  /**
   * Write all of the bytes at the end, or none of them.
   *
   * @throws {InputError} If the file system refuses, such as `No space left on device`.
   */
  append(bytes: Uint8Array): void;
  /** Release the file; harmless when repeated. */
  close(): void;
}

/**
 * Open a file for appending; it is made where it is missing.
 *
 * @param path The file.
 * @param keep How many of its bytes stay; what follows them is cut off.
 * @throws {InputError} If the file system refuses, or `keep` does.
 */
export async function openAppendFile(
  path: string,
  keep: (existing: Uint8Array<ArrayBuffer>) => number,
): Promise<AppendFile> {
  const file = await withFileErrors(
    "write",
    path,
    () => Deno.open(path, { read: true, write: true, create: true }),
  );
  let open = true;
  const close = () => {
    if (open) file.close();
    open = false;
  };
  let length: number;
  try {
    if (!(await file.stat()).isFile) {
      throw new InputError(`Cannot write ${JSON.stringify(path)}: it is not a regular file`);
    }
    length = keep(await Deno.readFile(path));
    file.truncateSync(length);
    file.seekSync(length, Deno.SeekMode.Start);
  } catch (error) {
    close();
    throw fileError(error, "write", path);
  }
  return {
    path,
    append(bytes) {
      try {
        for (let written = 0; written < bytes.length;) {
          written += file.writeSync(bytes.subarray(written));
        }
        length += bytes.length;
      } catch (error) {
        file.truncateSync(length);
        file.seekSync(length, Deno.SeekMode.Start);
        throw fileError(error, "write", path);
      }
    },
    close,
    [Symbol.dispose]: close,
  };
}
