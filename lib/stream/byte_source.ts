/**
 * Exact reads from a source that gives bytes in pieces of its own choosing.
 *
 * @module
 */

/**
 * A source of bytes that fills the caller's buffer, such as `Deno.stdin` or a `Deno.FsFile`. It saves
 * the copy that a `ReadableStream` costs.
 */
export interface ByteReader {
  /**
   * Read into a buffer.
   *
   * @param buffer Filled from its start, not necessarily to its end.
   * @returns How many bytes were read; null at the end.
   */
  read(buffer: Uint8Array): Promise<number | null>;
  /**
   * Pass over bytes without reading them, or as many as there are; left out where that is not possible.
   *
   * @param count How many.
   */
  skip?(count: number): void;
}

/** Small reads are served from a buffer of this size: what one read of a Linux pipe gives. */
const BUFFER_BYTES = 65_536;

/** Buffered, exact reads. Large reads go straight into the caller's buffer. */
export class ByteSource {
  #reader: ByteReader;
  #buffer = new Uint8Array(BUFFER_BYTES);
  #start = 0;
  #end = 0;
  /** Bytes taken so far. */
  position = 0;

  constructor(reader: ByteReader) {
    this.#reader = reader;
  }

  /**
   * Look at the next bytes without taking them.
   *
   * @param count At most 65536.
   * @returns A view that the next read invalidates; shorter than asked for only at the end.
   */
  async peek(count: number): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#end - this.#start < count && this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    while (this.#end - this.#start < count) {
      const read = await this.#reader.read(this.#buffer.subarray(this.#end));
      if (read === null) break;
      this.#end += read;
    }
    return this.#buffer.subarray(this.#start, Math.min(this.#end, this.#start + count));
  }

  /** Look at all that is buffered, at least one byte; none only at the end. */
  async peekBuffered(): Promise<Uint8Array<ArrayBuffer>> {
    await this.peek(1);
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** Take bytes that were shown. */
  skip(count: number): void {
    this.#start += count;
    this.position += count;
  }

  /** Pass over bytes, to the end where there are fewer. */
  async discard(count: number): Promise<void> {
    const buffered = Math.min(count, this.#end - this.#start);
    this.skip(buffered);
    let left = count - buffered;
    if (left > 0 && this.#reader.skip !== undefined) {
      this.#reader.skip(left);
      this.position += left;
      left = 0;
    }
    while (left > 0) {
      const { length } = await this.peek(Math.min(left, BUFFER_BYTES));
      if (length === 0) return;
      this.skip(length);
      left -= length;
    }
  }

  /**
   * Fill a buffer.
   *
   * @param target The buffer.
   * @returns How many bytes were read; fewer than its length only at the end.
   */
  async readInto(target: Uint8Array<ArrayBuffer>): Promise<number> {
    const buffered = Math.min(target.length, this.#end - this.#start);
    target.set(this.#buffer.subarray(this.#start, this.#start + buffered));
    this.#start += buffered;
    let filled = buffered;
    while (filled < target.length) {
      const read = await this.#reader.read(target.subarray(filled));
      if (read === null) break;
      filled += read;
    }
    this.position += filled;
    return filled;
  }
}

/**
 * Read any input through a caller's buffer.
 *
 * @param input A stream, which closing cancels; or a reader, which stays its owner's to close.
 */
export function readerOf(
  input: ReadableStream<Uint8Array> | ByteReader,
): ByteReader & { close(): Promise<void> } {
  if (!("getReader" in input)) {
    return { read: (buffer) => input.read(buffer), close: () => Promise.resolve() };
  }
  const reader = input.getReader();
  let chunk: Uint8Array = new Uint8Array();
  return {
    async read(buffer) {
      while (chunk.length === 0) {
        const { done, value } = await reader.read();
        if (done) return null;
        chunk = value;
      }
      const count = Math.min(chunk.length, buffer.length);
      buffer.set(chunk.subarray(0, count));
      chunk = chunk.subarray(count);
      return count;
    },
    // A consumer that stops early must stop its producer too.
    close: () => reader.cancel(),
  };
}
