/** LERC blocks as GDAL writes them, and damaged ones. */
import assert from "node:assert/strict";
import { InputError } from "swath";
import type { BlockFormat } from "../../../lib/raster/decode/block.ts";
import { DecodePool } from "../../../lib/raster/decode/decode_pool.ts";
import { decodeLerc, type LercFormat } from "../../../lib/raster/decode/lerc.ts";
import { RasterFault } from "../../../lib/raster/read_fault.ts";
import { LERC_FILES, LERC_SIZE, lercValue } from "./lerc_files.ts";
import { readWhole, withRaster } from "./support.ts";

type Name = keyof typeof LERC_FILES;

/** What a file says and holds, compared with what it was made of. */
async function assertPixels(
  name: Name,
  format: string,
  dtype: string,
  bands: number,
  expected: (band: number, row: number, column: number) => number,
): Promise<void> {
  await withRaster(LERC_FILES[name], async (raster) => {
    assert.equal(raster.info.format, format);
    const { image, valid } = await readWhole(raster);
    const { width, height } = LERC_SIZE;
    assert.deepEqual([image.dtype, ...image.shape], [dtype, bands, height, width]);
    const values: number[] = [];
    for (let band = 0; band < bands; band++) {
      for (let row = 0; row < height; row++) {
        for (let column = 0; column < width; column++) values.push(expected(band, row, column));
      }
    }
    assert.deepEqual([...image.data].map(Number), values);
    const pixels = width * height;
    const alpha = name === "alpha" ? values.slice(3 * pixels) : null;
    const known = Array.from(
      { length: pixels },
      (_, pixel) =>
        Number(
          alpha === null
            ? !values.some((value, index) => index % pixels === pixel && Number.isNaN(value))
            : alpha[pixel] !== 0,
        ),
    );
    assert.deepEqual([...valid.data], known);
  });
}

Deno.test("LERC is read as it was written", async () => {
  await assertPixels(
    "int16",
    "TIFF, strips of 5 rows, LERC",
    "int16",
    1,
    (...at) => lercValue(...at) - 25,
  );
  await assertPixels(
    "planar",
    "TIFF, tiled 16x16, LERC, then ZSTD, band by band",
    "uint16",
    2,
    (...at) => lercValue(...at) * 100,
  );
});

Deno.test("what LERC leaves out is NaN, or an alpha of 0", async () => {
  await assertPixels(
    "alpha",
    "TIFF, strips of 13 rows, LERC, then deflate, pixel by pixel",
    "uint8",
    4,
    (band, row, column) => {
      const transparent = lercValue(0, row, column) < 10;
      if (band === 3) return transparent ? 0 : 255;
      // Colours that cannot be seen are not stored.
      return transparent ? 0 : lercValue(band, row, column);
    },
  );
  await assertPixels(
    "masks",
    "TIFF, strips of 13 rows, LERC, pixel by pixel",
    "float32",
    2,
    (band, row, column) => {
      const value = lercValue(band, row, column) / 4;
      return band === 0 && value > 10 ? NaN : value;
    },
  );
  await assertPixels(
    "mask",
    "TIFF, strips of 5 rows, LERC, then deflate, pixel by pixel",
    "float64",
    2,
    (band, row, column) => row < 5 ? NaN : lercValue(band, row, column) / 3,
  );
});

/** The first blob of a file. */
function blobOf(name: Name): Uint8Array<ArrayBuffer> {
  const start = new TextDecoder("latin1").decode(LERC_FILES[name]).indexOf("Lerc2 ");
  return LERC_FILES[name].slice(start);
}

const INT16: LercFormat = { dtype: "int16", addition: "none", alphaMayBeMask: false };
const STRIP = { width: LERC_SIZE.width, rows: 5, samples: 1 };

/** Fields of a header of version 4 and up, by their first byte. */
const FIELD = { version: 6, rows: 14, columns: 18, depth: 22, validPixels: 26, size: 34, type: 38 };

async function fault(bytes: Uint8Array<ArrayBuffer>, format = INT16): Promise<string> {
  try {
    await decodeLerc(format, bytes, STRIP);
  } catch (error) {
    assert.ok(error instanceof RasterFault, String(error));
    return error.message;
  }
  return "it was read";
}

