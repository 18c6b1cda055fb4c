import assert from "node:assert/strict";
import { join } from "node:path";
import { bytesOf, InputError, type NdArray } from "swath";

/** Run work in a directory that is removed afterwards. */
export async function withDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await work(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Run work on a file with the given bytes. */
export async function withFile(
  bytes: Uint8Array,
  work: (path: string) => Promise<void>,
): Promise<void> {
  await withDirectory(async (directory) => {
    const path = join(directory, "weights");
    await Deno.writeFile(path, bytes);
    await work(path);
  });
}

/** Element type, shape and every bit of two arrays agree. */
export function assertSameArray(actual: NdArray, expected: NdArray, what = "array"): void {
  assert.equal(actual.dtype, expected.dtype, what);
  assert.deepEqual(actual.shape, expected.shape, what);
  assert.deepEqual(bytesOf(actual), bytesOf(expected), what);
}

/** The value of each byte that mutation sets. */
const MUTATIONS = [0x00, 0x01, 0x7f, 0xfe, 0xff];

/**
 * Every byte of the first `length` set to each of {@linkcode MUTATIONS}, and the file cut at every
 * length: `read` either works or throws an `InputError`.
 */
export async function assertSurvivesMutation(
  original: Uint8Array,
  read: (path: string) => Promise<void>,
  length = original.length,
): Promise<{ accepted: number; refused: number }> {
  const counts = { accepted: 0, refused: 0 };
  await withDirectory(async (directory) => {
    const path = join(directory, "weights");
    const attempt = async (bytes: Uint8Array, what: string) => {
      Deno.writeFileSync(path, bytes);
      try {
        await read(path);
        counts.accepted++;
      } catch (error) {
        assert(error instanceof InputError, `${what}: ${(error as Error).stack}`);
        counts.refused++;
      }
    };
    for (let at = 0; at < length; at++) {
      for (const value of MUTATIONS) {
        if (original[at] === value) continue;
        const mutant = original.slice();
        mutant[at] = value;
        await attempt(mutant, `byte ${at} set to ${value}`);
      }
    }
    for (let cut = 0; cut < original.length; cut++) {
      await attempt(original.subarray(0, cut), `cut at ${cut}`);
    }
  });
  return counts;
}
