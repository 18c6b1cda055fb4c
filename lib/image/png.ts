/**
 * PNG encoding (W3C Portable Network Graphics, third edition) of 8-bit pictures.
 *
 * @module
 */
import { crc32, deflateSync } from "node:zlib";
import { formatShape, type NdArray } from "../array/mod.ts";

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** PNG's number of each kind of pixel, by the number of channels: grey, grey + alpha, RGB, RGBA. */
const COLOR_TYPES: Readonly<Record<number, number>> = { 1: 0, 2: 4, 3: 2, 4: 6 };

/**
 * Encode a picture.
 *
 * @param image Shape (H, W, channels), channels last: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
 * @returns The bytes of a PNG file; the same picture gives the same bytes.
 * @throws {RangeError} If the shape is none of these.
 *
 * @example
 * ```ts
 * import { encodePng, ndarray } from "swath";
 *
 * const png = encodePng(ndarray("uint8", [1, 2, 3], Uint8Array.of(255, 0, 0, 0, 0, 255)));
 * if (new TextDecoder().decode(png.subarray(1, 4)) !== "PNG") throw new Error("not a PNG file");
 * ```
 */
export function encodePng(image: NdArray<"uint8">): Uint8Array<ArrayBuffer> {
  const [height, width, channels] = image.shape;
  const colorType = COLOR_TYPES[channels ?? 0];
  if (image.shape.length !== 3 || !height || !width || colorType === undefined) {
    throw new RangeError(
      `internal: a picture has shape height x width x 1, 2, 3 or 4: got ${
        formatShape(image.shape)
      }`,
    );
  }
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint8(8, 8);
  header.setUint8(9, colorType);
  const filtered = filterRows(image.data, height, width * channels!, channels!);
  return concatenate([
    SIGNATURE,
    ...chunk("IHDR", new Uint8Array(header.buffer)),
    ...chunk("IDAT", deflateSync(filtered, { level: 6 })),
    ...chunk("IEND", new Uint8Array()),
  ]);
}

/** Each row with the filter whose output has the smallest sum of magnitudes, as the standard advises. */
function filterRows(
  data: Uint8Array,
  height: number,
  stride: number,
  channels: number,
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(height * (stride + 1));
  const candidate = new Uint8Array(stride);
  let previous: Uint8Array = new Uint8Array(stride);
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * stride, (y + 1) * stride);
    const target = out.subarray(y * (stride + 1) + 1, (y + 1) * (stride + 1));
    let least = Infinity;
    FILTERS.forEach((filter, number) => {
      let sum = 0;
      for (let index = 0; index < stride; index++) {
        const left = index < channels ? 0 : row[index - channels]!;
        const upperLeft = index < channels ? 0 : previous[index - channels]!;
        const residual = (row[index]! - filter(left, previous[index]!, upperLeft)) & 255;
        candidate[index] = residual;
        sum += residual < 128 ? residual : 256 - residual;
      }
      if (sum < least) {
        least = sum;
        out[y * (stride + 1)] = number;
        target.set(candidate);
      }
    });
    previous = row;
  }
  return out;
}

/** Predictions from the left, upper and upper left neighbour; their positions are PNG's filter types. */
const FILTERS: readonly ((left: number, up: number, upperLeft: number) => number)[] = [
  () => 0,
  (left) => left,
  (_, up) => up,
  (left, up) => (left + up) >> 1,
  (left, up, upperLeft) => {
    const estimate = left + up - upperLeft;
    const toLeft = Math.abs(estimate - left);
    const toUp = Math.abs(estimate - up);
    const toUpperLeft = Math.abs(estimate - upperLeft);
    if (toLeft <= toUp && toLeft <= toUpperLeft) return left;
    return toUp <= toUpperLeft ? up : upperLeft;
  },
];

function chunk(type: string, data: Uint8Array): Uint8Array[] {
  const name = new TextEncoder().encode(type);
  const length = new DataView(new ArrayBuffer(4));
  length.setUint32(0, data.length);
  const check = new DataView(new ArrayBuffer(4));
  check.setUint32(0, crc32(data, crc32(name)));
  return [new Uint8Array(length.buffer), name, data, new Uint8Array(check.buffer)];
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
