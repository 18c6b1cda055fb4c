/**
 * The order of a Cloud-Optimized GeoTIFF: header, GDAL's structural metadata, directories from the
 * full resolution to the smallest, then blocks from the smallest resolution to the full one.
 *
 * See the "Cloud Optimized GeoTIFF" page of GDAL's GTiff and COG drivers.
 *
 * @module
 */
import { TAG } from "../geotiff_tags.ts";
import type { LevelWriter } from "./level_writer.ts";
import {
  alignWord,
  BIG,
  CLASSIC,
  directorySize,
  encodeDirectory,
  encodeHeader,
  field,
  type TiffField,
  type TiffFlavour,
} from "./tiff_fields.ts";

/** Largest file that 32-bit offsets reach all of. */
const CLASSIC_LIMIT = 2 ** 32 - 1;

/** Resolutions with the fields of their directories, without those that say where blocks lie. */
export interface CogLevel {
  /** The finished resolution. */
  readonly level: LevelWriter;
  /** Fields of its directory. */
  readonly fields: readonly TiffField[];
}

/**
 * Everything that comes before the blocks.
 *
 * @param levels From the full resolution to the smallest; their blocks follow in the opposite order,
 * each level's spool as it is.
 * @param interleave Whether blocks hold all bands: only then do they lie in the order of their numbers.
 * @param limit Size from which the file is BigTIFF; where left out, where classic TIFF ends.
 */
export function cogPreamble(
  levels: readonly CogLevel[],
  interleave: "pixel" | "band",
  limit: number = CLASSIC_LIMIT,
): Uint8Array {
  const dataBytes = levels.reduce((sum, { level }) => sum + level.spool.length, 0);
  const classic = preambleLayout(CLASSIC, levels, interleave);
  const { flavour, ghost, directories, dataStart } = classic.dataStart + dataBytes <= limit
    ? classic
    : preambleLayout(BIG, levels, interleave);

  const bytes = new Uint8Array(dataStart);
  bytes.set(encodeHeader(flavour, directories[0]!));
  bytes.set(ghost, flavour.header);
  let spoolStart = dataStart;
  for (let index = levels.length - 1; index >= 0; index--) {
    const { level, fields } = levels[index]!;
    const position = directories[index]!;
    const all = [...fields, ...blockFields(flavour, level, spoolStart)];
    bytes.set(encodeDirectory(flavour, all, position, directories[index + 1] ?? 0), position);
    spoolStart += level.spool.length;
  }
  return bytes;
}

function preambleLayout(
  flavour: TiffFlavour,
  levels: readonly CogLevel[],
  interleave: "pixel" | "band",
) {
  const ghost = structuralMetadata(interleave);
  let position = alignWord(flavour.header + ghost.length);
  const directories = levels.map(({ level, fields }) => {
    const start = position;
    position += directorySize(flavour, [...fields, ...blockFields(flavour, level, 0)]);
    return start;
  });
  return { flavour, ghost, directories, dataStart: position };
}

function blockFields(flavour: TiffFlavour, level: LevelWriter, spoolStart: number): TiffField[] {
  const offsets = Float64Array.from(level.blocks, ({ offset }) => spoolStart + offset);
  const lengths = Uint32Array.from(level.blocks, ({ length }) => length);
  return [
    field(TAG.tileWidth, "short", level.blockWidth),
    field(TAG.tileLength, "short", level.blockHeight),
    { tag: TAG.tileOffsets, type: flavour === BIG ? "long8" : "long", values: offsets },
    { tag: TAG.tileByteCounts, type: "long", values: lengths },
  ];
}

/** What tells GDAL that it may read blocks without looking up their sizes. */
function structuralMetadata(interleave: "pixel" | "band"): Uint8Array {
  const order = interleave === "pixel" ? "BLOCK_ORDER=ROW_MAJOR\n" : "";
  const lines = `LAYOUT=IFDS_BEFORE_DATA\n${order}BLOCK_LEADER=SIZE_AS_UINT4\n` +
    // The final space leaves room for a YES where another program changes the file.
    "BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n ";
  const size = String(lines.length).padStart(6, "0");
  return new TextEncoder().encode(`GDAL_STRUCTURAL_METADATA_SIZE=${size} bytes\n${lines}`);
}
