/**
 * Random access to a file on a web server, by range requests.
 *
 * Neighbouring stretches become one request; small reads, as those of directories, go through a cache
 * of pages; requests that fail for a passing reason are repeated.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { formatBytes } from "../text/mod.ts";
import { RasterFault } from "./read_fault.ts";
import {
  type ByteRange,
  type ByteSource,
  type ByteTraffic,
  checkRange,
  MemorySource,
  mergeRanges,
} from "./read_source.ts";

/** Bytes of the first request: the header and usually all directories of a COG. */
const FIRST_REQUEST = 64 << 10;
/** Small reads fetch whole pages of this size, which are kept. */
const PAGE_BYTES = 16 << 10;
/** Pages that are kept: 4 MiB. */
const MAX_PAGES = 256;
/** Stretches closer than this are cheaper to fetch as one. */
const MAX_GAP = 64 << 10;
/** Most bytes of one request. */
const MAX_REQUEST = 16 << 20;
/** Requests that are under way at the same time. */
const MAX_PARALLEL = 6;
/** Attempts for one request. */
const ATTEMPTS = 4;
/** Wait before the second attempt; it doubles from one to the next. */
const FIRST_WAIT_MS = 200;
/** Time without an answer, or without a next piece of it, after which an attempt has failed. */
const SILENCE_MS = 30_000;
/** A file from a server without range requests is fetched whole up to this size. */
const MAX_WHOLE = 256 << 20;

/** The server says that there is no such file, or none for us. */
export class NotOnServer extends InputError {}

/** True for what is fetched rather than opened. */
export function isUrl(source: string): boolean {
  return /^https?:\/\//i.test(source);
}

/**
 * Open a file on a web server.
 *
 * @param url Its `http:` or `https:` URL.
 * @param headers Headers of each request.
 * @param maxMemory Most bytes of a file that is fetched whole.
 * @returns Its bytes.
 * @throws {InputError} If the server refuses, cannot be reached, or has no range requests and a large file.
 */
export async function openHttpSource(
  url: string,
  headers: Readonly<Record<string, string>>,
  maxMemory: number,
): Promise<ByteSource> {
  const traffic: ByteTraffic = { requests: 0, bytes: 0 };
  const client = new HttpClient(url, headers, traffic);
  const limit = Math.min(MAX_WHOLE, maxMemory);
  const first = await client.fetch({ offset: 0, length: FIRST_REQUEST }, limit);
  if (first.whole) return new MemorySource(first.bytes, traffic);
  return new HttpSource(client, first.total, first.bytes);
}

/** Answer to a range request. */
interface Answer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Size of the file. */
  readonly total: number;
  /** True if the server sent the whole file instead of the range. */
  readonly whole: boolean;
}

/** An attempt failed for a reason that may pass. */
class PassingFault extends Error {}

class HttpClient {
  /** Ends what is under way when the raster is closed. */
  readonly closing = new AbortController();

  constructor(
    readonly url: string,
    readonly headers: Readonly<Record<string, string>>,
    readonly traffic: ByteTraffic,
  ) {}

  /**
   * Fetch a stretch, with repeated attempts.
   *
   * @param range The stretch.
   * @param maxWhole Most bytes to accept where the server sends the whole file; 0 to refuse it.
   */
  async fetch(range: ByteRange, maxWhole: number): Promise<Answer> {
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#attempt(range, maxWhole);
      } catch (error) {
        if (!(error instanceof PassingFault)) throw error;
        if (attempt === ATTEMPTS) {
          throw new InputError(
            `Cannot read ${JSON.stringify(this.url)}: ${error.message} (${ATTEMPTS} attempts)`,
            { cause: error },
          );
        }
        await new Promise((resolve) => setTimeout(resolve, FIRST_WAIT_MS * 2 ** (attempt - 1)));
      }
    }
  }

  async #attempt({ offset, length }: ByteRange, maxWhole: number): Promise<Answer> {
    const abort = new AbortController();
    let timer = setTimeout(() => abort.abort(), SILENCE_MS);
    this.traffic.requests++;
    try {
      const response = await fetch(this.url, {
        headers: { ...this.headers, Range: `bytes=${offset}-${offset + length - 1}` },
        signal: AbortSignal.any([abort.signal, this.closing.signal]),
      });
      if (response.status === 416 && offset === 0) {
        // No range can be satisfied: the file is empty.
        await response.body?.cancel();
        return { bytes: new Uint8Array(), total: 0, whole: true };
      }
      if (response.status !== 206 && response.status !== 200) {
        await response.body?.cancel();
        return this.#refused(response);
      }
      const whole = response.status === 200;
      const expected = whole
        ? wholeLength(response)
        : this.#rangeLength(response, { offset, length });
      if (whole && (maxWhole === 0 || (expected ?? 0) > maxWhole)) {
        await response.body?.cancel();
        throw new InputError(
          `Cannot read ${
            JSON.stringify(this.url)
          }: the server has no range requests, and the file ${
            expected === null ? "" : `of ${formatBytes(expected)} `
          }is too large to fetch whole`,
          { hint: "Download it first and give its path" },
        );
      }
      const pieces: Uint8Array[] = [];
      let received = 0;
      for await (const piece of response.body ?? []) {
        clearTimeout(timer);
        timer = setTimeout(() => abort.abort(), SILENCE_MS);
        pieces.push(piece);
        received += piece.length;
        this.traffic.bytes += piece.length;
        if (received > (whole ? maxWhole : length)) {
          throw new InputError(
            `Cannot read ${JSON.stringify(this.url)}: the server sends more than was asked for`,
          );
        }
      }
      if (expected !== null && received !== expected) {
        throw new PassingFault(`the answer ended after ${received} of ${expected} bytes`);
      }
      const bytes = join(pieces, received);
      return { bytes, total: whole ? received : totalOf(response), whole };
    } catch (error) {
      if (error instanceof InputError || error instanceof PassingFault) throw error;
      if (this.closing.signal.aborted) {
        throw new InputError(`Cannot read ${JSON.stringify(this.url)}: it was closed`);
      }
      if (abort.signal.aborted) {
        throw new PassingFault(`the server was silent for ${SILENCE_MS / 1000} s`);
      }
      if (error instanceof Deno.errors.NotCapable) {
        throw new InputError(
          `Cannot read ${JSON.stringify(this.url)}: Deno was not given permission`,
          { cause: error, hint: error.message },
        );
      }
      // What fetch and its body throw: no connection, or one that broke.
      throw new PassingFault(error instanceof Error ? error.message : String(error));
    } finally {
      clearTimeout(timer);
    }
  }

  #refused(response: Response): never {
    const { status, statusText } = response;
    const message = `the server answered ${status}${statusText === "" ? "" : ` ${statusText}`}`;
    if (status === 408 || status === 429 || status >= 500) throw new PassingFault(message);
    const what = `Cannot read ${JSON.stringify(this.url)}: ${message}`;
    if (status === 401 || status === 403) {
      throw new NotOnServer(what, { hint: "It may need a header such as Authorization" });
    }
    throw new NotOnServer(what);
  }

  /** Length of a partial answer, after its range has been checked. */
  #rangeLength(response: Response, { offset, length }: ByteRange): number {
    const total = totalOf(response);
    const [, first, last] = /^bytes (\d+)-(\d+)\//.exec(
      response.headers.get("content-range") ?? "",
    ) ?? [];
    const expected = Math.min(offset + length, total) - offset;
    if (
      !Number.isSafeInteger(total) || Number(first) !== offset ||
      Number(last) !== offset + expected - 1
    ) {
      throw new InputError(
        `Cannot read ${JSON.stringify(this.url)}: the server answered bytes ${offset} to ${
          offset + length
        } with the range "${response.headers.get("content-range") ?? ""}"`,
      );
    }
    return expected;
  }
}

