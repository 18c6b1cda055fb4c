import type { BlockFormat } from "./block.ts";
import { RasterFault } from "../read_fault.ts";
export function decodeJpegBlock(
  _f: BlockFormat,
  _b: Uint8Array<ArrayBuffer>,
  _r: number,
): Uint8Array<ArrayBuffer> {
  throw new RasterFault("unsupported compression 7 (JPEG)");
}
