/** Blocks that wait for the next row of windows: in memory, and in a file where there is no room. */
import assert from "node:assert/strict";
import { createGeoTiff, ndarray, openRaster, WaitingBytes } from "swath";
import { BlockCache, KeptBlock } from "../../../lib/raster/block_cache.ts";
import type { DecodedBlock } from "../../../lib/raster/decode/samples.ts";
import { SpareBuffers } from "../../../lib/raster/spare_buffers.ts";
import { withFolder } from "./support.ts";

const BYTES = 1000;

function blockOf(value: number, hasHoles = false): DecodedBlock {
  const holes = hasHoles ? new Uint8Array(BYTES / 2).fill(value + 1) : null;
  return { planes: new Uint8Array(BYTES).fill(value), holes };
}

/** A cache whose blocks wait in memory up to some bytes, with blocks of the numbers given. */
async function cacheOf(maxHeld: number, numbers: readonly number[]) {
  const spare = new SpareBuffers();
  const waiting = new WaitingBytes(maxHeld);
  const cache = new BlockCache(Infinity, spare, waiting);
  for (const number of numbers) {
    const block = Promise.resolve(blockOf(number, number % 2 === 1));
    cache.set(number, new KeptBlock(block, BYTES, spare));
    await block;
  }
  return { cache, waiting };
}

Deno.test("blocks that are set aside come back as they were, over and over", async () => {
  const numbers = [0, 1, 2, 3, 4, 5];
  const { cache } = await cacheOf(2 * BYTES, numbers);
  for (let round = 0; round < 3; round++) {
    cache.setAsideWhere(() => true);
    for (const number of numbers) {
      assert.ok(cache.has(number));
      const kept = cache.get(number)!.use();
      assert.deepEqual(await kept.block, blockOf(number, number % 2 === 1));
      kept.done();
    }
  }
  cache.clear();
  for (const number of numbers) assert.equal(cache.get(number), undefined);
});

Deno.test("only so much waits in memory, of all caches together", async () => {
  const { cache: first, waiting } = await cacheOf(3 * BYTES, [0, 1]);
  const spare = new SpareBuffers();
  const second = new BlockCache(Infinity, spare, waiting);
  const blocks = [0, 1, 2].map((number) =>
    new KeptBlock(Promise.resolve(blockOf(number)), BYTES, spare)
  );
  for (const [number, block] of blocks.entries()) second.set(number, block);
  await Promise.all(blocks.map(({ block }) => block));
  first.setAsideWhere(() => true);
  second.setAsideWhere(() => true);
  // Memory of a block that has left it is given away.
  assert.deepEqual(blocks.map(({ decoded }) => decoded !== null), [true, false, false]);
  first.clear();
  assert.deepEqual(await second.get(2)!.block, blockOf(2));
  second.setAsideWhere(() => true);
  assert.deepEqual(await second.get(1)!.block, blockOf(1));
  second.clear();
});

Deno.test("a block in use is not lost to those that use it when it is set aside", async () => {
  const { cache } = await cacheOf(0, [7]);
  const kept = cache.get(7)!.use();
  cache.setAsideWhere(() => true);
  assert.deepEqual(kept.decoded, blockOf(7, true));
  kept.done();
  assert.equal(kept.decoded, null);
  assert.deepEqual(await cache.get(7)!.block, blockOf(7, true));
  cache.clear();
});

/** Tiles of 1 MiB, 24 in a row: as many as wait in memory, and twice as many that do not. */
const TILE = 256;
const [WIDTH, HEIGHT, BANDS] = [24 * TILE, 2 * TILE, 8];
const NODATA = 9;
const valueAt = (band: number, row: number, column: number) =>
  band === 3 && (row + column) % 911 === 0
    ? NODATA
    : (row * 31 + column * 7 + band * 4099) % 65000 + 10;

async function writeWide(path: string): Promise<void> {
  using writer = await createGeoTiff(path, {
    width: WIDTH,
    height: HEIGHT,
    dtype: "uint16",
    bands: Array.from({ length: BANDS }, (_, band) => ({ name: `${band}`, scale: 1, offset: 0 })),
    nodata: NODATA,
    georeference: { crs: null, transform: null, geoKeys: null, pixelIsPoint: false },
    classes: null,
    compression: "none",
    overviews: "none",
    blockSize: TILE,
  });
  const rows = ndarray("uint16", [BANDS, HEIGHT, WIDTH]);
  for (let at = 0; at < rows.data.length; at++) {
    const pixel = at % (WIDTH * HEIGHT);
    rows.data[at] = valueAt(
      Math.floor(at / (WIDTH * HEIGHT)),
      Math.floor(pixel / WIDTH),
      pixel % WIDTH,
    );
  }
  await writer.writeRows(rows);
  await writer.finish();
}

function* windowsOf(size: number, step: number) {
  for (let y = 0; y < HEIGHT; y += step) {
    for (let x = 0; x < WIDTH; x += step) {
      yield {
        x,
        y,
        width: Math.min(size, WIDTH - x),
        height: Math.min(size, HEIGHT - y),
      };
    }
  }
}

/** Serve a file by ranges. */
async function withServer(path: string, work: (url: string) => Promise<void>): Promise<void> {
  const file = await Deno.readFile(path);
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    if (!request.url.endsWith(".tif")) return new Response(null, { status: 404 });
    const [, first, last] = /(\d+)-(\d+)/.exec(request.headers.get("range")!)!;
    const [start, end] = [Number(first), Math.min(Number(last) + 1, file.length)];
    return new Response(file.slice(start, end), {
      status: 206,
      headers: { "content-range": `bytes ${start}-${end - 1}/${file.length}` },
    });
  });
  try {
    await work(`http://127.0.0.1:${server.addr.port}/wide.tif`);
  } finally {
    await server.shutdown();
  }
}

/** Read the wide raster by windows whose rows share blocks, and compare it with what it is made of. */
async function checkWide(source: string, announced: boolean, mostBytes: number): Promise<void> {
  const raster = await openRaster(source);
  const windows = [...windowsOf(200, 180)];
  if (announced) raster.announce?.(windows);
  for (const { x, y, width, height } of windows) {
    const { image, valid } = await raster.read({ x, y, width, height });
    const wrong = image.data.findIndex((value, at) => {
      const [band, pixel] = [Math.floor(at / (width * height)), at % (width * height)];
      return Number(value) !== valueAt(band, y + Math.floor(pixel / width), x + pixel % width);
    });
    assert.equal(wrong, -1, `element ${wrong} of the window at column ${x}, row ${y}`);
    const off = valid.data.findIndex((has, pixel) => {
      const [row, column] = [y + Math.floor(pixel / width), x + pixel % width];
      return (has === 0) !== (valueAt(3, row, column) === NODATA);
    });
    assert.equal(off, -1, `validity ${off} of the window at column ${x}, row ${y}`);
  }
  const { bytes } = raster.traffic;
  assert.ok(bytes <= mostBytes, `${bytes} bytes`);
  raster.close();
}

Deno.test("windows that share blocks with the row above read what the file holds, each byte of it once", () =>
  withFolder(async (folder) => {
    const path = `${folder}/wide.tif`;
    await writeWide(path);
    const { size } = await Deno.stat(path);
    for (const announced of [true, false]) await checkWide(path, announced, size);
    // The first request, with which a server's file is opened, takes 64 KiB of it.
    await withServer(path, (url) => checkWide(url, true, size + (64 << 10)));
  }));
