/**
 * A BigTIFF without the 4 GiB that make the writer choose it: put together from the writer's parts.
 */
import type { NdArray } from "../../../lib/array/mod.ts";
import { cogPreamble } from "../../../lib/raster/encode/cog_layout.ts";
import { CODECS } from "../../../lib/raster/encode/compress.ts";
import { createDownsample } from "../../../lib/raster/encode/downsample.ts";
import { bandRows, LevelWriter } from "../../../lib/raster/encode/level_writer.ts";
import { createScratch, createSpool } from "../../../lib/files/mod.ts";
import { field } from "../../../lib/raster/encode/tiff_fields.ts";

const BLOCK_SIZE = 16;

/** Write bytes (1, H, W) as a BigTIFF with one overview of modes. */
export async function writeSmallBigTiff(path: string, pixels: NdArray<"uint8">): Promise<void> {
  const [, height, width] = pixels.shape as [number, number, number];
  const codec = CODECS.deflate;
  const format = {
    dtype: "uint8",
    bands: 1,
    interleave: "pixel",
    predictor: 1,
    codec,
  } as const;
  const half = { width: Math.ceil(width / 2), height: Math.ceil(height / 2) };
  const spools = [await createSpool(path), await createSpool(path)] as const;
  const scratch = await createScratch(path);
  const waiting = (start: number) => ({ scratch, start });
  const overview = new LevelWriter(half, BLOCK_SIZE, format, spools[1], waiting(0), null);
  const next = { level: overview, downsample: createDownsample("mode", "uint8", null) };
  const full = new LevelWriter(
    { width, height },
    BLOCK_SIZE,
    format,
    spools[0],
    waiting(overview.waitingEnd),
    next,
  );
  await full.append(bandRows(pixels));
  scratch.close();
  const levels = [full, overview].map((level, index) => ({
    level,
    fields: [
      field(254, "long", index),
      field(256, "long", level.width),
      field(257, "long", level.height),
      field(258, "short", 8),
      field(259, "short", codec.tag),
      field(262, "short", 1),
      field(277, "short", 1),
    ],
  }));
  const parts: BlobPart[] = [new Uint8Array(cogPreamble(levels, "pixel", 0))];
  for (const spool of spools.toReversed()) {
    for await (const bytes of spool.read()) parts.push(new Uint8Array(bytes));
    spool.close();
  }
  await Deno.writeFile(path, new Uint8Array(await new Blob(parts).arrayBuffer()));
}
