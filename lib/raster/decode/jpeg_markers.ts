/**
 * The segments of a JPEG file: frame, tables and scans. ITU-T T.81 annex B.
 *
 * @module
 */
import { RasterFault } from "../read_fault.ts";
import { type HuffmanTable, huffmanTable } from "./jpeg_huffman.ts";

/** Markers by name. */
const MARKER = {
  sof0: 0xc0,
  sof1: 0xc1,
  sof2: 0xc2,
  dht: 0xc4,
  rst0: 0xd0,
  rst7: 0xd7,
  soi: 0xd8,
  eoi: 0xd9,
  sos: 0xda,
  dqt: 0xdb,
  dri: 0xdd,
  app0: 0xe0,
  app14: 0xee,
  tem: 0x01,
} as const;

/** What other frame markers stand for. */
const UNSUPPORTED_FRAMES: Readonly<Record<number, string>> = {
  0xc3: "lossless JPEG",
  0xc5: "hierarchical JPEG",
  0xc6: "hierarchical JPEG",
  0xc7: "hierarchical JPEG",
  0xc9: "JPEG with arithmetic coding",
  0xca: "JPEG with arithmetic coding",
  0xcb: "JPEG with arithmetic coding",
  0xcd: "JPEG with arithmetic coding",
  0xce: "JPEG with arithmetic coding",
  0xcf: "JPEG with arithmetic coding",
};

/** Order in which the 64 coefficients of a block are stored. */
export const ZIGZAG = Uint8Array.of(
  ...[0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5],
  ...[12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28],
  ...[35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51],
  ...[58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63],
);

/** One component of the frame. */
export interface JpegComponent {
  /** Its identifier. */
  readonly id: number;
  /** Sampling factors relative to the other components. */
  readonly horizontal: number;
  /** Vertical sampling factor. */
  readonly vertical: number;
  /** Number of its quantization table. */
  readonly quantization: number;
}

/** The frame header. */
export interface JpegFrame {
  /** True if coefficients come in several scans. */
  readonly progressive: boolean;
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Its components, 1 to 4. */
  readonly components: readonly JpegComponent[];
}

/** A scan header and where its data starts. */
export interface JpegScan {
  /** Positions in the frame of its components, with their tables. */
  readonly components: readonly {
    readonly position: number;
    readonly dc: number;
    readonly ac: number;
  }[];
  /** First and last coefficient. */
  readonly spectralStart: number;
  /** Last coefficient. */
  readonly spectralEnd: number;
  /** Successive approximation: bit position of the scan before, 0 for the first. */
  readonly high: number;
  /** Successive approximation: bit position of this scan. */
  readonly low: number;
  /** Where its entropy-coded data starts. */
  readonly dataStart: number;
}

/** What the segments read so far have set. */
export interface JpegState {
  /** Quantization tables by number, in natural order. */
  readonly quantization: (Uint16Array | undefined)[];
  /** Huffman tables of DC coefficients. */
  readonly dc: (HuffmanTable | undefined)[];
  /** Huffman tables of AC coefficients. */
  readonly ac: (HuffmanTable | undefined)[];
  /** MCUs between restart markers; 0 for none. */
  restartInterval: number;
  /** The frame, once it has come. */
  frame: JpegFrame | null;
  /** True after a JFIF marker. */
  jfif: boolean;
  /** Colour transform of the Adobe marker; null without one. */
  adobeTransform: number | null;
}

/** State before the first segment. */
export function initialJpegState(): JpegState {
  return {
    quantization: [],
    dc: [],
    ac: [],
    restartInterval: 0,
    frame: null,
    jfif: false,
    adobeTransform: null,
  };
}

/**
 * Read segments up to the next scan.
 *
 * @param bytes The JPEG.
 * @param start Where to start: 0, or the end of the last scan.
 * @param state Receives what the segments set.
 * @returns The scan; null at the end of the image or of the data.
 * @throws {RasterFault} If a segment is damaged or asks for what is not supported.
 */
export function readJpegSegments(
  bytes: Uint8Array<ArrayBuffer>,
  start: number,
  state: JpegState,
): JpegScan | null {
  let at = start;
  while (at < bytes.length) {
    if (bytes[at] !== 0xff) {
      // Padding between segments; what follows a scan's data is searched for its marker.
      at++;
      continue;
    }
    const marker = bytes[at + 1];
    if (marker === undefined) return null;
    if (marker === 0xff || marker === 0) {
      at++;
      continue;
    }
    at += 2;
    if (
      marker === MARKER.soi || marker === MARKER.tem ||
      (marker >= MARKER.rst0 && marker <= MARKER.rst7)
    ) continue;
    if (marker === MARKER.eoi) return null;
    const length = (bytes[at]! << 8) | bytes[at + 1]!;
    if (at + 2 > bytes.length || length < 2 || at + length > bytes.length) {
      throw new RasterFault("JPEG data is damaged (a segment is cut off)");
    }
    const segment = bytes.subarray(at + 2, at + length);
    at += length;
    if (marker === MARKER.sos) return readScan(segment, at, state);
    readSegment(marker, segment, state);
  }
  return null;
}

