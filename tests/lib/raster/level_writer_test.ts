import assert from "node:assert/strict";
import fc from "fast-check";
import { CODECS } from "../../../lib/raster/encode/compress.ts";
import { createDownsample } from "../../../lib/raster/encode/downsample.ts";
import { bandRows, LevelWriter } from "../../../lib/raster/encode/level_writer.ts";
import { createScratch, createSpool } from "../../../lib/files/mod.ts";
import { ndarray } from "swath";

/** Bytes of a raster and its overview, as they are written in pieces of some rows. */
async function written(
  interleave: "pixel" | "band",
  { width, height, blockSize }: Readonly<Record<"width" | "height" | "blockSize", number>>,
  pieces: readonly number[],
): Promise<unknown> {
  const codec = CODECS.none;
  const format = { dtype: "uint8", bands: 2, interleave, predictor: 1, codec } as const;
  const target = await Deno.makeTempFile();
  const spools = [await createSpool(target), await createSpool(target)] as const;
  const scratch = await createScratch(target);
  try {
    const half = { width: Math.ceil(width / 2), height: Math.ceil(height / 2) };
    const overview = new LevelWriter(
      half,
      blockSize,
      format,
      spools[1],
      { scratch, start: 0 },
      null,
    );
    const downsample = createDownsample("mode", "uint8", 255);
    const next = { level: overview, downsample };
    const waiting = { scratch, start: overview.waitingEnd };
    const full = new LevelWriter({ width, height }, blockSize, format, spools[0], waiting, next);
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
    for (const file of [...spools, scratch]) file.close();
    await Deno.remove(target);
  }
}

Deno.test("rows that wait give the same blocks as rows that come at once", async () => {
  const size = fc.record({
    width: fc.integer({ min: 1, max: 300 }),
    height: fc.integer({ min: 1, max: 400 }),
    blockSize: fc.constantFrom(16, 64, 80, 144),
  });
  const pieces = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(size, pieces, fc.constantFrom("pixel", "band"), async (size, pieces, kind) => {
      const plain = await written(kind, size, [size.height]);
      assert.deepEqual(await written(kind, size, pieces), plain);
    }),
    { numRuns: 60 },
  );
});
