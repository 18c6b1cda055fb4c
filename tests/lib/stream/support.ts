/** Streams to test with, and ways to move their bytes. */
import fc from "fast-check";
import {
  bytesOf,
  bytesPerElement,
  createStreamWriter,
  type DataType,
  elementCount,
  type NdArray,
  ndarray,
  type PixelWindow,
  readStream,
  type Sample,
  sampleKey,
  type StreamFormat,
  type StreamHeader,
  type StreamItem,
  TYPED_ARRAY_CONSTRUCTORS,
} from "swath";

export const DTYPES = Object.keys(TYPED_ARRAY_CONSTRUCTORS) as DataType[];

/** An array of any element type with arbitrary bytes (0 or 1 for bool). */
export function arrayArbitrary(shape: readonly number[], dtype?: DataType): fc.Arbitrary<NdArray> {
  const dtypes = dtype === undefined ? fc.constantFrom(...DTYPES) : fc.constant(dtype);
  return dtypes.chain((type) => {
    const length = elementCount(shape) * bytesPerElement(type);
    return fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => {
      const array = ndarray(type, shape);
      bytesOf(array).set(type === "bool" ? bytes.map((byte) => byte & 1) : bytes);
      return array;
    });
  });
}

/** The items of a segment: a grid of `rows` by `columns` patches without overlap. */
export interface SegmentOptions {
  readonly scene?: string;
  readonly rows?: number;
  readonly columns?: number;
  readonly size?: number;
  readonly bands?: number;
  readonly dtype?: DataType;
}

/** A segment with deterministic contents. */
export function makeSegment(options: SegmentOptions = {}): StreamItem[] {
  const { scene = "scene", rows = 2, columns = 2, size = 4, bands = 2, dtype = "uint16" } = options;
  const header: StreamHeader = {
    swath: 1,
    scene: {
      name: scene,
      source: `${scene}.tif`,
      width: columns * size,
      height: rows * size,
      georeference: {
        crs: "EPSG:32633",
        transform: [500_000.5, 10, 0, 5_100_000, 0, -10],
        geoKeys: { directory: [1, 1, 0, 1, 3072, 0, 1, 32633], doubles: [0.1], ascii: "WGS 84|" },
        pixelIsPoint: false,
      },
    },
    grid: { width: size, height: size, columns, rows, overlap: 0 },
    samples: rows * columns,
    bands: Array.from(
      { length: bands },
      (_, i) => ({ name: `B0${i + 1}`, scale: 1e-4, offset: 0 }),
    ),
    dtype,
    normalization: null,
    classes: [{ name: "water", color: "#0000ff" }, { name: "forest", color: "#00ff00" }],
    output: null,
    history: [`swath tile ${scene}.tif`],
  };
  const items: StreamItem[] = [{ type: "header", header }];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const window = { x: column * size, y: row * size, width: size, height: size };
      items.push({
        type: "sample",
        sample: makeSample(scene, window, [row, column], bands, dtype),
      });
    }
  }
  items.push({ type: "end", end: { samples: rows * columns, skipped: 0 } });
  return items;
}

function makeSample(
  scene: string,
  window: PixelWindow,
  position: readonly [number, number],
  bands: number,
  dtype: DataType,
): Sample {
  const { height, width } = window;
  const image = ndarray(dtype, [bands, height, width]);
  bytesOf(image).forEach((_, i, bytes) => bytes[i] = (i * 31 + window.x + 7 * window.y) & 0xff);
  const label = ndarray("uint8", [height, width]);
  label.data.fill(position[0] + position[1]);
  return {
    key: sampleKey(scene, window),
    info: {
      window,
      core: window,
      position,
      transform: [500_000 + window.x, 10, 0, 5_100_000, 0, -10],
      crs: "EPSG:32633",
      validPixels: width * height,
    },
    arrays: { image, label },
  };
}

/** Encode items. */
export async function encode(
  items: readonly StreamItem[],
  format: StreamFormat = "tar",
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const writer = createStreamWriter({
    write: (bytes) => Promise.resolve(void chunks.push(new Uint8Array(bytes))),
  }, { format });
  for (const item of items) await writer.write(item);
  await writer.close();
  return concat(...chunks);
}

/** Decode bytes that come in pieces of the given sizes, over and over. */
export async function decode(
  bytes: Uint8Array,
  chunks: readonly number[] = [65_536],
): Promise<StreamItem[]> {
  return await Array.fromAsync(readStream(chunked(bytes, chunks)));
}

/** A stream of pieces of the given sizes, over and over. */
export function chunked(
  bytes: Uint8Array,
  sizes: readonly number[],
): ReadableStream<Uint8Array> {
  let offset = 0;
  let turn = 0;
  return new ReadableStream({
    pull(controller) {
      if (offset >= bytes.length) return controller.close();
      const size = sizes[turn++ % sizes.length]!;
      controller.enqueue(bytes.slice(offset, offset + size));
      offset += size;
    },
  }, { highWaterMark: 0 });
}

/** Join byte arrays. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((offset, part) => (bytes.set(part, offset), offset + part.length), 0);
  return bytes;
}
