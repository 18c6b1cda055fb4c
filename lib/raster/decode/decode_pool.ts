/**
 * Workers that decode blocks, shared by all rasters of the process.
 *
 * They start when a raster turns out to be worth it, take a while to do so, and end with the last raster
 * that uses them. They read local files themselves; what is stored elsewhere goes to them, and planes
 * come back, by transfer: nothing is copied.
 *
 * @module
 */
import type { FileIdentity } from "../local_file.ts";
import { RasterFault } from "../read_fault.ts";
import type { ByteRange } from "../read_source.ts";
import type { BlockFormat } from "./block.ts";
import type { DecodedBlock } from "./samples.ts";

/** A block on its way to a worker. */
export interface EncodedBlock {
  /**
   * Its bytes as stored, whose buffer goes to the worker, and which blocks of one job may share; or where
   * they lie in the file of the image.
   */
  readonly stored: Uint8Array<ArrayBuffer> | ByteRange;
  /** Rows that it has. */
  readonly rows: number;
  /** Memory for its planes, which is used if it has just their size. */
  readonly target: ArrayBuffer | null;
}

/** What a worker is told. */
export type DecodeMessage =
  | {
    readonly kind: "image";
    readonly image: number;
    readonly format: BlockFormat;
    readonly file: FileIdentity | null;
  }
  | { readonly kind: "forget"; readonly image: number }
  | {
    readonly kind: "decode";
    readonly job: number;
    readonly image: number;
    readonly blocks: readonly EncodedBlock[];
  };

/** What a worker says. */
export type WorkerMessage =
  /** It can take work. */
  | { readonly kind: "ready" }
  /** It has opened the file of an image, and can read blocks of it. */
  | { readonly kind: "opened"; readonly image: number }
  | DecodedJob;

/** Blocks that a worker has decoded. */
export interface DecodedJob {
  readonly kind: "decoded";
  /** Number of the job. */
  readonly job: number;
  /** Each block, or what is wrong with it: with the file, or with us. */
  readonly blocks: (DecodedBlock | { readonly message: string; readonly isFault: boolean })[];
}

/** Jobs that a worker has at hand, so that it need not wait for the next. */
const JOBS_AT_HAND = 2;

/** Gives the blocks of a job to a worker that reads their file itself, or one that does not. */
export type BlocksFor = (readsFile: boolean) => Promise<readonly EncodedBlock[]>;

/** Blocks that are decoded together. */
interface Job {
  readonly image: number;
  readonly blocksFor: BlocksFor;
  readonly settle: ((block: DecodedBlock) => void)[];
  readonly fail: ((error: unknown) => void)[];
}

interface PoolWorker {
  readonly worker: Worker;
  ready: boolean;
  /** Images whose file it has opened. */
  readonly opened: Set<number>;
  readonly jobs: Set<number>;
}

/** The workers of the process; null while nothing needs them. */
let current: { readonly pool: DecodePool; users: number } | null = null;

/** Workers that decode. */
export class DecodePool {
  readonly #workers: PoolWorker[];
  readonly #known = new Set<number>();
  readonly #waiting: Job[] = [];
  readonly #running = new Map<number, Job>();
  #images = 0;
  #jobs = 0;
  #ended: Error | null = null;

  private constructor(size: number) {
    this.#workers = Array.from({ length: size }, () => this.#start());
  }

  /**
   * The pool of the process, which is started where there is none.
   *
   * @param size Workers to start.
   * @returns The pool; the caller gives it back with {@linkcode release}.
   */
  static acquire(size: number): DecodePool {
    current ??= { pool: new DecodePool(size), users: 0 };
    current.users++;
    return current.pool;
  }

  /** Give the pool back; with its last user it ends. */
  release(): void {
    if (current?.pool !== this || --current.users > 0) return;
    current = null;
    this.#end(new Error("internal: the raster was closed while it was read"));
  }

  /** True once a worker can take work: until then, it is faster to do it oneself. */
  get ready(): boolean {
    return this.#workers.some(({ ready }) => ready);
  }

  /**
   * Make an image known.
   *
   * @param format How its blocks are encoded.
   * @param file The file that it lies in; null where workers cannot read it.
   * @returns The number that names the image from now on.
   */
  register(format: BlockFormat, file: FileIdentity | null): number {
    const image = this.#images++;
    this.#known.add(image);
    for (const { worker } of this.#workers) {
      send(worker, { kind: "image", image, format, file }, []);
    }
    return image;
  }

