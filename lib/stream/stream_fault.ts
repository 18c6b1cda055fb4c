/**
 * What the layers below the stream reader throw. They know what is wrong but not how far the stream
 * had come; the reader adds that and throws an `InputError`.
 *
 * @module
 */

/** A fault of a stream: a clause that continues "Cannot read standard input: …". */
export class StreamFault extends Error {
  override readonly name: string = "StreamFault";
  /** What the user can do about it. */
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/**
 * The end of the bytes where more should follow.
 *
 * @param where Such as `inside "…"`.
 */
export function cutShort(where: string): StreamFault {
  return new StreamFault(
    `it is cut short ${where}`,
    "the command that wrote it was interrupted or failed; see its message",
  );
}
