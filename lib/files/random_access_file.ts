/**
 * Reading parts of a file by their position.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { fileError, withFileErrors } from "./io_errors.ts";

/** An open file whose parts are read in any order. */
export interface RandomAccessFile extends Disposable {
  /** The file as it was named. */
  readonly path: string;
  /** Its length in bytes when it was opened. */
  readonly size: number;
  /**
   * Read a part. It runs to its end before anything else does, so that calls never disturb one
   * another's position.
   *
   * @param position First byte.
   * @param length Number of bytes.
   * @returns The bytes, in a buffer of their own, so that typed arrays can be laid over it.
   * @throws {InputError} If the file system fails or the file has become shorter.
   */
  read(position: number, length: number): Uint8Array<ArrayBuffer>;
  /** Release the file; harmless when repeated. */
  close(): void;
}

/**
 * Open a regular file for reading parts of it.
 *
 * @param path The file.
 * @returns The open file.
 * @throws {InputError} If it is missing, not readable, or a directory, pipe or device.
 *
 * @example
 * ```ts
 * import { openRandomAccessFile } from "swath";
 *
 * using file = await openRandomAccessFile("deno.json");
 * if (file.read(0, 1)[0] !== "{".charCodeAt(0)) throw new Error("not JSON");
 * ```
 */
export async function openRandomAccessFile(path: string): Promise<RandomAccessFile> {
  // A pipe must be refused before it is opened: opening waits for a writer.
  const { isFile, isDirectory, size } = await withFileErrors("read", path, () => Deno.stat(path));
  if (!isFile) {
    throw new InputError(
      `Cannot read ${JSON.stringify(path)}: it is ${
        isDirectory ? "a directory" : "a pipe or device, and a regular file is needed"
      }`,
    );
  }
  const file = await withFileErrors("read", path, () => Deno.open(path));
  let open = true;
  const close = () => {
    if (open) file.close();
    open = false;
  };
  return {
    path,
    size,
    read(position, length) {
      const bytes = new Uint8Array(length);
      try {
        file.seekSync(position, Deno.SeekMode.Start);
        for (let filled = 0; filled < length;) {
          const count = file.readSync(bytes.subarray(filled));
          if (count === null) {
            throw new InputError(
              `Cannot read ${JSON.stringify(path)}: it ends at byte ${
                position + filled
              }, and ${length} bytes from ${position} are needed`,
            );
          }
          filled += count;
        }
      } catch (error) {
        throw fileError(error, "read", path);
      }
      return bytes;
    },
    close,
    [Symbol.dispose]: close,
  };
}
