/** Large rasters, whose blocks workers decode ahead. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  bytesOf,
  createGeoTiff,
  ndarray,
  openRaster,
  type PixelWindow,
  type RasterPixels,
} from "swath";
import type { DecodeMessage } from "../../../lib/raster/decode/decode_pool.ts";
import { withFolder } from "./support.ts";

const SIZE = 8192;
const WINDOW = 1024;

/** A scene that takes 128 MiB when decoded, and next to nothing in its file; 7 is nodata. */
async function writeLarge(path: string, interleave: "pixel" | "band"): Promise<void> {
  const bands = interleave === "band" ? 2 : 1;
  using writer = await createGeoTiff(path, {
    width: SIZE,
    height: SIZE / bands,
    dtype: "uint16",
    bands: Array.from({ length: bands }, (_, i) => ({ name: `B${i}`, scale: 1, offset: 0 })),
    nodata: 7,
    georeference: { crs: null, transform: null, geoKeys: null, pixelIsPoint: false },
    classes: null,
    interleave,
    compression: "zstd",
    overviews: "none",
  });
  for (let y = 0; y < SIZE / bands; y += 512) {
    const rows = ndarray("uint16", [bands, 512, SIZE]);
    for (let row = 0; row < bands * 512; row++) {
      rows.data.fill((y + row) % 5000, row * SIZE, (row + 1) * SIZE);
      rows.data[row * SIZE + row] = row;
    }
    await writer.writeRows(rows);
  }
  await writer.finish();
  await leaveOut(path, [1, 74]);
}

/** Make a file claim that it stores nothing for some of its tiles. */
async function leaveOut(path: string, tiles: readonly number[]): Promise<void> {
  const bytes = await Deno.readFile(path);
  const view = new DataView(bytes.buffer);
  const directory = view.getUint32(4, true);
  for (let entry = 0; entry < view.getUint16(directory, true); entry++) {
    const at = directory + 2 + 12 * entry;
    // TileOffsets and TileByteCounts, as longs.
    if (![324, 325].includes(view.getUint16(at, true))) continue;
    assert.equal(view.getUint16(at + 2, true), 4);
    for (const tile of tiles) view.setUint32(view.getUint32(at + 8, true) + 4 * tile, 0, true);
  }
  await Deno.writeFile(path, bytes);
}

function windowsOf(height: number, step: number): PixelWindow[] {
  const windows: PixelWindow[] = [];
  for (let y = 0; y < height; y += step) {
    for (let x = 0; x < SIZE; x += step) windows.push({ x, y, width: WINDOW, height: WINDOW });
  }
  return windows;
}

/** The differences of such arrays would take minutes to print. */
function assertSame(found: RasterPixels, wanted: RasterPixels, what: string): void {
  for (const name of ["image", "valid"] as const) {
    assert.ok(
      Buffer.compare(bytesOf(wanted[name]), bytesOf(found[name])) === 0,
      `${name} of ${what}`,
    );
  }
}

for (const interleave of ["pixel", "band"] as const) {
  Deno.test(`workers read what one thread reads, ${interleave} by ${interleave}`, () =>
    withFolder(async (folder) => {
      const path = `${folder}/large.tif`;
      await writeLarge(path, interleave);
      for (const step of [WINDOW, 900]) {
        using alone = closing(await openRaster(path, { threads: 1 }));
        for (const announced of [false, true]) {
          using together = closing(await openRaster(path, { threads: 3 }));
          const windows = windowsOf(alone.raster.info.height, step);
          if (announced) together.raster.announce?.(windows);
          for (const [number, window] of windows.entries()) {
            const found = await together.raster.read(window);
            // The rest of each row is like its start.
            if (number % 7 !== 0) continue;
            const wanted = await alone.raster.read(window);
            assertSame(found, wanted, JSON.stringify(window));
          }
        }
      }
    }));
}

Deno.test("bands are read in the order that is asked for, also in a worker", () =>
  withFolder(async (folder) => {
    const path = `${folder}/large.tif`;
    await writeLarge(path, "band");
    using alone = closing(await openRaster(path, { threads: 1 }));
    using together = closing(await openRaster(path, { threads: 2 }));
    for (const [number, window] of windowsOf(SIZE / 2, WINDOW).entries()) {
      // Others than those that were read ahead.
      const bands = number % 5 === 4 ? [0] : [1, 0];
      const found = await together.raster.read(window, bands);
      const wanted = await alone.raster.read(window, bands);
      assert.deepEqual(found.image.shape, [bands.length, WINDOW, WINDOW]);
      assertSame(found, wanted, JSON.stringify(window));
    }
  }));

Deno.test("a damaged block fails its window, and no other, also in a worker", () =>
  withFolder(async (folder) => {
    const path = `${folder}/large.tif`;
    await writeLarge(path, "pixel");
    const intact = await openRaster(path, { threads: 1 });
    const { width, height } = intact.info.block;
    intact.close();
    // The last block: the file ends with its bytes, and four that repeat their last.
    const bytes = await Deno.readFile(path);
    bytes.fill(0, bytes.length - 12, bytes.length - 4);
    await Deno.writeFile(path, bytes);
    using damaged = closing(await openRaster(path, { threads: 2 }));
    const windows = windowsOf(SIZE, WINDOW);
    const last = windows.pop()!;
    for (const window of windows) await damaged.raster.read(window);
    const at = `the tile at column ${SIZE / width - 1}, row ${SIZE / height - 1}`;
    await assert.rejects(damaged.raster.read(last), {
      name: "InputError",
      message: new RegExp(`large\\.tif": ${at}: ZSTD data is damaged`),
    });
    await damaged.raster.read(windows[0]!);
  }));

Deno.test("rasters share workers, and may be closed in the middle", () =>
  withFolder(async (folder) => {
    const path = `${folder}/large.tif`;
    await writeLarge(path, "pixel");
    const first = await openRaster(path, { threads: 2 });
    const second = await openRaster(path, { threads: 2 });
    const windows = windowsOf(SIZE, WINDOW);
    for (const window of windows.slice(0, 30)) {
      await Promise.all([first.read(window), second.read(window)]);
    }
    first.close();
    for (const window of windows.slice(30)) await second.read(window);
    second.close();
  }));

Deno.test("who reads windows without a rest has them decoded by workers all the same", () =>
  withFolder(async (folder) => {
    const path = `${folder}/large.tif`;
    await writeLarge(path, "pixel");
    using jobs = countJobs();
    using large = closing(await openRaster(path, { threads: 2 }));
    // Files are read synchronously, so that nothing here waits for the event loop.
    for (const window of windowsOf(SIZE, WINDOW)) await large.raster.read(window);
    // Blocks are jobs of their own; 12 MiB of 128 are decoded before the workers start.
    assert.ok(jobs.count > 64, `${jobs.count} of 256 blocks`);
  }));

/** Count what workers are given to decode. */
function countJobs(): Disposable & { count: number } {
  const Original = globalThis.Worker;
  const counter = {
    count: 0,
    [Symbol.dispose]: () => {
      globalThis.Worker = Original;
    },
  };
  globalThis.Worker = class extends Original {
    override postMessage(message: DecodeMessage, transfer: object): void {
      if (message.kind === "decode") counter.count += message.blocks.length;
      if (message.kind === "window") counter.count += message.encoded.blocks.length;
      super.postMessage(message, transfer as Transferable[]);
    }
  };
  return counter;
}

function closing(raster: Awaited<ReturnType<typeof openRaster>>) {
  return { raster, [Symbol.dispose]: () => raster.close() };
}
