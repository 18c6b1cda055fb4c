/**
 * Entropy decoding of JPEG, baseline and progressive. ITU-T T.81 annexes F and G.
 *
 * @module
 */
import { RasterFault } from "../read_fault.ts";
import { type HuffmanTable, JpegBits } from "./jpeg_huffman.ts";
import {
  initialJpegState,
  type JpegFrame,
  type JpegScan,
  type JpegState,
  readJpegSegments,
  ZIGZAG,
} from "./jpeg_markers.ts";

/** A hostile file can have a scan for every few bytes, and each goes over the whole image. */
const MAX_SCANS = 200;

/** Coefficients of one component. */
export interface ComponentCoefficients {
  /** Blocks of 64 coefficients in natural order, rows of blocks from top to bottom. */
  readonly blocks: Int16Array;
  /** Blocks from left to right, those that fill up the last MCU included. */
  readonly across: number;
  /** Blocks from top to bottom, likewise. */
  readonly down: number;
  /** Samples from left to right that belong to the image. */
  readonly width: number;
  /** Rows of samples that belong to the image. */
  readonly height: number;
  /** Its quantization table. */
  readonly quantization: Uint16Array;
}

/** A JPEG up to the inverse transform. */
export interface JpegCoefficients {
  /** Its frame. */
  readonly frame: JpegFrame;
  /** What the segments said besides. */
  readonly state: JpegState;
  /** Largest sampling factors. */
  readonly maxHorizontal: number;
  /** Largest vertical sampling factor. */
  readonly maxVertical: number;
  /** One for each component of the frame. */
  readonly components: readonly ComponentCoefficients[];
}

/**
 * Decode the coefficients of a JPEG.
 *
 * @param bytes The JPEG.
 * @param tables Tables that it shares with others, as TIFF has them; null for none.
 * @param check Called with the frame before anything is allocated for it; throws to refuse it.
 * @returns Its coefficients.
 * @throws {RasterFault} If it is damaged or uses what is not supported.
 */
export function decodeJpegCoefficients(
  bytes: Uint8Array<ArrayBuffer>,
  tables: Uint8Array<ArrayBuffer> | null,
  check: (frame: JpegFrame) => void,
): JpegCoefficients {
  const state = initialJpegState();
  if (tables !== null && readJpegSegments(tables, 0, state) !== null) {
    throw new RasterFault("the tag JPEGTables holds an image");
  }
  let scan = readJpegSegments(bytes, 0, state);
  const { frame } = state;
  if (frame === null || scan === null) {
    throw new RasterFault("JPEG data is damaged (it has no image)");
  }
  check(frame);
  const maxHorizontal = Math.max(...frame.components.map(({ horizontal }) => horizontal));
  const maxVertical = Math.max(...frame.components.map(({ vertical }) => vertical));
  const mcusAcross = Math.ceil(frame.width / (8 * maxHorizontal));
  const mcusDown = Math.ceil(frame.height / (8 * maxVertical));
  const blocks = frame.components.reduce(
    (total, { horizontal, vertical }) => total + mcusAcross * horizontal * mcusDown * vertical,
    0,
  );
  // Each block takes at least a bit.
  if (blocks > 8 * bytes.length) {
    throw new RasterFault(
      `JPEG data of ${bytes.length} bytes cannot hold its ${frame.width}x${frame.height} pixels`,
    );
  }
  const layouts = frame.components.map(({ horizontal, vertical }) => ({
    across: mcusAcross * horizontal,
    down: mcusDown * vertical,
    width: Math.ceil(frame.width * horizontal / maxHorizontal),
    height: Math.ceil(frame.height * vertical / maxVertical),
    blocks: new Int16Array(64 * mcusAcross * horizontal * mcusDown * vertical),
    horizontal,
    vertical,
  }));
  const seen = new Set<number>();
  const quantization: (Uint16Array | undefined)[] = [];
  for (let scans = 1; scan !== null; scans++) {
    if (scans > MAX_SCANS) throw new RasterFault(`JPEG data has more than ${MAX_SCANS} scans`);
    for (const { position } of scan.components) {
      seen.add(position);
      // Tables may be redefined between scans: those at a component's first scan count.
      quantization[position] ??= state.quantization[frame.components[position]!.quantization];
    }
    const end = decodeScan(bytes, scan, state, frame, layouts, mcusAcross, mcusDown);
    scan = readJpegSegments(bytes, end, state);
  }
  const components = layouts.map((layout, position) => {
    const table = quantization[position];
    if (!seen.has(position) || table === undefined) {
      throw new RasterFault("JPEG data is damaged (a component has no data or no table)");
    }
    return { ...layout, quantization: table };
  });
  return { frame, state, maxHorizontal, maxVertical, components };
}