  /** Forget an image; what of it is still waited for fails. */
  forget(image: number): void {
    this.#known.delete(image);
    if (this.#ended !== null) return;
    const closed = new Error("internal: the raster was closed while it was read");
    for (const job of this.#waiting.splice(0)) {
      if (job.image !== image) this.#waiting.push(job);
      else for (const fail of job.fail) fail(closed);
    }
    for (const { worker, opened } of this.#workers) {
      opened.delete(image);
      send(worker, { kind: "forget", image }, []);
    }
  }

  /**
   * Decode some blocks, in one worker.
   *
   * @param image Number of the image.
   * @param count Number of blocks.
   * @param blocksFor Gives them; called when a worker is about to be free.
   * @returns The blocks, as of `decodeBlock`, in memory of their own.
   */
  decode(image: number, count: number, blocksFor: BlocksFor): Promise<DecodedBlock>[] {
    const job: Job = { image, blocksFor, settle: [], fail: [] };
    const decoded = Array.from(
      { length: count },
      (_, index) =>
        new Promise<DecodedBlock>((resolve, reject) => {
          job.settle[index] = resolve;
          job.fail[index] = reject;
        }),
    );
    if (this.#ended === null) {
      this.#waiting.push(job);
      this.#dispatch();
    } else {
      for (const fail of job.fail) fail(this.#ended);
    }
    return decoded;
  }

  #start(): PoolWorker {
    const worker = new Worker(new URL("./decode_worker.ts", import.meta.url), { type: "module" });
    const own: PoolWorker = { worker, ready: false, opened: new Set(), jobs: new Set() };
    worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => {
      own.ready = true;
      if (data.kind === "opened") own.opened.add(data.image);
      if (data.kind === "decoded") this.#finish(own, data);
      this.#dispatch();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#end(new Error(`internal: a worker that decodes failed: ${event.message}`));
    };
    return own;
  }

  #dispatch(): void {
    for (;;) {
      const free = this.#workers.reduce((best, worker) =>
        worker.jobs.size < best.jobs.size ? worker : best
      );
      if (free.jobs.size >= JOBS_AT_HAND) return;
      const job = this.#waiting.shift();
      if (job === undefined) return;
      const number = this.#jobs++;
      free.jobs.add(number);
      this.#running.set(number, job);
      this.#send(free, number, job);
    }
  }

  async #send(to: PoolWorker, number: number, job: Job): Promise<void> {
    try {
      const blocks = await job.blocksFor(to.opened.has(job.image));
      if (this.#ended !== null) return;
      if (!this.#known.has(job.image)) throw new Error("internal: the raster is closed");
      const transfer = new Set<ArrayBuffer>();
      for (const { stored, target } of blocks) {
        if (stored instanceof Uint8Array) transfer.add(stored.buffer);
        if (target !== null) transfer.add(target);
      }
      send(to.worker, { kind: "decode", job: number, image: job.image, blocks }, [...transfer]);
    } catch (error) {
      to.jobs.delete(number);
      this.#running.delete(number);
      for (const fail of job.fail) fail(error);
      this.#dispatch();
    }
  }

  #finish(worker: PoolWorker, { job: number, blocks }: DecodedJob): void {
    worker.jobs.delete(number);
    const job = this.#running.get(number);
    this.#running.delete(number);
    if (job === undefined) return;
    for (const [index, block] of blocks.entries()) {
      if ("planes" in block) job.settle[index]!(block);
      else if (block.isFault) job.fail[index]!(new RasterFault(block.message));
      else job.fail[index]!(new Error(`internal: ${block.message}`));
    }
  }

  /** End the workers; whoever still waits is told why. */
  #end(reason: Error): void {
    this.#ended = reason;
    if (current?.pool === this) current = null;
    for (const { worker } of this.#workers) worker.terminate();
    for (const { fail } of [...this.#running.values(), ...this.#waiting]) {
      for (const reject of fail) reject(reason);
    }
    this.#running.clear();
    this.#waiting.length = 0;
  }
}

function send(worker: Worker, message: DecodeMessage, transfer: ArrayBuffer[]): void {
  worker.postMessage(message, transfer);
}
