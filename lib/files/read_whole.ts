/**
 * Files that are held whole.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { withFileErrors } from "./io_errors.ts";

/** Most bytes of a file that is held whole: about the longest text that the runtime can hold. */
const MAX_BYTES = 2 ** 29 - 2 ** 8;
const CHUNK_BYTES = 2 ** 16;

/**
 * Read a file, or a pipe to its end.
 *
 * @param path The file as the user named it.
 * @throws {InputError} If it cannot be read, or has half a gibibyte or more, as devices without an end do.
 */
export async function readWhole(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return await withFileErrors("read", path, async () => {
    using file = await Deno.open(path);
    const { isFile, size } = await file.stat();
    let bytes = new Uint8Array(Math.max(CHUNK_BYTES, isFile ? Math.min(size, MAX_BYTES) + 1 : 0));
    let length = 0;
    for (;;) {
      const count = await file.read(bytes.subarray(length));
      if (count === null) return bytes.subarray(0, length);
      length += count;
      if (length > MAX_BYTES) {
        throw new InputError(
          `Cannot read ${
            JSON.stringify(path)
          }: it goes on after ${MAX_BYTES} bytes, the most that are held at once`,
        );
      }
      if (length === bytes.length) {
        const longer = new Uint8Array(Math.min(2 * length, MAX_BYTES + 1));
        longer.set(bytes);
        bytes = longer;
      }
    }
  });
}

/**
 * Read a text file, or a pipe to its end.
 *
 * @param path The file as the user named it.
 * @returns The text; what is not UTF-8 becomes U+FFFD.
 * @throws {InputError} As {@linkcode readWhole}.
 *
 * @example
 * ```ts
 * import { readTextFile } from "swath";
 *
 * if (!(await readTextFile("deno.json")).startsWith("{")) throw new Error("not JSON");
 * ```
 */
export async function readTextFile(path: string): Promise<string> {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(await readWhole(path));
}
