/**
 * Large TIFFs for benchmarks, made in a moment: their tables point to the blocks of a small one over and
 * over, so that a scene of gigabytes is a file of megabytes. Whoever reads them decodes as much as if
 * every block were its own.
 */

const TAG = {
  imageWidth: 256,
  imageLength: 257,
  tileWidth: 322,
  tileLength: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  planarConfiguration: 284,
  samplesPerPixel: 277,
} as const;
const LONG = 4;

interface Entry {
  readonly tag: number;
  type: number;
  count: number;
  /** The value where it fits, or where it lies. */
  value: number;
}

/** Bytes of the types that tables of blocks have: SHORT, LONG, LONG8. */
const SIZES: Readonly<Record<number, number>> = { 3: 2, 4: 4, 16: 8 };

/**
 * Make a larger TIFF of a small one.
 *
 * @param source A tiled little-endian TIFF, not BigTIFF, without overviews that matter.
 * @param target The file to write.
 * @param width Columns of the large one.
 * @param height Its rows.
 */
export async function enlargeTiff(
  source: string,
  target: string,
  width: number,
  height: number,
): Promise<void> {
  const bytes = await Deno.readFile(source);
  const view = new DataView(bytes.buffer);
  if (view.getUint32(0, true) !== 0x002a4949) throw new Error(`${source} is no classic TIFF`);
  const start = view.getUint32(4, true);
  const entries = Array.from({ length: view.getUint16(start, true) }, (_, index): Entry => {
    const at = start + 2 + 12 * index;
    return {
      tag: view.getUint16(at, true),
      type: view.getUint16(at + 2, true),
      count: view.getUint32(at + 4, true),
      value: view.getUint32(at + 8, true),
    };
  });
  const entry = (tag: number) => {
    const found = entries.find((each) => each.tag === tag);
    if (found === undefined) throw new Error(`${source} has no tag ${tag}`);
    return found;
  };
  const single = ({ type, value }: Entry) => type === 3 ? value & 0xffff : value;
  const list = ({ type, count, value }: Entry) => {
    const size = SIZES[type]!;
    return Array.from({ length: count }, (_, index) => {
      if (count === 1) return value;
      const at = value + index * size;
      if (size === 8) return Number(view.getBigUint64(at, true));
      return size === 2 ? view.getUint16(at, true) : view.getUint32(at, true);
    });
  };

  const tile = { width: single(entry(TAG.tileWidth)), height: single(entry(TAG.tileLength)) };
  const across = (columns: number) => Math.ceil(columns / tile.width);
  const down = (rows: number) => Math.ceil(rows / tile.height);
  const small = {
    across: across(single(entry(TAG.imageWidth))),
    down: down(single(entry(TAG.imageLength))),
  };
  const planes = single(entry(TAG.planarConfiguration)) === 2
    ? single(entry(TAG.samplesPerPixel))
    : 1;
  const numbers: number[] = [];
  for (let plane = 0; plane < planes; plane++) {
    for (let row = 0; row < down(height); row++) {
      for (let column = 0; column < across(width); column++) {
        numbers.push(
          (plane * small.down + row % small.down) * small.across + column % small.across,
        );
      }
    }
  }

  const added: Uint8Array<ArrayBuffer>[] = [];
  let end = bytes.length + bytes.length % 2;
  if (end > bytes.length) added.push(new Uint8Array(1));
  for (const tag of [TAG.tileOffsets, TAG.tileByteCounts]) {
    const own = entry(tag);
    const values = list(own);
    const table = Uint32Array.from(numbers, (number) => values[number]!);
    Object.assign(own, { type: LONG, count: table.length, value: end });
    added.push(new Uint8Array(table.buffer));
    end += table.byteLength;
  }
  Object.assign(entry(TAG.imageWidth), { type: LONG, value: width });
  Object.assign(entry(TAG.imageLength), { type: LONG, value: height });
  const directory = new DataView(new ArrayBuffer(2 + 12 * entries.length + 4));
  directory.setUint16(0, entries.length, true);
  for (const [index, { tag, type, count, value }] of entries.entries()) {
    directory.setUint16(2 + 12 * index, tag, true);
    directory.setUint16(4 + 12 * index, type, true);
    directory.setUint32(6 + 12 * index, count, true);
    directory.setUint32(10 + 12 * index, value, true);
  }
  added.push(new Uint8Array(directory.buffer));
  view.setUint32(4, end, true);
  await Deno.writeFile(target, bytes);
  for (const part of added) await Deno.writeFile(target, part, { append: true });
}
