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
import type { BlockGrid, BlockPlace, WindowPixels, WindowRequest } from "../place_block.ts";
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

/** An image whose blocks are to be decoded. */
export interface EncodedImage {
  /** How its blocks are encoded. */
  readonly format: BlockFormat;
  /** How it is cut into them. */
  readonly grid: BlockGrid;
  /** Bytes of nodata, which stands where the file stores no block; null for zeros there. */
  readonly fill: Uint8Array<ArrayBuffer> | null;
  /** The file that it lies in; null where workers cannot read it. */
  readonly file: FileIdentity | null;
}

/** A window that is to be read from the file of its image. */
export interface EncodedWindow extends WindowRequest {
  /** Its blocks, and where they are stored; null where the file stores none. */
  readonly blocks: readonly { readonly place: BlockPlace; readonly stored: ByteRange | null }[];
  /** True if nodata is to be looked for. */
  readonly findsNodata: boolean;
}

/** What a job asks a worker for. */
export type JobRequest =
  | { readonly kind: "decode"; readonly blocks: readonly EncodedBlock[] }
  | { readonly kind: "window"; readonly encoded: EncodedWindow };

/** What a worker is told. */
export type DecodeMessage =
  | ({ readonly kind: "image"; readonly image: number } & EncodedImage)
  | { readonly kind: "forget"; readonly image: number }
  | (JobRequest & { readonly job: number; readonly image: number });

/** What a worker says. */
export type WorkerMessage =
  /** It can take work. */
  | { readonly kind: "ready" }
  /** It has opened the file of an image, and can read blocks of it. */
  | { readonly kind: "opened"; readonly image: number }
  | DecodedJob
  | DecodedWindow;

/** Blocks that a worker has decoded. */
export interface DecodedJob {
  readonly kind: "decoded";
  /** Number of the job. */
  readonly job: number;
  /** Each block, or what is wrong with it: with the file, or with us. */
  readonly blocks: (DecodedBlock | { readonly message: string; readonly isFault: boolean })[];
}

/** A window that a worker has read. */
export interface DecodedWindow {
  readonly kind: "window";
  /** Number of the job. */
  readonly job: number;
  /** Its pixels; null if anything is wrong. */
  readonly pixels: WindowPixels | null;
}

/** Jobs that a worker has at hand, so that it need not wait for the next. */
const JOBS_AT_HAND = 2;

/** Gives the blocks of a job to a worker that reads their file itself, or one that does not. */
export type BlocksFor = (readsFile: boolean) => Promise<readonly EncodedBlock[]>;

/** What one worker does in one go. */
interface Job {
  readonly image: number;
  readonly requestFor: (readsFile: boolean) => Promise<JobRequest>;
  readonly finish: (answer: DecodedJob | DecodedWindow) => void;
  readonly fail: (error: unknown) => void;
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
   * @param encoded What workers need to know of it.
   * @returns The number that names the image from now on.
   */
  register(encoded: EncodedImage): number {
    const image = this.#images++;
    this.#known.add(image);
    for (const { worker } of this.#workers) send(worker, { kind: "image", image, ...encoded }, []);
    return image;
  }

  /** Forget an image; what of it is still waited for fails. */
  forget(image: number): void {
    this.#known.delete(image);
    if (this.#ended !== null) return;
    const closed = new Error("internal: the raster was closed while it was read");
    for (const job of this.#waiting.splice(0)) {
      if (job.image !== image) this.#waiting.push(job);
      else job.fail(closed);
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
    const settle: ((block: DecodedBlock) => void)[] = [];
    const fail: ((error: unknown) => void)[] = [];
    const decoded = Array.from(
      { length: count },
      (_, index) =>
        new Promise<DecodedBlock>((resolve, reject) => {
          settle[index] = resolve;
          fail[index] = reject;
        }),
    );
    this.#add({
      image,
      requestFor: async (readsFile) => ({ kind: "decode", blocks: await blocksFor(readsFile) }),
      finish: (answer) => {
        if (answer.kind !== "decoded") return;
        for (const [index, block] of answer.blocks.entries()) {
          if ("planes" in block) settle[index]!(block);
          else if (block.isFault) fail[index]!(new RasterFault(block.message));
          else fail[index]!(new Error(`internal: ${block.message}`));
        }
      },
      fail: (error) => {
        for (const reject of fail) reject(error);
      },
    });
    return decoded;
  }

  /**
   * Read a window, in one worker that has the file of the image.
   *
   * @param image Number of the image.
   * @param encoded The window.
   * @returns Its pixels in memory of their own; null if anything is wrong, which decoding its blocks
   * one by one will show.
   */
  decodeWindow(image: number, encoded: EncodedWindow): Promise<WindowPixels | null> {
    return new Promise((resolve, fail) =>
      this.#add({
        image,
        requestFor: () => Promise.resolve({ kind: "window", encoded }),
        finish: (answer) => resolve(answer.kind === "window" ? answer.pixels : null),
        fail,
      })
    );
  }

  #add(job: Job): void {
    if (this.#ended !== null) return job.fail(this.#ended);
    this.#waiting.push(job);
    this.#dispatch();
  }

  #start(): PoolWorker {
    const worker = new Worker(new URL("./decode_worker.ts", import.meta.url), { type: "module" });
    const own: PoolWorker = { worker, ready: false, opened: new Set(), jobs: new Set() };
    worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => {
      own.ready = true;
      if (data.kind === "opened") own.opened.add(data.image);
      if ("job" in data) this.#finish(own, data);
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
      const request = await job.requestFor(to.opened.has(job.image));
      if (this.#ended !== null) return;
      if (!this.#known.has(job.image)) throw new Error("internal: the raster is closed");
      send(to.worker, { ...request, job: number, image: job.image }, buffersOf(request));
    } catch (error) {
      to.jobs.delete(number);
      this.#running.delete(number);
      job.fail(error);
      this.#dispatch();
    }
  }

  #finish(worker: PoolWorker, answer: DecodedJob | DecodedWindow): void {
    worker.jobs.delete(answer.job);
    const job = this.#running.get(answer.job);
    this.#running.delete(answer.job);
    job?.finish(answer);
  }

  /** End the workers; whoever still waits is told why. */
  #end(reason: Error): void {
    this.#ended = reason;
    if (current?.pool === this) current = null;
    for (const { worker } of this.#workers) worker.terminate();
    for (const job of [...this.#running.values(), ...this.#waiting]) job.fail(reason);
    this.#running.clear();
    this.#waiting.length = 0;
  }
}

/** Memory that goes to the worker with a request. */
function buffersOf(request: JobRequest): ArrayBuffer[] {
  if (request.kind === "window") return [];
  const buffers = request.blocks.flatMap(({ stored, target }) => [
    ...(stored instanceof Uint8Array ? [stored.buffer] : []),
    ...(target === null ? [] : [target]),
  ]);
  return [...new Set(buffers)];
}

function send(worker: Worker, message: DecodeMessage, transfer: ArrayBuffer[]): void {
  worker.postMessage(message, transfer);
}