function readSegment(marker: number, segment: Uint8Array, state: JpegState): void {
  const unsupported = UNSUPPORTED_FRAMES[marker];
  if (unsupported !== undefined) throw new RasterFault(`unsupported: ${unsupported}`);
  switch (marker) {
    case MARKER.sof0:
    case MARKER.sof1:
    case MARKER.sof2:
      if (state.frame !== null) damaged("it has two frames");
      state.frame = readFrame(segment, marker === MARKER.sof2);
      break;
    case MARKER.dqt:
      readQuantization(segment, state);
      break;
    case MARKER.dht:
      readHuffman(segment, state);
      break;
    case MARKER.dri:
      if (segment.length < 2) damaged("the restart interval is cut off");
      state.restartInterval = (segment[0]! << 8) | segment[1]!;
      break;
    case MARKER.app0:
      state.jfif ||= startsWith(segment, "JFIF\0");
      break;
    case MARKER.app14:
      if (segment.length >= 12 && startsWith(segment, "Adobe")) state.adobeTransform = segment[11]!;
      break;
  }
}

function readFrame(segment: Uint8Array, progressive: boolean): JpegFrame {
  const count = segment[5] ?? 0;
  if (segment.length < 6 + 3 * count) damaged("the frame header is cut off");
  const precision = segment[0]!;
  if (precision !== 8) throw new RasterFault(`unsupported: ${precision}-bit JPEG`);
  const height = (segment[1]! << 8) | segment[2]!;
  const width = (segment[3]! << 8) | segment[4]!;
  if (width === 0 || height === 0) damaged(`its size is ${width}x${height}`);
  if (count < 1 || count > 4) damaged(`it has ${count} components`);
  const components = Array.from({ length: count }, (_, index) => {
    const [id = 0, sampling = 0, quantization = 0] = segment.subarray(6 + 3 * index);
    const horizontal = sampling >> 4;
    const vertical = sampling & 15;
    if (horizontal < 1 || horizontal > 4 || vertical < 1 || vertical > 4 || quantization > 3) {
      damaged("a component has impossible sampling factors or tables");
    }
    return { id, horizontal, vertical, quantization };
  });
  return { progressive, width, height, components };
}

function readQuantization(segment: Uint8Array, state: JpegState): void {
  for (let at = 0; at < segment.length;) {
    const wide = segment[at]! >> 4;
    const number = segment[at]! & 15;
    at++;
    if (number > 3 || wide > 1 || at + 64 * (wide + 1) > segment.length) {
      damaged("a quantization table is cut off");
    }
    const table = new Uint16Array(64);
    for (let index = 0; index < 64; index++) {
      table[ZIGZAG[index]!] = wide === 1 ? (segment[at]! << 8) | segment[at + 1]! : segment[at]!;
      at += wide + 1;
    }
    state.quantization[number] = table;
  }
}

function readHuffman(segment: Uint8Array, state: JpegState): void {
  for (let at = 0; at < segment.length;) {
    const kind = segment[at]! >> 4;
    const number = segment[at]! & 15;
    const counts = segment.subarray(at + 1, at + 17);
    const total = counts.reduce((sum, count) => sum + count, 0);
    at += 17;
    if (kind > 1 || number > 3 || counts.length < 16 || at + total > segment.length) {
      damaged("a Huffman table is cut off");
    }
    (kind === 0 ? state.dc : state.ac)[number] = huffmanTable(
      counts,
      segment.slice(at, at + total),
    );
    at += total;
  }
}

function readScan(segment: Uint8Array, dataStart: number, { frame }: JpegState): JpegScan {
  if (frame === null) return damaged("a scan comes before the frame");
  const count = segment[0] ?? 0;
  if (count < 1 || count > 4 || segment.length < 4 + 2 * count) damaged("a scan header is cut off");
  const components = Array.from({ length: count }, (_, index) => {
    const [id = 0, tables = 0] = segment.subarray(1 + 2 * index);
    const position = frame.components.findIndex((component) => component.id === id);
    if (position < 0) damaged("a scan names a component that the frame does not have");
    return { position, dc: tables >> 4, ac: tables & 15 };
  });
  if (new Set(components.map(({ position }) => position)).size !== count) {
    damaged("a scan names a component twice");
  }
  const [start = 0, end = 0, approximation = 0] = segment.subarray(1 + 2 * count);
  if (!frame.progressive) {
    return { components, spectralStart: 0, spectralEnd: 63, high: 0, low: 0, dataStart };
  }
  const high = approximation >> 4;
  const low = approximation & 15;
  if (
    start > end || end > 63 || low > 13 || (start === 0 && end !== 0) ||
    (start > 0 && count !== 1) || (high !== 0 && high !== low + 1)
  ) damaged("a scan has impossible parameters");
  return { components, spectralStart: start, spectralEnd: end, high, low, dataStart };
}

function startsWith(segment: Uint8Array, text: string): boolean {
  return [...text].every((letter, index) => segment[index] === letter.charCodeAt(0));
}

function damaged(what: string): never {
  throw new RasterFault(`JPEG data is damaged (${what})`);
}
