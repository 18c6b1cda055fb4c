import assert from "node:assert/strict";
import fc from "fast-check";
import {
  createStitcher,
  cropArray,
  InputError,
  ndarray,
  planGrid,
  readStream,
  type Sample,
  type StreamItem,
  tileScene,
  type TileSceneOptions,
  transformStream,
} from "swath";
import { chunked, encode } from "../stream/support.ts";
import { memoryRaster, memorySink, numbered } from "./support.ts";

const samplesOf = (items: readonly StreamItem[]) =>
  items.flatMap((item) => item.type === "sample" ? [item.sample] : []);

async function rejects(items: AsyncIterable<unknown>, message: RegExp, hint?: RegExp) {
  await assert.rejects(Array.fromAsync(items), (error) => {
    assert(error instanceof InputError, String(error));
    assert.match(error.message, message);
    if (hint !== undefined) assert.match(error.hint ?? "", hint);
    return true;
  });
}

Deno.test("labels survive tiling, the pipe and stitching, whatever the grid", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        width: fc.integer({ min: 1, max: 150 }),
        height: fc.integer({ min: 1, max: 150 }),
        size: fc.integer({ min: 16, max: 80 }),
        overlap: fc.integer({ min: 0, max: 64 }),
        seed: fc.nat(1000),
        format: fc.constantFrom("tar" as const, "ndjson" as const),
      }),
      async ({ width, height, size, overlap, seed, format }) => {
        const label = numbered("uint8", [1, height, width], (i) => (i * 7 + seed) % 250);
        // A nodata stripe wide enough that whole patches fall into it.
        const image = numbered(
          "uint16",
          [2, height, width],
          (i) => i % width < seed % 160 ? 0 : i + 1,
        );
        const scene = memoryRaster(image, { nodata: 0 });
        const plan = planGrid({ width, height, size, overlap: Math.min(overlap, size - 16) });
        const tiles = tileScene(scene, plan, { labels: memoryRaster(label) });
        const predicted = transformStream(tiles, (header) => ({
          header: { ...header, dtype: null },
          transform: (samples) =>
            samples.map((sample): Sample => ({
              ...sample,
              arrays: { pred: sample.arrays.label!, valid: sample.arrays.valid! },
            })),
        }), { batch: 3 });
        const bytes = await encode(await Array.fromAsync(predicted), format);
        const map = memorySink("uint8");
        let stitcher;
        for await (const item of readStream(chunked(bytes, [1000]))) {
          if (item.type === "header") stitcher = createStitcher(item.header, { map });
          else if (item.type === "sample") await stitcher!.add(item.sample);
          else await stitcher!.finish();
        }
        const expected = label.data.map((value, i) => i % width < seed % 160 ? 255 : value);
        assert.deepEqual(map.result(), ndarray("uint8", [1, height, width], expected));
        assert(map.tallest <= Math.max(64, plan.grid.height));
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("a patch holds the scene's own numbers, and says where it lies", async () => {
  const image = numbered("uint16", [3, 100, 120]);
  const scene = memoryRaster(image);
  const plan = planGrid({
    width: 120,
    height: 100,
    size: 32,
    overlap: 16,
    window: { x: 10, y: 20, width: 100, height: 70 },
  });
  const items = await Array.fromAsync(
    tileScene(scene, plan, { bands: ["B3", "1"], history: ["h"] }),
  );
  const header = items[0]!;
  assert(header.type === "header");
  assert.deepEqual(header.header.bands.map((band) => band.name), ["B3", "B1"]);
  assert.deepEqual(header.header.history, ["h"]);
  assert.equal(header.header.scene?.name, "scene");
  assert.equal(header.header.scene?.width, 100);
  assert.deepEqual(header.header.scene?.georeference.transform, [
    500_100,
    10,
    0,
    5_099_800,
    0,
    -10,
  ]);
  for (const { key, info, arrays } of samplesOf(items)) {
    const { window } = info;
    assert.equal(key, `scene/${`${window.y}`.padStart(6, "0")}_${`${window.x}`.padStart(6, "0")}`);
    const [band3, band1] = await Promise.all(
      [[2], [0]].map((bands) =>
        scene.read({ ...window, x: window.x + 10, y: window.y + 20 }, bands)
      ),
    );
    const plane = window.width * window.height;
    assert.deepEqual(arrays.image!.data.slice(0, plane), band3!.image.data);
    assert.deepEqual(arrays.image!.data.slice(plane), band1!.image.data);
    assert.equal(info.transform![0], 500_100 + 10 * window.x);
    assert.equal(info.transform![3], 5_099_800 - 10 * window.y);
    // Pixels beyond the window are real where the scene has them, but nothing answers for them.
    let valid = 0;
    for (let i = 0; i < plane; i++) {
      const [x, y] = [window.x + i % window.width, window.y + Math.floor(i / window.width)];
      assert.equal(arrays.valid!.data[i], x < 100 && y < 70 ? 1 : 0);
      valid += x < 100 && y < 70 ? 1 : 0;
    }
    assert.equal(info.validPixels, valid);
  }
});

Deno.test("patches without data are skipped and counted", async () => {
  const image = numbered("float32", [1, 64, 64], (i) => i % 64 < 32 ? -9999 : 1);
  const scene = memoryRaster(image, { nodata: -9999 });
  const plan = planGrid({ width: 64, height: 64, size: 32 });
  const items = await Array.fromAsync(tileScene(scene, plan));
  assert.deepEqual(samplesOf(items).map((sample) => sample.info.position), [[0, 1], [1, 1]]);
  assert.deepEqual(items.at(-1), { type: "end", end: { samples: 2, skipped: 2 } });
});

Deno.test("a row of patches is read at once", async () => {
  const scene = memoryRaster(ndarray("uint8", [1, 64, 128], new Uint8Array(8192).fill(1)));
  await Array.fromAsync(tileScene(scene, planGrid({ width: 128, height: 64, size: 32 })));
  assert.deepEqual(scene.windows, [
    { x: 0, y: 0, width: 128, height: 32 },
    { x: 0, y: 32, width: 128, height: 32 },
  ]);
});

Deno.test("a failing read is thrown in its turn", async () => {
  const scene = memoryRaster(numbered("uint8", [1, 64, 64], () => 1));
  const failing = {
    ...scene,
    read: (window: { x: number; y: number; width: number; height: number }) =>
      window.y > 0 ? Promise.reject(new InputError("damaged")) : scene.read(window),
  };
  const keys: string[] = [];
  await assert.rejects(async () => {
    for await (const item of tileScene(failing, planGrid({ width: 64, height: 64, size: 32 }))) {
      if (item.type === "sample") keys.push(item.sample.key);
    }
  }, /damaged/);
  assert.equal(keys.length, 2);
});

Deno.test("labels that do not fit are refused with both sides named", async () => {
  const scene = memoryRaster(numbered("uint8", [1, 40, 48], () => 1));
  const plan = planGrid({ width: 48, height: 40, size: 32 });
  const tile = (labels: TileSceneOptions["labels"]) => tileScene(scene, plan, { labels: labels! });
  const good = numbered("uint8", [1, 40, 48], () => 3);
  const { georeference } = scene.info;
  await rejects(
    tile(memoryRaster(numbered("uint8", [1, 40, 47]), { source: "truth.tif" })),
    /"truth.tif" do not lie on "scene.tif": their size is 47x40, the scene's is 48x40/,
  );
  await rejects(
    tile(memoryRaster(good, { georeference: { ...georeference, crs: "EPSG:32632" } })),
    /their CRS is EPSG:32632, the scene's is EPSG:32633/,
  );
  await rejects(
    tile(memoryRaster(good, {
      georeference: { ...georeference, transform: [500_010, 10, 0, 5_100_000, 0, -10] },
    })),
    /their transform is \[500010, .*the scene's is \[500000, /,
  );
  await rejects(tile(memoryRaster(ndarray("uint8", [3, 40, 48]))), /have 3 bands/);
  const bad = (value: number) =>
    memoryRaster(numbered("float32", [1, 40, 48], (i) => i === 48 * 33 + 40 ? value : 2));
  await rejects(tile(bad(1.5)), /Label 1.5 at column 40, row 33 of "scene.tif" is not a class/);
  await rejects(tile(bad(-1)), /Label -1 at column 40, row 33/);
  await rejects(tile(bad(300)), /Label 300 at column 40, row 33/);
  const classes = ["water", "forest", "field"].map((name) => ({ name, color: "#000000" }));
  await rejects(
    tileScene(scene, plan, { labels: bad(3), classes }),
    /Label 3 at column 40, row 33 of "scene.tif" is not one of the 3 classes: expected .* 0 to 2, or 255/,
  );
});

Deno.test("labels without georeference, their nodata and 255 are taken", async () => {
  const scene = memoryRaster(numbered("uint8", [1, 32, 32], () => 1));
  const labels = memoryRaster(numbered("int16", [1, 32, 32], (i) => [4, -1, 255][i % 3]!), {
    nodata: -1,
    georeference: { crs: null, transform: null, geoKeys: null, pixelIsPoint: false },
  });
  const plan = planGrid({ width: 32, height: 32, size: 32 });
  const [sample] = samplesOf(await Array.fromAsync(tileScene(scene, plan, { labels })));
  assert.deepEqual([...sample!.arrays.label!.data.slice(0, 4)], [4, 255, 255, 4]);
});

Deno.test("an unknown band gets a hint", async () => {
  const scene = memoryRaster(ndarray("uint8", [4, 32, 32]), {
    bands: ["B02", "B03", "B04", "B08"].map((name) => ({ name, scale: 1, offset: 0 })),
  });
  const plan = planGrid({ width: 32, height: 32, size: 32 });
  const tile = (...bands: string[]) => tileScene(scene, plan, { bands });
  await rejects(tile("B4"), /Cannot find band "B4" in "scene.tif": it has 4 bands, B02/, /"B04"/);
  await rejects(tile("5"), /Cannot find band "5"/);
  await rejects(tile("B02", "1"), /Band "1" of "scene.tif" is asked for twice/);
});

Deno.test("stitching refuses what it cannot place", async () => {
  const scene = memoryRaster(numbered("uint8", [1, 64, 32], () => 1));
  const items = await Array.fromAsync(
    tileScene(scene, planGrid({ width: 32, height: 64, size: 32 })),
  );
  const [header] = items;
  assert(header?.type === "header");
  const withPred = (sample: Sample): Sample => ({
    ...sample,
    arrays: { pred: cropArray(ndarray("uint8", [32, 32]), { x: 0, y: 0, width: 32, height: 32 }) },
  });
  const [first, second] = samplesOf(items) as [Sample, Sample];
  const stitcher = createStitcher(header.header, { map: memorySink("uint8") });
  await assert.rejects(stitcher.add(first), /"scene\/000000_000000": it has no class map/);
  await stitcher.add(withPred(second));
  await assert.rejects(stitcher.add(withPred(first)), /its rows from 0 are already written/);
  assert.throws(
    () =>
      createStitcher({ ...header.header, scene: null, grid: null }, { map: memorySink("uint8") }),
    /independent images/,
  );
  const huge = { ...header.header, scene: { ...header.header.scene!, width: 2 ** 31 } };
  await assert.rejects(
    createStitcher(huge, { map: memorySink("uint8") }).add(withPred(first)),
    /at most 4294967296 are held/,
  );
});
