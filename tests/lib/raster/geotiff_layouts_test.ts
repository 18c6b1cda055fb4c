/** Every layout, byte order, codec and sample width gives the pixels that were put in. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type DataType, TYPED_ARRAY_CONSTRUCTORS } from "swath";
import { type Codec, makeTiff, type TiffSpec } from "./make_tiff.ts";
import { readWhole, withRaster } from "./support.ts";

interface Kind {
  readonly bits: number;
  readonly sampleFormat: 1 | 2 | 3;
  readonly dtype: DataType;
}

const WORDS: readonly Kind[] = [
  { bits: 8, sampleFormat: 1, dtype: "uint8" },
  { bits: 8, sampleFormat: 2, dtype: "int8" },
  { bits: 16, sampleFormat: 1, dtype: "uint16" },
  { bits: 16, sampleFormat: 2, dtype: "int16" },
  { bits: 32, sampleFormat: 1, dtype: "uint32" },
  { bits: 32, sampleFormat: 2, dtype: "int32" },
  { bits: 64, sampleFormat: 1, dtype: "uint64" },
  { bits: 64, sampleFormat: 2, dtype: "int64" },
  { bits: 32, sampleFormat: 3, dtype: "float32" },
  { bits: 64, sampleFormat: 3, dtype: "float64" },
];
const PACKED: readonly Kind[] = [1, 2, 3, 4, 5, 7, 10, 12, 14, 20, 24, 31].map((bits) => ({
  bits,
  sampleFormat: 1,
  dtype: bits < 8 ? "uint8" : bits <= 16 ? "uint16" : "uint32",
}));
const CODEC_NAMES: readonly Codec[] = ["none", "deflate", "lzw", "packbits", "zstd"];

/** Numbers of so many bits that look like an image: neighbours are near each other. */
function patternedSamples(count: number, bits: number, seed: number): bigint[] {
  const mask = (1n << BigInt(bits)) - 1n;
  let state = BigInt(seed) | 1n;
  let value = 0n;
  return Array.from({ length: count }, () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    const jump = state >> 60n === 0n ? state >> 3n : (state >> 50n) & 7n;
    value = (value + jump) & mask;
    return value;
  });
}

/** Samples as elements of a type, shape (bands, height, width). */
function elementsOf(samples: readonly bigint[], kind: Kind) {
  const size = TYPED_ARRAY_CONSTRUCTORS[kind.dtype].BYTES_PER_ELEMENT;
  const view = new DataView(new ArrayBuffer(size * samples.length));
  for (const [index, sample] of samples.entries()) {
    for (let byte = 0; byte < size; byte++) {
      view.setUint8(index * size + byte, Number((sample >> BigInt(8 * byte)) & 0xffn));
    }
  }
  return new TYPED_ARRAY_CONSTRUCTORS[kind.dtype](view.buffer);
}

async function checkRead(kind: Kind, spec: Omit<TiffSpec, "samples" | "bits">, file: {
  readonly littleEndian: boolean;
  readonly big: boolean;
}, seed: number): Promise<void> {
  const count = spec.width * spec.height * spec.bands;
  const samples = patternedSamples(count, kind.bits, seed);
  const bytes = makeTiff(
    { ...spec, bits: kind.bits, sampleFormat: kind.sampleFormat, samples },
    file,
  );
  await withRaster(bytes, async (raster) => {
    assert.equal(raster.info.dtype, kind.dtype);
    const { image } = await readWhole(raster);
    assert.deepEqual(image.shape, [spec.bands, spec.height, spec.width]);
    // Bits are compared, so that NaNs count.
    assert.deepEqual(
      new Uint8Array(image.data.buffer),
      new Uint8Array(elementsOf(samples, kind).buffer),
    );
  });
}

for (const codec of CODEC_NAMES) {
  Deno.test(`any layout of words with ${codec} reads as written`, () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          kind: fc.constantFrom(...WORDS),
          width: fc.integer({ min: 1, max: 40 }),
          height: fc.integer({ min: 1, max: 40 }),
          bands: fc.integer({ min: 1, max: 4 }),
          tile: fc.option(
            fc.constantFrom<[number, number]>([16, 16], [32, 16], [16, 32], [64, 64]),
          ),
          rowsPerStrip: fc.integer({ min: 1, max: 50 }),
          planar: fc.boolean(),
          predictor: fc.constantFrom(1, 2, 3),
          littleEndian: fc.boolean(),
          big: fc.boolean(),
          seed: fc.integer({ min: 0 }),
        }),
        async ({ kind, tile, rowsPerStrip, predictor, littleEndian, big, seed, ...size }) => {
          const fitting = predictor === 3 && kind.sampleFormat !== 3 ? 2 : predictor;
          await checkRead(
            kind,
            {
              ...size,
              ...(tile === null ? { rowsPerStrip } : { tile }),
              codec,
              // Only these codecs predict.
              ...(codec === "none" || codec === "packbits"
                ? {}
                : { predictor: fitting as 1 | 2 | 3 }),
            },
            { littleEndian, big },
            seed,
          );
        },
      ),
      { numRuns: 60 },
    ));
}

