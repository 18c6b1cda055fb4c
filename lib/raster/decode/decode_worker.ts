/**
 * A worker that decodes blocks: the other end of `decode_pool.ts`.
 *
 * @module
 */
import { RasterFault } from "../read_fault.ts";
import { type BlockFormat, decodeBlock } from "./block.ts";
import type { DecodedJob, DecodeMessage, EncodedBlock } from "./decode_pool.ts";

/** The part of a worker's global scope that is used here. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<DecodeMessage>) => void) | null;
  postMessage(message: DecodedJob | "ready", transfer?: readonly ArrayBuffer[]): void;
}

const scope = self as unknown as WorkerScope;
const formats = new Map<number, BlockFormat>();

scope.onmessage = ({ data: message }) => {
  if (message.kind === "format") formats.set(message.image, message.format);
  else if (message.kind === "forget") formats.delete(message.image);
  else answer(message.job, formats.get(message.image)!, message.blocks);
};
scope.postMessage("ready");

async function answer(
  job: number,
  format: BlockFormat,
  blocks: readonly EncodedBlock[],
): Promise<void> {
  const decoded: DecodedJob = { job, blocks: [] };
  for (const { bytes, rows, target } of blocks) {
    try {
      // Blocks are decoded at once but for a rare one, whose memory is its own.
      const result = decodeBlock(format, bytes, rows);
      const { planes, holes } = result instanceof Promise ? await result : result;
      const own = target !== null && target.byteLength === planes.length
        ? new Uint8Array(target)
        : new Uint8Array(planes.length);
      own.set(planes);
      decoded.blocks.push({ planes: own, holes: holes?.slice() ?? null });
    } catch (error) {
      const isFault = error instanceof RasterFault;
      const text = isFault ? error.message : error instanceof Error ? error.stack : String(error);
      decoded.blocks.push({ message: text ?? "", isFault });
    }
  }
  // Their memory goes back now, and not when the collector gets to it.
  for (const buffer of new Set(blocks.map(({ bytes }) => bytes.buffer))) buffer.transfer(0);
  const transfer = decoded.blocks.flatMap((block) => {
    if ("message" in block) return [];
    const { planes, holes } = block;
    return holes === null ? [planes.buffer] : [planes.buffer, holes.buffer];
  });
  scope.postMessage(decoded, transfer);
}