Deno.test("claims of LERC are compared with the block before anything is decoded", async () => {
  const blob = blobOf("int16");
  assert.equal(await fault(blob), "it was read");
  const claim = (field: keyof typeof FIELD, value: number) => {
    const copy = blob.slice();
    new DataView(copy.buffer).setInt32(FIELD[field], value, true);
    return fault(copy);
  };
  assert.equal(
    await claim("rows", 2 ** 31 - 1),
    "its LERC data has 21x2147483647 pixels, but the block has 21x5",
  );
  assert.equal(await claim("columns", 20), "its LERC data has 20x5 pixels, but the block has 21x5");
  assert.equal(
    await claim("depth", 2 ** 30),
    "its LERC data has 1073741824 values for each pixel, but blocks have 1",
  );
  assert.equal(await claim("type", 7), "its LERC data is float64, but the image is int16");
  assert.equal(await claim("type", 99), "its LERC data is of type 99, but the image is int16");
  assert.equal(
    await claim("validPixels", 106),
    "LERC data is damaged (106 of 105 pixels are to have values)",
  );
  assert.equal(
    await claim("validPixels", 104),
    "unsupported: LERC data of integers that leaves pixels out",
  );
  assert.match(await claim("size", 2 ** 31 - 1), /^LERC data ends early, after \d+ of 2147483647/);
  assert.match(await claim("size", -1), /^LERC data ends early/);
  assert.equal(await claim("version", 99), "unsupported: LERC data of version 2.99");
});

Deno.test("damaged LERC data is refused", async () => {
  const whole = blobOf("int16");
  const size = new DataView(whole.buffer).getInt32(FIELD.size, true);
  const blob = whole.slice(0, size);
  for (let length = 0; length < size; length++) {
    assert.match(await fault(blob.slice(0, length)), /^LERC data (ends early|is damaged)/);
  }
  // A checksum covers what comes after it.
  for (let at = 14; at < size; at++) {
    const copy = blob.slice();
    copy[at]! ^= 0x55;
    assert.notEqual(await fault(copy), "it was read", `byte ${at}`);
  }
  assert.match(await fault(blob, { ...INT16, addition: "deflate" }), /^deflate data is damaged/);
  assert.match(await fault(blob, { ...INT16, addition: "ZSTD" }), /^ZSTD data is damaged/);
  assert.equal(
    await fault(new TextEncoder().encode("CntZImage and so on")),
    "unsupported: LERC of version 1",
  );
  assert.equal(await fault(blob), "it was read", "the decoder has to survive all of it");
});

Deno.test("workers decode LERC, and go on after a damaged block", async () => {
  const format: BlockFormat = {
    compression: 34887,
    predictor: 1,
    reverseBits: false,
    littleEndian: true,
    bits: 16,
    dtype: "int16",
    isFloat: false,
    samples: 1,
    width: STRIP.width,
    color: { kind: "none" },
    nodata: null,
    jpegTables: null,
    lerc: INT16,
  };
  const pool = DecodePool.acquire(1);
  try {
    const grid = {
      ...STRIP,
      dtype: "int16",
      planar: false,
      tiled: false,
      blockWidth: STRIP.width,
      blockHeight: STRIP.rows,
      height: STRIP.rows,
    } as const;
    const image = pool.register({ format, grid, fill: null, file: null });
    const blocks = [blobOf("int16"), blobOf("int16").fill(0, 60), blobOf("int16")]
      .map((stored) => ({ stored, rows: STRIP.rows, target: null }));
    const [first, second, third] = pool.decode(image, 3, () => Promise.resolve(blocks));
    await assert.rejects(second!, /^RasterFault: LERC data is damaged/);
    const { planes } = await first!;
    assert.deepEqual(
      [...new Int16Array(planes.buffer)],
      Array.from(
        { length: STRIP.rows * STRIP.width },
        (_, at) => lercValue(0, Math.floor(at / STRIP.width), at % STRIP.width) - 25,
      ),
    );
    assert.deepEqual((await third!).planes, planes);
  } finally {
    pool.release();
  }
});

Deno.test("the compression of LERC data must be known", () => {
  const copy = LERC_FILES.alpha.slice();
  const view = new DataView(copy.buffer);
  const directory = view.getUint32(4, true);
  for (let entry = 0; entry < view.getUint16(directory, true); entry++) {
    const at = directory + 2 + 12 * entry;
    if (view.getUint16(at, true) === 50674) {
      view.setUint32(view.getUint32(at + 8, true) + 4, 9, true);
    }
  }
  return assert.rejects(
    withRaster(copy, readWhole),
    (error) =>
      error instanceof InputError &&
      error.message.endsWith("unsupported: additional compression 9 of LERC"),
  );
});