interface Layout {
  readonly across: number;
  readonly width: number;
  readonly height: number;
  readonly blocks: Int16Array;
  readonly horizontal: number;
  readonly vertical: number;
}

/** Decode the data of one scan; returns where it ends. */
function decodeScan(
  bytes: Uint8Array<ArrayBuffer>,
  scan: JpegScan,
  state: JpegState,
  frame: JpegFrame,
  layouts: readonly Layout[],
  mcusAcross: number,
  mcusDown: number,
): number {
  const bits = new JpegBits(bytes, scan.dataStart);
  const decoders = scan.components.map(({ position, dc, ac }) => ({
    layout: layouts[position]!,
    decoder: blockDecoder(bits, scan, frame.progressive, state.dc[dc], state.ac[ac]),
  }));
  const [single] = decoders;
  const interleaved = decoders.length > 1;
  // The MCU of a scan of one component is one block, and blocks that only fill up are left out.
  const across = interleaved ? mcusAcross : Math.ceil(single!.layout.width / 8);
  const down = interleaved ? mcusDown : Math.ceil(single!.layout.height / 8);
  let untilRestart = state.restartInterval;
  for (let row = 0; row < down; row++) {
    for (let column = 0; column < across; column++) {
      if (state.restartInterval > 0 && untilRestart-- === 0) {
        bits.restart();
        for (const { decoder } of decoders) decoder.reset();
        untilRestart = state.restartInterval - 1;
      }
      if (!interleaved) {
        const { layout, decoder } = single!;
        decoder.decode(layout.blocks, 64 * (row * layout.across + column));
        continue;
      }
      for (const { layout, decoder } of decoders) {
        for (let v = 0; v < layout.vertical; v++) {
          const start = (row * layout.vertical + v) * layout.across + column * layout.horizontal;
          for (let h = 0; h < layout.horizontal; h++) {
            decoder.decode(layout.blocks, 64 * (start + h));
          }
        }
      }
    }
  }
  bits.finish();
  return bits.at;
}

/** Decodes the blocks of one component in one scan. */
interface BlockDecoder {
  decode(blocks: Int16Array, at: number): void;
  /** Forget what was carried from block to block, at a restart. */
  reset(): void;
}

function blockDecoder(
  bits: JpegBits,
  scan: JpegScan,
  progressive: boolean,
  dc: HuffmanTable | undefined,
  ac: HuffmanTable | undefined,
): BlockDecoder {
  if (!progressive) return new BaselineDecoder(bits, needed(dc), needed(ac));
  if (scan.spectralStart === 0) {
    return scan.high === 0
      ? new FirstDcDecoder(bits, needed(dc), scan.low)
      : new RefiningDcDecoder(bits, scan.low);
  }
  return scan.high === 0
    ? new FirstAcDecoder(bits, needed(ac), scan)
    : new RefiningAcDecoder(bits, needed(ac), scan);
}

function needed(table: HuffmanTable | undefined): HuffmanTable {
  if (table === undefined) {
    throw new RasterFault("JPEG data is damaged (a Huffman table is missing)");
  }
  return table;
}

class BaselineDecoder implements BlockDecoder {
  #previous = 0;

  constructor(
    readonly bits: JpegBits,
    readonly dc: HuffmanTable,
    readonly ac: HuffmanTable,
  ) {}

