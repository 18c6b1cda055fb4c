/**
 * From decoded blocks to the pixels of a window: here, and in the workers that read whole windows.
 *
 * @module
 */
import { bytesPerElement } from "../array/mod.ts";
import type { PixelWindow } from "../geo/mod.ts";
import type { DecodedBlock } from "./decode/samples.ts";
import { rowsOfBlock, type TiffLayout } from "./geotiff_layout.ts";

/** How an image is cut into blocks: plain values, of which a few go to workers. */
export type BlockGrid = Pick<
  TiffLayout,
  "width" | "height" | "dtype" | "planar" | "tiled" | "blockWidth" | "blockHeight"
>;

/** A block of an image: its place and its number in the file. */
export interface BlockPlace {
  readonly index: number;
  readonly plane: number;
  readonly column: number;
  readonly row: number;
}

/** What of an image is read. */
export interface WindowRequest {
  /** Pixels to read; may reach beyond the image. */
  readonly window: PixelWindow;
  /** Zero-based band numbers, in the order wanted. */
  readonly bands: readonly number[];
}

/** The pixels of a window. */
export interface WindowPixels {
  /** Shape (bands, height, width), as bytes of the element type; 0 outside the image. */
  readonly planes: Uint8Array<ArrayBuffer>;
  /**
   * Shape (height, width): 0 outside the image and where a band is nodata, 1 elsewhere; null where blocks
   * do not say which pixels are nodata.
   */
  readonly valid: Uint8Array<ArrayBuffer> | null;
}

/** The blocks that a window touches. */
export function* placesOf(
  { width, height, planar, blockWidth, blockHeight }: BlockGrid,
  { window, bands }: WindowRequest,
): Generator<BlockPlace> {
  const across = Math.ceil(width / blockWidth);
  const down = Math.ceil(height / blockHeight);
  const firstColumn = Math.floor(Math.max(0, window.x) / blockWidth);
  const lastColumn = Math.ceil(Math.min(width, window.x + window.width) / blockWidth);
  const firstRow = Math.floor(Math.max(0, window.y) / blockHeight);
  const lastRow = Math.ceil(Math.min(height, window.y + window.height) / blockHeight);
  const planes = planar ? [...new Set(bands)] : [0];
  for (let row = firstRow; row < lastRow; row++) {
    for (const plane of planes) {
      for (let column = firstColumn; column < lastColumn; column++) {
        yield { index: (plane * down + row) * across + column, plane, column, row };
      }
    }
  }
}

/** 1 inside the image, 0 outside: shape (height, width) of the window. */
export function insideMask(
  { x, y, width, height }: PixelWindow,
  image: { readonly width: number; readonly height: number },
): Uint8Array<ArrayBuffer> {
  const valid = new Uint8Array(width * height);
  const left = Math.max(0, -x);
  const right = Math.min(width, image.width - x);
  for (let row = Math.max(0, -y); row < Math.min(height, image.height - y); row++) {
    if (right > left) valid.fill(1, row * width + left, row * width + right);
  }
  return valid;
}

/**
 * Copy what a block and a window share.
 *
 * @param grid The image.
 * @param place Which block it is.
 * @param block Its pixels; null where the file stores none.
 * @param request The window.
 * @param pixels Its pixels, where they go.
 * @param fill Bytes of nodata, which stands where the file stores no block; null for zeros there.
 */
export function placeBlock(
  grid: BlockGrid,
  place: BlockPlace,
  block: DecodedBlock | null,
  request: WindowRequest,
  { planes, valid }: WindowPixels,
  fill: Uint8Array<ArrayBuffer> | null,
): void {
  const shared = sharedPixels(grid, place, request.window);
  copyPlanes(grid, place, block, request, shared, planes, fill);
  if (valid !== null) clearHoles(grid, block, request.window, shared, valid);
}

/** What a block and a window share, in pixels of the image, and where it lies in both. */
interface SharedPixels {
  readonly rows: number;
  readonly columns: number;
  /** First of these pixels in a plane of the block. */
  readonly from: number;
  /** The same in a plane of the window. */
  readonly to: number;
}