Deno.test("samples of odd widths are widened to the next type", async () => {
  for (const kind of PACKED) {
    for (const planar of [false, true]) {
      const spec = { width: 13, height: 5, bands: 3, planar, rowsPerStrip: 2 };
      await checkRead(kind, spec, { littleEndian: true, big: false }, kind.bits);
      await checkRead(kind, { ...spec, codec: "deflate" }, { littleEndian: false, big: false }, 7);
    }
  }
});

Deno.test("half precision reads as the equal single precision", async () => {
  const samples = Array.from({ length: 65536 }, (_, bits) => bits);
  const half = new Float16Array(Uint16Array.from(samples).buffer);
  for (const predictor of [1, 2, 3] as const) {
    for (const littleEndian of [true, false]) {
      const bytes = makeTiff({
        width: 256,
        height: 256,
        bands: 1,
        bits: 16,
        sampleFormat: 3,
        samples,
        codec: "deflate",
        predictor,
      }, { littleEndian });
      await withRaster(bytes, async (raster) => {
        assert.equal(raster.info.dtype, "float32");
        const { image } = await readWhole(raster);
        // One by one, as NaNs of different bits are the same number.
        assert.ok([...half].every((number, index) => Object.is(image.data[index], number)));
      });
    }
  }
});

Deno.test("a window is that part of the whole, and nothing outside", () =>
  fc.assert(
    fc.asyncProperty(
      fc.record({
        x: fc.integer({ min: -20, max: 60 }),
        y: fc.integer({ min: -20, max: 60 }),
        width: fc.integer({ min: 1, max: 70 }),
        height: fc.integer({ min: 1, max: 70 }),
      }),
      fc.subarray([0, 1, 2], { minLength: 1 }),
      fc.boolean(),
      fc.boolean(),
      async (window, bands, planar, tiled) => {
        const [width, height] = [45, 37];
        const samples = patternedSamples(width * height * 3, 16, 5);
        const bytes = makeTiff({
          width,
          height,
          bands: 3,
          bits: 16,
          samples,
          planar,
          codec: "deflate",
          ...(tiled ? { tile: [16, 16] as const } : { rowsPerStrip: 5 }),
        });
        await withRaster(bytes, async (raster) => {
          const wanted = bands.toReversed();
          const { image, valid } = await raster.read(window, wanted);
          assert.deepEqual(image.shape, [wanted.length, window.height, window.width]);
          for (let row = 0; row < window.height; row++) {
            for (let column = 0; column < window.width; column++) {
              const x = window.x + column;
              const y = window.y + row;
              const inside = x >= 0 && y >= 0 && x < width && y < height;
              const pixel = row * window.width + column;
              assert.equal(valid.data[pixel], inside ? 1 : 0);
              for (const [index, band] of wanted.entries()) {
                const value = image.data[index * window.height * window.width + pixel];
                const expected = inside ? samples[(band * height + y) * width + x]! : 0n;
                assert.equal(value, Number(expected));
              }
            }
          }
        });
      },
    ),
    { numRuns: 60 },
  ));

Deno.test("an uncompressed image in one strip is read in stretches", async () => {
  const [width, height, bands] = [700, 900, 2];
  const samples = patternedSamples(width * height * bands, 16, 3).map(Number);
  for (const planar of [false, true]) {
    const bytes = makeTiff({ width, height, bands, bits: 16, samples, planar });
    await withRaster(bytes, async (raster) => {
      assert.ok(raster.info.block.height < height);
      const before = raster.traffic.bytes;
      const { image } = await raster.read({ x: 3, y: 880, width: 5, height: 20 }, [1]);
      assert.ok(raster.traffic.bytes - before < bytes.length / 2, "only the end of it was read");
      assert.equal(image.data[5], samples[(height + 881) * width + 3]);
    });
  }
});

Deno.test("tiles of a row are decoded once when windows come row by row", async () => {
  const [width, height] = [256, 256];
  const samples = patternedSamples(width * height, 8, 3);
  const bytes = makeTiff({
    width,
    height,
    bands: 1,
    bits: 8,
    samples,
    codec: "deflate",
    tile: [64, 64],
  });
  await withRaster(bytes, async (raster) => {
    await raster.read({ x: 0, y: 0, width: 1, height: 1 });
    const before = raster.traffic.bytes;
    for (let y = 0; y < height; y += 48) {
      for (let x = 0; x < width; x += 48) await raster.read({ x, y, width: 48, height: 48 });
    }
    assert.ok(raster.traffic.bytes - before <= bytes.length, "no block was read twice");
  });
});
