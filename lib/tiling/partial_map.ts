/**
 * Rows of a map put aside as they are finished, so that a run that was killed goes on where it was.
 *
 * The file `<map>.partial` is appended to and nothing else: a record that says which map it is of, then
 * one for each piece of rows, compressed. Each has a checksum over all of it. What follows the last
 * record that is whole, or the last row that all layers have, is cut off when the file is opened again;
 * so whatever a crash leaves behind is either right or redone.
 *
 * @module
 */
import { constants, crc32, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import {
  bytesOf,
  bytesPerElement,
  type DataType,
  type NdArray,
  ndarray,
  releaseBuffer,
  TYPED_ARRAY_CONSTRUCTORS,
} from "../array/mod.ts";
import { InputError } from "../errors.ts";
import { withFileErrors } from "../files/mod.ts";
import { differenceOf, type MapIdentity } from "./map_identity.ts";
import { FRAME_BYTES, MAGIC, type RowRecord, scanRecords } from "./partial_records.ts";

/** Added to the name of a map. */
export const PARTIAL_SUFFIX = ".partial";

/** What is put aside together: the classes, and what else comes with each row. */
export interface PartialLayer {
  /** Its name. */
  readonly name: string;
  /** Element type. */
  readonly dtype: DataType;
  /** Number of bands. */
  readonly bands: number;
}

/** The finished rows of a map. */
export interface PartialMap extends Disposable {
  /** Where they are. */
  readonly path: string;
  /** Rows, from the top, that all layers have. */
  readonly rows: number;
  /**
   * Put rows aside, below those that the layer has.
   *
   * @param layer Name of the layer.
   * @param rows Shape (bands, n, width).
   */
  append(layer: string, rows: NdArray): Promise<void>;
  /** All rows of a layer from the top, in pieces that are only good until the next one is asked for. */
  rowsOf(layer: string): AsyncGenerator<NdArray, void, undefined>;
  /** Close the file, which stays if it has rows; harmless when repeated. */
  close(): void;
  /** Remove it, as the map is there. */
  remove(): Promise<void>;
}

/** Speed matters more than size: the map itself is compressed better. */
const ZSTD_LEVEL = 1;

/**
 * Open the finished rows of a map, or begin with none.
 *
 * @param map The map's own path; the rows lie beside it.
 * @param identity What it is a map of.
 * @param layers What is put aside.
 * @returns The rows; no other process has them open.
 * @throws {InputError} If they belong to another map, another process writes them, or the file system
 * refuses.
 */
export async function openPartialMap(
  map: string,
  identity: MapIdentity,
  layers: readonly PartialLayer[],
): Promise<PartialMap> {
  const path = map + PARTIAL_SUFFIX;
  const guarded = <T>(work: () => T | Promise<T>) => withFileErrors("write", path, work);
  const file = await guarded(() => Deno.open(path, { read: true, write: true, create: true }));
  try {
    await lock(file, path);
    const wanted = { ...identity, layers };
    const { identity: found, records, end } = await guarded(() => scanRecords(file));
    const keys = Object.keys(wanted) as (keyof MapIdentity)[];
    const difference = found && differenceOf(path, found, wanted, keys);
    if (difference !== null) throw difference;
    await guarded(() => file.truncate(found === null ? 0 : end));
    const rows = new PartialRows(path, file, layers, identity.scene.width, records);
    if (found === null) await rows.writeRecord(wanted, new Uint8Array(0));
    return rows;
  } catch (error) {
    file.close();
    throw error;
  }
}

/**
 * What is put aside of a map.
 *
 * @param map The map's own path.
 * @returns What it is a map of, and how many rows are finished; null where there is nothing, or nothing
 * that can be trusted.
 * @throws {InputError} If the file system refuses.
 */
export async function readPartialMap(
  map: string,
): Promise<{ readonly identity: MapIdentity; readonly rows: number } | null> {
  const path = map + PARTIAL_SUFFIX;
  try {
    using file = await withFileErrors("read", path, () => Deno.open(path));
    const { identity, records } = await withFileErrors("read", path, () => scanRecords(file));
    if (identity === null) return null;
    const [first] = identity.layers;
    const own = records.filter(({ layer }) => layer === first?.name);
    return { identity, rows: own.reduce((sum, { rows }) => sum + rows, 0) };
  } catch (error) {
    if (error instanceof InputError && error.cause instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

class PartialRows implements PartialMap {
  readonly path: string;
  readonly #file: Deno.FsFile;
  readonly #layers: ReadonlyMap<string, PartialLayer>;
  readonly #width: number;
  readonly #records: RowRecord[];
  readonly #rows: Map<string, number>;
  #isOpen = true;

  constructor(
    path: string,
    file: Deno.FsFile,
    layers: readonly PartialLayer[],
    width: number,
    records: readonly RowRecord[],
  ) {
    this.path = path;
    this.#file = file;
    this.#layers = new Map(layers.map((layer) => [layer.name, layer]));
    this.#width = width;
    this.#records = [...records];
    this.#rows = new Map(layers.map(({ name }) => [name, 0]));
    for (const { layer, rows } of records) this.#rows.set(layer, this.#rows.get(layer)! + rows);
  }

  get rows(): number {
    return Math.min(...this.#rows.values());
  }

  async append(layer: string, rows: NdArray): Promise<void> {
    const y = this.#rows.get(layer)!;
    const count = rows.shape[1]!;
    if (count === 0) return;
    const bytes = zstdCompressSync(bytesOf(rows), {
      params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL },
    });
    const position = await this.writeRecord({ layer, y, rows: count }, bytes);
    this.#records.push({ layer, y, rows: count, position, length: bytes.length });
    this.#rows.set(layer, y + count);
  }

  /** Add a record at the end, and return where its content begins. */
  async writeRecord(head: unknown, content: Uint8Array): Promise<number> {
    const text = new TextEncoder().encode(JSON.stringify(head));
    const frame = new Uint8Array(FRAME_BYTES);
    const view = new DataView(frame.buffer);
    view.setUint32(0, MAGIC);
    view.setUint32(4, text.length);
    view.setUint32(8, content.length);
    view.setUint32(12, crc32(content, crc32(text)));
    return await withFileErrors("write", this.path, async () => {
      const start = await this.#file.seek(0, Deno.SeekMode.End);
      // One write a record: most crashes leave whole records.
      const record = new Uint8Array(FRAME_BYTES + text.length + content.length);
      record.set(frame);
      record.set(text, FRAME_BYTES);
      record.set(content, FRAME_BYTES + text.length);
      for (let written = 0; written < record.length;) {
        written += await this.#file.write(record.subarray(written));
      }
      return start + FRAME_BYTES + text.length;
    });
  }

  async *rowsOf(layer: string): AsyncGenerator<NdArray, void, undefined> {
    const { dtype, bands } = this.#layers.get(layer)!;
    for (const record of this.#records) {
      if (record.layer !== layer) continue;
      const { position, length, rows } = record;
      const bytes = await withFileErrors("read", this.path, async () => {
        const content = new Uint8Array(length);
        await this.#file.seek(position, Deno.SeekMode.Start);
        for (let filled = 0; filled < length;) {
          const count = await this.#file.read(content.subarray(filled));
          if (count === null) throw new RangeError(`internal: "${this.path}" has become shorter`);
          filled += count;
        }
        return content;
      });
      const size = bands * rows * this.#width;
      const raw = zstdDecompressSync(bytes, {
        maxOutputLength: size * bytesPerElement(dtype),
      });
      // In a buffer of its own, where elements are aligned.
      const { buffer } = new Uint8Array(raw);
      yield ndarray(dtype, [bands, rows, this.#width], new TYPED_ARRAY_CONSTRUCTORS[dtype](buffer));
      releaseBuffer(buffer);
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    if (this.rows === 0) this.#removeQuietly();
    this.#file.close();
    this.#isOpen = false;
  }

  async remove(): Promise<void> {
    // First, as the lock goes with the file.
    await withFileErrors("remove", this.path, () => Deno.remove(this.path));
    this.#file.close();
    this.#isOpen = false;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Without rows, there is nothing to go on with. */
  #removeQuietly(): void {
    try {
      Deno.removeSync(this.path);
    } catch {
      // It is as good as none.
    }
  }
}

/** Two processes must not go on with one map; some file systems have no locks. */
async function lock(file: Deno.FsFile, path: string): Promise<void> {
  let isOurs = true;
  try {
    isOurs = await file.tryLock(true);
  } catch {
    return;
  }
  if (isOurs) return;
  throw new InputError(`Cannot write ${JSON.stringify(path)}: another process is writing it`, {
    hint: "Wait until it is done, or stop it",
  });
}
