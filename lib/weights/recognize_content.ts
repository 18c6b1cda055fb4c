/**
 * What a file that is not what it was taken for looks like, for errors that tell people what to do.
 *
 * @module
 */

/** What a file is. */
export interface RecognizedContent {
  /** In words, such as `a Git LFS pointer`. */
  readonly what: string;
  /** What to do about it. */
  readonly hint?: string;
}

const SIGNATURES: readonly (RecognizedContent & { readonly start: string | RegExp })[] = [
  {
    start: "version https://git-lfs",
    what: "a Git LFS pointer instead of the file",
    hint: "Run git lfs pull in the repository that it comes from",
  },
  { start: /^\s*<(!doctype|html)/i, what: "an HTML page", hint: "Download the file itself" },
  { start: "PK\x03\x04", what: "a zip archive, as PyTorch writes", hint: "Name it .bin or .pt" },
  { start: "\x89HDF\r\n\x1a\n", what: "an HDF5 file, as Keras writes" },
  { start: "GGUF", what: "a GGUF file" },
  { start: "\x89PNG", what: "a PNG picture" },
];

/**
 * Recognize well-known files by their first bytes.
 *
 * @param start The first bytes, 64 are enough.
 * @returns What the file is; null where it is none of those known here.
 */
export function recognizeContent(start: Uint8Array): RecognizedContent | null {
  const text = byteString(start);
  const found = SIGNATURES.find(({ start }) =>
    typeof start === "string" ? text.startsWith(start) : start.test(text)
  );
  return found ?? null;
}

/** Text with one character for each byte, to be compared with signatures. */
export function byteString(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
