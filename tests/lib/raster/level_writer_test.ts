import assert from "node:assert/strict";
import fc from "fast-check";
import { CODECS } from "../../../lib/raster/encode/compress.ts";
import { createDownsample } from "../../../lib/raster/encode/downsample.ts";
import { bandRows, LevelWriter } from "../../../lib/raster/encode/level_writer.ts";
import { encodePackbits } from "../../../lib/raster/encode/packbits.ts";
import { createSpool } from "../../../lib/raster/encode/spool.ts";
import { decodePackbits } from "../../../lib/raster/decode/packbits.ts";
import { ndarray } from "swath";

const BYTES = fc.array(
  fc.tuple(fc.integer({ min: 0, max: 255 }), fc.oneof(fc.constant(1), fc.nat(400))),
  { maxLength: 40 },
).map((runs) => Uint8Array.from(runs.flatMap(([value, count]) => Array(count).fill(value))));

Deno.test("packbits: what is encoded is decoded", () => {
  fc.assert(fc.property(BYTES, (bytes) => {
    const code = encodePackbits(bytes);
    assert.deepEqual(decodePackbits(code, bytes.length), bytes);
    assert(code.length <= bytes.length + Math.ceil(bytes.length / 128));
  }));
});

/** Bytes of a raster and its overview, as they are written in pieces of some rows. */
async function written(
  packs: boolean,
  interleave: "pixel" | "band",
  { width, height, blockSize }: Readonly<Record<"width" | "height" | "blockSize", number>>,
  pieces: readonly number[],
): Promise<unknown> {
  const codec = CODECS.none;
  const format = { dtype: "uint8", bands: 2, interleave, predictor: 1, codec, packs } as const;
  const target = await Deno.makeTempFile();
  const spools = [await createSpool(target), await createSpool(target)] as const;
  try {
    const half = { width: Math.ceil(width / 2), height: Math.ceil(height / 2) };
    const overview = new LevelWriter(half, blockSize, format, spools[1], null);
    const downsample = createDownsample("mode", "uint8", 255);
    const next = { level: overview, downsample };
    const full = new LevelWriter({ width, height }, blockSize, format, spools[0], next);
    for (let y = 0, piece = 0; y < height; piece++) {
      const count = Math.min(height - y, pieces[piece % pieces.length]!);
      const rows = ndarray("uint8", [2, count, width]);
      for (let i = 0; i < rows.data.length; i++) {
        const [band, row, x] = [
          Math.floor(i / count / width),
          Math.floor(i / width) % count,
          i % width,
        ];
        rows.data[i] = (((y + row) * 7 + x * (band + 1)) >> 4) % 9;
      }
      await full.append(bandRows(rows));
      y += count;
    }
    const bytes = [];
    for (const spool of spools) {
      for await (const part of spool.read()) bytes.push(part.slice());
    }
    return { bytes, blocks: [full.blocks, overview.blocks] };
  } finally {
    for (const spool of spools) spool.close();
    await Deno.remove(target);
  }
}

Deno.test("rows that wait packed give the same blocks, however they come in", async () => {
  const size = fc.record({
    width: fc.integer({ min: 1, max: 300 }),
    height: fc.integer({ min: 1, max: 400 }),
    blockSize: fc.constantFrom(16, 64, 80, 144),
  });
  const pieces = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(size, pieces, fc.constantFrom("pixel", "band"), async (size, pieces, kind) => {
      const plain = await written(false, kind, size, [size.height]);
      assert.deepEqual(await written(true, kind, size, pieces), plain);
    }),
    { numRuns: 60 },
  );
});