  decode(blocks: Int16Array, at: number): void {
    const { bits, ac } = this;
    this.#previous += bits.receiveSigned(bits.decode(this.dc) & 15);
    blocks[at] = this.#previous;
    for (let index = 1; index < 64; index++) {
      const code = bits.decode(ac);
      const size = code & 15;
      const run = code >> 4;
      if (size === 0) {
        if (run !== 15) break;
        index += 15;
        continue;
      }
      index += run;
      if (index > 63) throw new RasterFault("JPEG data is damaged (a block is too long)");
      blocks[at + ZIGZAG[index]!] = bits.receiveSigned(size);
    }
  }

  reset(): void {
    this.#previous = 0;
  }
}

class FirstDcDecoder implements BlockDecoder {
  #previous = 0;

  constructor(readonly bits: JpegBits, readonly dc: HuffmanTable, readonly low: number) {}

  decode(blocks: Int16Array, at: number): void {
    this.#previous += this.bits.receiveSigned(this.bits.decode(this.dc) & 15);
    blocks[at] = this.#previous << this.low;
  }

  reset(): void {
    this.#previous = 0;
  }
}

class RefiningDcDecoder implements BlockDecoder {
  constructor(readonly bits: JpegBits, readonly low: number) {}

  decode(blocks: Int16Array, at: number): void {
    if (this.bits.receive(1) === 1) blocks[at]! |= 1 << this.low;
  }

  reset(): void {}
}

class FirstAcDecoder implements BlockDecoder {
  /** Blocks to come that have no coefficients in this scan. */
  #emptyBlocks = 0;

  constructor(readonly bits: JpegBits, readonly ac: HuffmanTable, readonly scan: JpegScan) {}

  decode(blocks: Int16Array, at: number): void {
    if (this.#emptyBlocks > 0) {
      this.#emptyBlocks--;
      return;
    }
    const { bits, ac, scan } = this;
    for (let index = scan.spectralStart; index <= scan.spectralEnd; index++) {
      const code = bits.decode(ac);
      const size = code & 15;
      const run = code >> 4;
      if (size === 0) {
        if (run !== 15) {
          this.#emptyBlocks = (1 << run) + bits.receive(run) - 1;
          break;
        }
        index += 15;
        continue;
      }
      index += run;
      if (index > 63) throw new RasterFault("JPEG data is damaged (a block is too long)");
      blocks[at + ZIGZAG[index]!] = bits.receiveSigned(size) << scan.low;
    }
  }

  reset(): void {
    this.#emptyBlocks = 0;
  }
}

/** Adds one bit to coefficients that are known, and new ones of ±1 between them: G.1.2.3. */
class RefiningAcDecoder implements BlockDecoder {
  #emptyBlocks = 0;

  constructor(readonly bits: JpegBits, readonly ac: HuffmanTable, readonly scan: JpegScan) {}

  decode(blocks: Int16Array, at: number): void {
    const { bits, ac, scan } = this;
    const one = 1 << scan.low;
    let index = scan.spectralStart;
    while (this.#emptyBlocks === 0 && index <= scan.spectralEnd) {
      const code = bits.decode(ac);
      const size = code & 15;
      let run = code >> 4;
      let added = 0;
      if (size !== 0) {
        added = bits.receive(1) === 1 ? one : -one;
      } else if (run !== 15) {
        this.#emptyBlocks = (1 << run) + bits.receive(run);
        break;
      }
      // Go past `run` coefficients that are still zero, refining the others on the way.
      for (; index <= scan.spectralEnd; index++) {
        const place = at + ZIGZAG[index]!;
        if (blocks[place] !== 0) this.#refine(blocks, place, one);
        else if (run-- === 0) {
          blocks[place] = added;
          index++;
          break;
        }
      }
    }
    if (this.#emptyBlocks > 0) {
      for (; index <= scan.spectralEnd; index++) {
        const place = at + ZIGZAG[index]!;
        if (blocks[place] !== 0) this.#refine(blocks, place, one);
      }
      this.#emptyBlocks--;
    }
  }

  #refine(blocks: Int16Array, place: number, one: number): void {
    const value = blocks[place]!;
    if (this.bits.receive(1) === 1 && (value & one) === 0) {
      blocks[place] = value + (value > 0 ? one : -one);
    }
  }

  reset(): void {
    this.#emptyBlocks = 0;
  }
}
