/**
 * Finding the shards that patterns name, and putting a stream into one.
 *
 * @module
 */
import { glob } from "node:fs/promises";
import { InputError } from "../errors.ts";
import { withFileErrors } from "../files/mod.ts";
import { type ByteReader, createStreamWriter, readStream } from "../stream/mod.ts";

/**
 * The files that patterns name: paths, or globs with `*`, `**`, `?`, `[…]`, `{a,b}` and `{000..099}`.
 *
 * @param patterns The patterns; a path that exists is taken as it is, whatever signs it has.
 * @returns Paths, those of each pattern sorted by name, each path once.
 * @throws {InputError} If a pattern names no file.
 *
 * @example
 * ```ts
 * import { expandShards } from "swath";
 *
 * const folder = await Deno.makeTempDir();
 * for (const name of ["b-1.tar", "b-0.tar", "a.tar"]) await Deno.writeTextFile(`${folder}/${name}`, "");
 * const paths = await expandShards([`${folder}/b-*.tar`]);
 * if (paths.join() !== `${folder}/b-0.tar,${folder}/b-1.tar`) throw new Error(paths.join());
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function expandShards(patterns: readonly string[]): Promise<string[]> {
  const paths = new Set<string>();
  for (const pattern of patterns) {
    const found = await exists(pattern)
      ? [pattern]
      : await withFileErrors("list", pattern, () => Array.fromAsync(glob(pattern)));
    if (found.length === 0) {
      throw new InputError(
        /[*?[{]/.test(pattern)
          ? `Cannot read ${JSON.stringify(pattern)}: no file matches`
          : `Cannot read ${JSON.stringify(pattern)}: no such file or directory`,
      );
    }
    for (const path of found.sort()) paths.add(path);
  }
  return [...paths];
}

/**
 * Put a stream into a file of its own, so that it can be gone through more than once.
 *
 * @param input The stream, as tar or JSON lines; all of it is checked.
 * @param options What to call the input in messages, and the folder of the file.
 * @returns Path of the file, a tar; the caller removes it.
 * @throws {InputError} If the stream is damaged or the disk is full; no file is left behind then.
 */
export async function spoolStream(
  input: ReadableStream<Uint8Array> | ByteReader,
  options: { readonly source?: string; readonly folder?: string } = {},
): Promise<string> {
  const { folder, source } = options;
  const path = await withFileErrors(
    "create",
    folder ?? "a temporary file",
    () =>
      Deno.makeTempFile({
        prefix: "swath-",
        suffix: ".tar",
        ...(folder === undefined ? {} : { dir: folder }),
      }),
  );
  try {
    using file = await Deno.open(path, { write: true });
    const writer = createStreamWriter({
      async write(bytes) {
        await withFileErrors("write", path, async () => {
          for (let written = 0; written < bytes.length;) {
            written += await file.write(bytes.subarray(written));
          }
        });
      },
    });
    for await (const item of readStream(input, source === undefined ? {} : { source })) {
      await writer.write(item);
    }
    await writer.close();
  } catch (error) {
    await Deno.remove(path);
    throw error;
  }
  return path;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}
