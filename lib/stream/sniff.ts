/**
 * Telling from its first bytes what was given where a patch stream was expected.
 *
 * @module
 */

/** First bytes of files that people pipe by mistake, and what to do instead. */
const SIGNATURES: readonly { starts: readonly string[]; name: string; hint?: string }[] = [
  {
    starts: ["II*\0", "II+\0", "MM\0*", "MM\0+"],
    name: "a TIFF image",
    hint: "cut it into patches first: swath tile SCENE | …",
  },
  {
    starts: ["\x89PNG"],
    name: "a PNG image",
    hint: "cut it into patches first: swath tile SCENE | …",
  },
  {
    starts: ["\xff\xd8\xff"],
    name: "a JPEG image",
    hint: "cut it into patches first: swath tile SCENE | …",
  },
  {
    starts: ["\x1f\x8b"],
    name: "gzip-compressed data",
    hint: "decompress it first: gzip -dc FILE | …",
  },
  {
    starts: ["\x28\xb5\x2f\xfd"],
    name: "zstd-compressed data",
    hint: "decompress it first: zstd -dc FILE | …",
  },
  { starts: ["PK\x03\x04"], name: "a zip archive" },
  { starts: ["\x93NUMPY"], name: "a NumPy array" },
  { starts: ["\x89HDF"], name: "an HDF5 file" },
  {
    starts: ["version https://git-lfs"],
    name: "a Git LFS pointer",
    hint: "fetch the file itself: git lfs pull",
  },
  {
    starts: ["<!doctype html", "<!DOCTYPE html", "<html"],
    name: "an HTML page",
    hint: "the address probably leads to an error or login page",
  },
];

/**
 * Name what the bytes look like.
 *
 * @param bytes The first bytes, at least a few hundred where there are as many.
 * @returns Such as `a TIFF image`, and what the user can do about it.
 */
export function looksLike(bytes: Uint8Array): { name: string; hint: string | undefined } {
  const head = String.fromCharCode(...bytes.subarray(0, 256));
  const signature = SIGNATURES.find(({ starts }) => starts.some((start) => head.startsWith(start)));
  if (signature !== undefined) return { name: signature.name, hint: signature.hint };
  const isText = !bytes.subarray(0, 256).some((byte) => byte < 0x20 && !WHITESPACE.includes(byte));
  return { name: isText ? "text" : "binary data of an unknown kind", hint: undefined };
}

/** Tab, line feed, form feed, carriage return, and escape, which starts colours. */
const WHITESPACE = [0x09, 0x0a, 0x0c, 0x0d, 0x1b];
