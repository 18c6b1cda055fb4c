/**
 * The attributes of a shapefile: a dBASE table.
 *
 * @module
 */
import type { RandomAccessFile } from "../files/mod.ts";
import { type FieldInfo, type FieldValue, VectorFault } from "./feature.ts";

const HEADER_BYTES = 32;
const FIELD_BYTES = 32;
const END_OF_FIELDS = 0x0d;

/** Language drivers of a table's header (byte 29) that name another encoding than Latin. */
const DRIVERS: Readonly<Record<number, string>> = {
  0x57: "windows-1252",
  0x03: "windows-1252",
  0xc8: "windows-1250",
  0xc9: "windows-1251",
  0xca: "windows-1254",
  0xcb: "windows-1253",
  0x65: "ibm866",
  0x26: "ibm866",
  0x13: "shift_jis",
  0x7b: "shift_jis",
  0x4d: "gbk",
  0x7a: "gbk",
  0x4f: "big5",
  0x78: "big5",
  0x4e: "euc-kr",
  0x79: "euc-kr",
  0x7c: "windows-874",
  0x7d: "windows-1255",
  0x7e: "windows-1256",
};

interface DbfField {
  readonly name: string;
  readonly kind: string;
  readonly start: number;
  readonly length: number;
  readonly decimals: number;
}

/** A table. */
export interface DbfTable {
  /** Its columns. */
  readonly fields: readonly FieldInfo[];
  /** Its rows. */
  readonly count: number;
  /** The values of a row, from 0; null where the row is marked as deleted. */
  row(index: number): Record<string, FieldValue> | null;
}

/**
 * Open a table.
 *
 * @param file The file.
 * @param codePage Text of the `.cpg` file beside it; null where there is none.
 * @throws {VectorFault} If it is damaged.
 */
export function openDbf(file: RandomAccessFile, codePage: string | null): DbfTable {
  const fault = (problem: string) => new VectorFault(`its attributes (.dbf) ${problem}`);
  if (file.size < HEADER_BYTES + 1) throw fault("are cut off");
  const head = new DataView(file.read(0, HEADER_BYTES).buffer);
  const [count, headerBytes, rowBytes] = [
    head.getUint32(4, true),
    head.getUint16(8, true),
    head.getUint16(10, true),
  ];
  if (headerBytes < HEADER_BYTES + 1 || headerBytes > file.size || rowBytes < 1) {
    throw fault(`are damaged: the header takes ${headerBytes} bytes, a row ${rowBytes}`);
  }
  if (headerBytes + count * rowBytes > file.size) {
    throw fault(`are cut off: ${count} rows of ${rowBytes} bytes do not fit`);
  }
  const decoder = decoderOf(codePage, head.getUint8(29), fault);
  const fields: DbfField[] = [];
  const descriptors = file.read(HEADER_BYTES, headerBytes - HEADER_BYTES);
  let start = 1;
  for (let at = 0; at + FIELD_BYTES <= descriptors.length; at += FIELD_BYTES) {
    if (descriptors[at] === END_OF_FIELDS) break;
    const name = descriptors.subarray(at, at + 11);
    const end = name.indexOf(0);
    const length = descriptors[at + 16]!;
    fields.push({
      name: decoder.decode(end < 0 ? name : name.subarray(0, end)).trim(),
      kind: String.fromCharCode(descriptors[at + 11]!),
      start,
      length,
      decimals: descriptors[at + 17]!,
    });
    start += length;
  }
  if (start > rowBytes) throw fault(`are damaged: the columns take ${start} of ${rowBytes} bytes`);
  return {
    fields: fields.map(({ name, kind, decimals }) => ({ name, type: fieldType(kind, decimals) })),
    count,
    row(index) {
      const row = file.read(headerBytes + index * rowBytes, rowBytes);
      if (row[0] === 0x2a) return null;
      return Object.fromEntries(fields.map((field) => {
        const bytes = row.subarray(field.start, field.start + field.length);
        return [field.name, fieldValue(decoder.decode(bytes), field.kind)];
      }));
    },
  };
}

/** The encoding of the text, by the `.cpg` file, then by the language driver, then Latin as in GDAL. */
function decoderOf(
  codePage: string | null,
  driver: number,
  fault: (problem: string) => VectorFault,
): TextDecoder {
  const label = codePage === null
    ? DRIVERS[driver] ?? "iso-8859-1"
    : encodingLabel(codePage.trim());
  try {
    return new TextDecoder(label);
  } catch (cause) {
    throw Object.assign(
      fault(`are in the encoding ${JSON.stringify(codePage)}, which is not known`),
      { cause },
    );
  }
}

/** What the many writers of `.cpg` mean. */
function encodingLabel(text: string): string {
  const number = /^(?:ANSI |OEM |CP|MS|WINDOWS[- ]?)?(\d{3,5})$/i.exec(text)?.[1];
  if (number === "65001") return "utf-8";
  if (number === "936") return "gbk";
  if (number === "932") return "shift_jis";
  if (number === "949") return "euc-kr";
  if (number === "950") return "big5";
  if (number === "866") return "ibm866";
  if (/^88591\d?$/.test(number ?? "")) return `iso-8859-${number!.slice(4)}`;
  if (number !== undefined) return `windows-${number}`;
  const iso = /^ISO[- _]?8859[- _]?(\d{1,2})$/i.exec(text)?.[1];
  if (iso !== undefined) return `iso-8859-${iso}`;
  return /^UTF[- _]?8$/i.test(text) ? "utf-8" : text;
}

function fieldType(kind: string, decimals: number): FieldInfo["type"] {
  if (kind === "L") return "boolean";
  if (kind === "N") return decimals === 0 ? "integer" : "real";
  return kind === "F" ? "real" : "string";
}

function fieldValue(text: string, kind: string): FieldValue {
  const trimmed = text.replaceAll("\0", " ").trim();
  switch (kind) {
    case "N":
    case "F": {
      // Asterisks fill fields that are too narrow for their number.
      const number = trimmed === "" || trimmed.startsWith("*") ? NaN : Number(trimmed);
      return Number.isNaN(number) ? null : number;
    }
    case "L":
      if (/^[yt]/i.test(trimmed)) return true;
      return /^[nf]/i.test(trimmed) ? false : null;
    case "D":
      return /^\d{8}$/.test(trimmed) && trimmed !== "00000000"
        ? `${trimmed.slice(0, 4)}-${trimmed.slice(4, 6)}-${trimmed.slice(6)}`
        : null;
    default:
      return trimmed === "" ? null : trimmed;
  }
}