function sharedPixels(grid: BlockGrid, place: BlockPlace, window: PixelWindow): SharedPixels {
  const left = place.column * grid.blockWidth;
  const top = place.row * grid.blockHeight;
  const rows = rowsOfBlock(grid, place.row);
  const x = Math.max(window.x, left, 0);
  const y = Math.max(window.y, top, 0);
  return {
    rows: Math.min(window.y + window.height, top + rows, grid.height) - y,
    columns: Math.min(window.x + window.width, left + grid.blockWidth, grid.width) - x,
    from: (y - top) * grid.blockWidth + x - left,
    to: (y - window.y) * window.width + x - window.x,
  };
}

function copyPlanes(
  grid: BlockGrid,
  place: BlockPlace,
  block: DecodedBlock | null,
  { window, bands }: WindowRequest,
  { rows, columns, from, to }: SharedPixels,
  planes: Uint8Array<ArrayBuffer>,
  fill: Uint8Array<ArrayBuffer> | null,
): void {
  const { blockWidth, dtype, planar } = grid;
  const size = bytesPerElement(dtype);
  const blockPlane = rowsOfBlock(grid, place.row) * blockWidth;
  const windowPlane = window.height * window.width;
  // Rows that are whole in both follow one another without a gap.
  const whole = columns === window.width && columns === blockWidth;
  const step = whole ? rows : 1;
  const count = columns * step * size;
  for (const [position, band] of bands.entries()) {
    if (planar && band !== place.plane) continue;
    const source = (planar ? 0 : band) * blockPlane + from;
    const target = position * windowPlane + to;
    for (let row = 0; row < rows; row += step) {
      const start = (target + row * window.width) * size;
      if (block !== null) {
        const first = (source + row * blockWidth) * size;
        planes.set(block.planes.subarray(first, first + count), start);
      } else if (fill !== null) {
        fillRow(planes.subarray(start, start + count), fill);
      }
    }
  }
}

/** Clear pixels in which a block is nodata. */
function clearHoles(
  { blockWidth }: BlockGrid,
  block: DecodedBlock | null,
  window: PixelWindow,
  { rows, columns, from, to }: SharedPixels,
  valid: Uint8Array<ArrayBuffer>,
): void {
  if (block !== null && block.holes === null) return;
  const holes = block?.holes ?? null;
  if (holes === null) {
    for (let row = 0; row < rows; row++) {
      const target = to + row * window.width;
      valid.fill(0, target, target + columns);
    }
    return;
  }
  // Rows that are whole in both are one.
  const whole = columns === window.width && columns === blockWidth;
  const step = whole ? rows : 1;
  for (let row = 0; row < rows; row += step) {
    clearRow(holes, from + row * blockWidth, columns * step, valid, to + row * window.width);
  }
}

/** Clear where there are holes. */
function clearRow(
  holes: Uint8Array<ArrayBuffer>,
  from: number,
  count: number,
  valid: Uint8Array<ArrayBuffer>,
  to: number,
): void {
  // Holes are rare: eight pixels without one, whose bytes are those of 0.0, are passed at a time.
  const eights = new Float64Array(holes.buffer, holes.byteOffset, holes.length >> 3);
  const end = from + count;
  for (let pixel = from; pixel < end; pixel++) {
    if ((pixel & 7) === 0) {
      let eight = pixel >> 3;
      const last = end >> 3;
      while (
        eight + 4 <= last && eights[eight] === 0 && eights[eight + 1] === 0 &&
        eights[eight + 2] === 0 && eights[eight + 3] === 0
      ) eight += 4;
      while (eight < last && eights[eight] === 0) eight++;
      pixel = eight << 3;
      if (pixel >= end) return;
    }
    if (holes[pixel] !== 0) valid[to + pixel - from] = 0;
  }
}

/** Repeat the bytes of one element. */
function fillRow(row: Uint8Array<ArrayBuffer>, element: Uint8Array<ArrayBuffer>): void {
  for (let at = 0; at < row.length; at += element.length) row.set(element, at);
}
