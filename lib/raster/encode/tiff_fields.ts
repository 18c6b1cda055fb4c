/**
 * Directories of TIFF and BigTIFF as bytes.
 *
 * @module
 */

/** Field types in use; TIFF 6.0 section 2 and the BigTIFF design. */
const TYPE = { ascii: 2, short: 3, long: 4, double: 12, long8: 16 } as const;

/** Name of a field type. */
export type FieldType = keyof typeof TYPE;

const TYPE_SIZES: Readonly<Record<FieldType, number>> = {
  ascii: 1,
  short: 2,
  long: 4,
  double: 8,
  long8: 8,
};

/** One field of a directory. */
export interface TiffField {
  /** Tag number. */
  readonly tag: number;
  /** Type of the values. */
  readonly type: FieldType;
  /** The values; bytes for `ascii`. */
  readonly values: ArrayLike<number>;
}

/** A field of text, with its final NUL. */
export function asciiField(tag: number, text: string): TiffField {
  return { tag, type: "ascii", values: new TextEncoder().encode(`${text}\0`) };
}

/** A field of numbers. */
export function field(
  tag: number,
  type: Exclude<FieldType, "ascii">,
  ...values: readonly number[]
): TiffField {
  return { tag, type, values };
}

/** Sizes that differ between TIFF and BigTIFF. */
export interface TiffFlavour {
  /** Bytes of the file's header. */
  readonly header: number;
  /** Bytes of an offset, which is also how many bytes of values a field holds itself. */
  readonly offset: 4 | 8;
  /** Bytes of the number of fields. */
  readonly count: 2 | 8;
  /** Bytes of a field. */
  readonly field: 12 | 20;
}

/** TIFF 6.0: offsets of 32 bits. */
export const CLASSIC: TiffFlavour = { header: 8, offset: 4, count: 2, field: 12 };

/** BigTIFF: offsets of 64 bits. */
export const BIG: TiffFlavour = { header: 16, offset: 8, count: 8, field: 20 };

/** Bytes of a file's header that leads to the first directory. */
export function encodeHeader(flavour: TiffFlavour, firstDirectory: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(flavour.header));
  view.setUint16(0, 0x4949, true);
  if (flavour === BIG) {
    view.setUint16(2, 43, true);
    view.setUint16(4, 8, true);
    view.setBigUint64(8, BigInt(firstDirectory), true);
  } else {
    view.setUint16(2, 42, true);
    view.setUint32(4, firstDirectory, true);
  }
  return new Uint8Array(view.buffer);
}

/** Bytes that a directory takes with all of its values, padded to whole words. */
export function directorySize(flavour: TiffFlavour, fields: readonly TiffField[]): number {
  let size = flavour.count + fields.length * flavour.field + flavour.offset;
  for (const item of fields) size += outsideSize(flavour, item);
  return alignWord(size);
}

/**
 * A directory followed by the values that do not fit into its fields.
 *
 * @param flavour TIFF or BigTIFF.
 * @param fields In any order; they are written by ascending tag.
 * @param position Where the directory starts in the file.
 * @param next Position of the next directory; 0 after the last.
 */
export function encodeDirectory(
  flavour: TiffFlavour,
  fields: readonly TiffField[],
  position: number,
  next: number,
): Uint8Array {
  const view = new DataView(new ArrayBuffer(directorySize(flavour, fields)));
  const putOffset = (at: number, value: number) => {
    if (flavour === BIG) view.setBigUint64(at, BigInt(value), true);
    else view.setUint32(at, value, true);
  };
  if (flavour === BIG) view.setBigUint64(0, BigInt(fields.length), true);
  else view.setUint16(0, fields.length, true);
  let at: number = flavour.count;
  let outside = flavour.count + fields.length * flavour.field + flavour.offset;
  for (const item of fields.toSorted((a, b) => a.tag - b.tag)) {
    view.setUint16(at, item.tag, true);
    view.setUint16(at + 2, TYPE[item.type], true);
    putOffset(at + 4, item.values.length);
    const values = at + 4 + flavour.offset;
    const size = outsideSize(flavour, item);
    if (size === 0) putValues(view, values, item);
    else {
      putOffset(values, position + outside);
      putValues(view, outside, item);
      outside += size;
    }
    at += flavour.field;
  }
  putOffset(at, next);
  return new Uint8Array(view.buffer);
}

/** Values begin on words. */
function outsideSize(flavour: TiffFlavour, { type, values }: TiffField): number {
  const size = values.length * TYPE_SIZES[type];
  return size <= flavour.offset ? 0 : alignWord(size);
}

/** The next even position. */
export function alignWord(position: number): number {
  return position + (position % 2);
}

function putValues(view: DataView, start: number, { type, values }: TiffField): void {
  for (let index = 0; index < values.length; index++) {
    const at = start + index * TYPE_SIZES[type];
    const value = values[index]!;
    if (type === "ascii") view.setUint8(at, value);
    else if (type === "short") view.setUint16(at, value, true);
    else if (type === "long") view.setUint32(at, value, true);
    else if (type === "double") view.setFloat64(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
  }
}