function totalOf(response: Response): number {
  const [, total] = /\/(\d+)$/.exec(response.headers.get("content-range") ?? "") ?? [];
  return total === undefined ? NaN : Number(total);
}

/** The length that an uncompressed answer says; null where it does not. */
function wholeLength(response: Response): number | null {
  const length = response.headers.get("content-length");
  return length === null || response.headers.has("content-encoding") ? null : Number(length);
}

function join(pieces: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

class HttpSource implements ByteSource {
  readonly #client: HttpClient;
  readonly #start: Uint8Array<ArrayBuffer>;
  readonly #pages = new Map<number, Promise<Uint8Array<ArrayBuffer>>>();
  readonly remote = true;
  readonly file = null;
  readonly size: number;

  constructor(client: HttpClient, size: number, start: Uint8Array<ArrayBuffer>) {
    this.#client = client;
    this.size = size;
    this.#start = start;
  }

  get traffic(): ByteTraffic {
    return this.#client.traffic;
  }

  async read(ranges: readonly ByteRange[]): Promise<Uint8Array<ArrayBuffer>[]> {
    for (const range of ranges) checkRange(range, this.size);
    const { reads, parts } = mergeRanges(ranges, MAX_GAP, MAX_REQUEST);
    const buffers = await mapParallel(reads, (range) => this.#readOne(range));
    return parts.map(({ read, start }, index) =>
      buffers[read]!.subarray(start, start + ranges[index]!.length)
    );
  }

  async #readOne({ offset, length }: ByteRange): Promise<Uint8Array<ArrayBuffer>> {
    const end = offset + length;
    if (end <= this.#start.length) return this.#start.subarray(offset, end);
    if (length > PAGE_BYTES) return await this.#fetch({ offset, length });
    const first = Math.floor(offset / PAGE_BYTES);
    const last = Math.floor((end - 1) / PAGE_BYTES);
    const pages = await Promise.all(
      Array.from({ length: last - first + 1 }, (_, index) => this.#page(first + index)),
    );
    const joined = join(pages, pages.reduce((total, page) => total + page.length, 0));
    return joined.subarray(offset - first * PAGE_BYTES, end - first * PAGE_BYTES);
  }

  #page(number: number): Promise<Uint8Array<ArrayBuffer>> {
    let page = this.#pages.get(number);
    if (page === undefined) {
      const offset = number * PAGE_BYTES;
      page = this.#fetch({ offset, length: Math.min(PAGE_BYTES, this.size - offset) });
      page.catch(() => this.#pages.delete(number));
    }
    this.#pages.delete(number);
    this.#pages.set(number, page);
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= MAX_PAGES) break;
      this.#pages.delete(oldest);
    }
    return page;
  }

  async #fetch(range: ByteRange): Promise<Uint8Array<ArrayBuffer>> {
    const { bytes, total } = await this.#client.fetch(range, 0);
    if (total !== this.size) {
      throw new RasterFault(
        `the file on the server changed while it was read: from ${this.size} to ${total} bytes`,
      );
    }
    return bytes;
  }

  close(): void {
    this.#client.closing.abort();
    this.#pages.clear();
  }
}

/** Map with a few calls under way at the same time. */
async function mapParallel<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(MAX_PARALLEL, items.length) }, worker));
  return results;
}
