/**
 * A worker that decodes blocks: the other end of `decode_pool.ts`.
 *
 * @module
 */
import { bytesPerElement, releaseBuffer } from "../../array/mod.ts";
import { rowsOfBlock } from "../geotiff_layout.ts";
import { openAgain, readFileAt } from "../local_file.ts";
import { insideMask, placeBlock, type WindowPixels } from "../place_block.ts";
import { RasterFault } from "../read_fault.ts";
import type { ByteRange } from "../read_source.ts";
import { decodeBlock } from "./block.ts";
import type {
  DecodedJob,
  DecodeMessage,
  EncodedBlock,
  EncodedImage,
  EncodedWindow,
  WorkerMessage,
} from "./decode_pool.ts";
import type { DecodedBlock } from "./samples.ts";

/** The part of a worker's global scope that is used here. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<DecodeMessage>) => void) | null;
  postMessage(message: WorkerMessage, transfer?: readonly ArrayBuffer[]): void;
}

/** An image whose blocks are decoded. */
interface Image extends Omit<EncodedImage, "file"> {
  readonly file: Deno.FsFile | null;
}

const scope = self as unknown as WorkerScope;
const images = new Map<number, Image>();
/** Memory for what is read, which blocks take in turn; null while one that is not decoded at once has it. */
let memory: Uint8Array<ArrayBuffer> | null = new Uint8Array(0);

scope.onmessage = ({ data: message }) => {
  if (message.kind === "decode") {
    answer(message.job, images.get(message.image)!, message.blocks);
  } else if (message.kind === "window") {
    answerWindow(message.job, images.get(message.image)!, message.encoded);
  } else if (message.kind === "forget") {
    images.get(message.image)?.file?.close();
    images.delete(message.image);
  } else {
    const { image, format, grid, fill } = message;
    const file = message.file === null ? null : openAgain(message.file);
    images.set(image, { format, grid, fill, file });
    if (file !== null) scope.postMessage({ kind: "opened", image });
  }
};
scope.postMessage({ kind: "ready" });

async function answer(
  job: number,
  image: Image,
  blocks: readonly EncodedBlock[],
): Promise<void> {
  const decoded: DecodedJob = { kind: "decoded", job, blocks: [] };
  for (const block of blocks) {
    try {
      // Blocks are decoded at once but for a rare one.
      const result = decodeStored(image, block);
      const { planes, holes } = result instanceof Promise ? await result : result;
      const { target } = block;
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
  for (const { stored } of blocks) {
    if (stored instanceof Uint8Array) releaseBuffer(stored.buffer);
  }
  const transfer = decoded.blocks.flatMap((block) => {
    if ("message" in block) return [];
    const { planes, holes } = block;
    return holes === null ? [planes.buffer] : [planes.buffer, holes.buffer];
  });
  scope.postMessage(decoded, transfer);
}

/** Read a window; who asked for it sees what is wrong, if anything is. */
async function answerWindow(job: number, image: Image, encoded: EncodedWindow): Promise<void> {
  const pixels = image.file === null ? null : await windowOf(image, encoded).catch(() => null);
  const transfer = pixels === null
    ? []
    : [pixels.planes, pixels.valid].flatMap((array) => array === null ? [] : [array.buffer]);
  scope.postMessage({ kind: "window", job, pixels }, transfer);
}

async function windowOf(
  image: Image,
  { window, bands, blocks, findsNodata }: EncodedWindow,
): Promise<WindowPixels> {
  const { grid, fill } = image;
  const bytes = bands.length * window.width * window.height * bytesPerElement(grid.dtype);
  const pixels = {
    planes: new Uint8Array(bytes),
    valid: findsNodata ? insideMask(window, grid) : null,
  };
  for (const { place, stored } of blocks) {
    const rows = rowsOfBlock(grid, place.row);
    const decoded = stored === null ? null : decodeStored(image, { stored, rows, target: null });
    const block = decoded instanceof Promise ? await decoded : decoded;
    placeBlock(grid, place, block, { window, bands }, pixels, fill);
  }
  return pixels;
}

function decodeStored(
  { format, file }: Image,
  { stored, rows }: EncodedBlock,
): DecodedBlock | Promise<DecodedBlock> {
  if (stored instanceof Uint8Array) return decodeBlock(format, stored, rows);
  const bytes = readInto(memory, file!, stored);
  const result = decodeBlock(format, bytes, rows);
  memory = result instanceof Promise ? null : new Uint8Array(bytes.buffer);
  return result;
}

/** Read a stretch, into memory that is there if it is large enough. */
function readInto(
  room: Uint8Array<ArrayBuffer> | null,
  file: Deno.FsFile,
  { offset, length }: ByteRange,
): Uint8Array<ArrayBuffer> {
  const bytes = room !== null && room.length >= length
    ? room.subarray(0, length)
    : new Uint8Array(length);
  readFileAt(file, offset, bytes);
  return bytes;
}
