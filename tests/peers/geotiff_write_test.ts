import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import {
  bytesOf,
  createGeoTiff,
  type DataType,
  elementCount,
  type NdArray,
  ndarray,
  openRaster,
  randomStream,
  type RasterSpec,
  synthLandcover,
  TYPED_ARRAY_CONSTRUCTORS,
} from "../../mod.ts";
import { writeSmallBigTiff } from "../lib/raster/small_big_tiff.ts";
import { peerTest, runPython } from "./python.ts";

interface Found {
  sha256: string;
  dtype: string;
  shape: number[];
  transform: number[];
  crs: string | null;
  nodata: string | null;
  descriptions: (string | null)[];
  scales: number[];
  offsets: number[];
  tags: Record<string, string>;
  classes: string | null;
  structure: Record<string, string>;
  colors: string[];
  blocks: number[];
  bigtiff: boolean;
  colormap: number[][] | null;
  overviews: boolean[];
  cog: { valid: boolean; errors: string[]; warnings: string[] };
}

const PACKAGES = ["rasterio", "rio_cogeo", "numpy"];
const NOWHERE = { crs: null, transform: null, geoKeys: null, pixelIsPoint: false };
const DATA = new URL("../../../shared/data/", import.meta.url);

async function describe(files: { path: string; how: string }[]): Promise<Found[]> {
  const stdin = new TextEncoder().encode(files.map((file) => JSON.stringify(file)).join("\n"));
  const output = new TextDecoder().decode(await runPython("geotiff_write.py", [], { stdin }));
  return output.trim().split("\n").map((line) => JSON.parse(line));
}

async function withDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await body(directory);
    for await (const { name } of Deno.readDir(directory)) assert.doesNotMatch(name, /\.tmp$/);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Noise with flat parts, where the type's whole range and some nodata occur. */
function testPixels(dtype: DataType, shape: number[], seed: number): NdArray {
  const { uniform, integer } = randomStream(seed, "pixels");
  const data = new TYPED_ARRAY_CONSTRUCTORS[dtype](elementCount(shape));
  for (let index = 0; index < data.length; index++) {
    const flat = Math.floor(index / 50) % 2 === 0;
    const value = flat ? integer(Math.floor(index / 100), 5) : integer(index, 60_000);
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
      data[index] = flat ? BigInt(value) : BigInt(value) << 40n;
    } else {
      // No negative zero: the mode tells it from zero, as it compares bit patterns.
      data[index] = dtype.startsWith("float") ? value * (uniform(index) - 0.5) || 0 : value;
    }
  }
  return ndarray(dtype, shape, data);
}

function sha256(array: NdArray): string {
  // GDAL reads half floats as single ones.
  const values = array.data instanceof Float16Array
    ? ndarray("float32", array.shape, Float32Array.from(array.data))
    : array;
  return createHash("sha256").update(bytesOf(values)).digest("hex");
}

/** Write in pieces of different heights. */
async function write(path: string, spec: RasterSpec, pixels: NdArray): Promise<void> {
  using writer = await createGeoTiff(path, spec);
  const [bands, height, width] = pixels.shape as [number, number, number];
  const pieces = [1, 7, 40, 300];
  for (let y = 0, turn = 0; y < height; turn++) {
    const count = Math.min(pieces[turn % pieces.length]!, height - y);
    const rows = ndarray(pixels.dtype, [bands, count, width]);
    for (let band = 0; band < bands; band++) {
      const start = (band * height + y) * width;
      const from = bytesOf(pixels).subarray(
        start * pixels.data.BYTES_PER_ELEMENT,
        (start + count * width) * pixels.data.BYTES_PER_ELEMENT,
      );
      bytesOf(rows).set(from, band * count * width * pixels.data.BYTES_PER_ELEMENT);
    }
    await writer.writeRows(rows);
    y += count;
  }
  await writer.finish();
}

function bandsNamed(count: number): RasterSpec["bands"] {
  return Array.from({ length: count }, (_, index) => ({ name: `N${index}`, scale: 1, offset: 0 }));
}

const TYPES: DataType[] = [
  "uint8",
  "int8",
  "uint16",
  "int16",
  "uint32",
  "int32",
  "uint64",
  "int64",
  "float16",
  "float32",
  "float64",
];

peerTest("rasterio reads every type, codec and interleaving bit-equal", PACKAGES, async () => {
  await withDirectory(async (directory) => {
    const cases: { path: string; how: string; pixels: NdArray; spec: RasterSpec }[] = [];
    for (const [number, dtype] of TYPES.entries()) {
      for (const compression of ["none", "deflate", "zstd"] as const) {
        for (const interleave of ["pixel", "band"] as const) {
          const shape = [interleave === "band" || number % 2 === 0 ? 3 : 1, 75, 101];
          const pixels = testPixels(dtype, shape, number);
          const wide = dtype === "int64" || dtype === "uint64";
          const how = wide ? "nearest" : number % 3 === 0 ? "mode" : "average";
          const spec: RasterSpec = {
            width: 101,
            height: 75,
            dtype,
            bands: bandsNamed(shape[0]!),
            nodata: number % 2 === 0 ? 3 : null,
            georeference: NOWHERE,
            classes: null,
            compression,
            interleave,
            blockSize: 32,
            overviews: how,
          };
          const path = join(directory, `${dtype}-${compression}-${interleave}.tif`);
          await write(path, spec, pixels);
          cases.push({ path, how, pixels, spec });
        }
      }
    }
    const all = await describe(cases.map(({ path, how }) => ({ path, how })));
    for (const [index, { path, pixels, spec }] of cases.entries()) {
      const found = all[index]!;
      assert.equal(found.sha256, sha256(pixels), path);
      assert.equal(found.dtype, spec.dtype === "float16" ? "float32" : spec.dtype);
      assert.deepEqual(found.shape, pixels.shape);
      assert.deepEqual(
        found.overviews,
        spec.dtype === "float16" ? found.overviews : [true, true],
        path,
      );
      assert.deepEqual(found.cog, { valid: true, errors: [], warnings: [] }, path);
      assert.equal(found.nodata === null, spec.nodata === null);
      // GDAL wants blocks in the order of their numbers for this, which one pass of planes has not.
      if (spec.interleave === "pixel") assert.equal(found.structure.LAYOUT, "COG");
      assert.equal(
        found.structure.INTERLEAVE,
        pixels.shape[0] === 1 ? "BAND" : spec.interleave!.toUpperCase(),
      );
    }
  });
});

peerTest(
  "every size from 1x1 is read back, with overviews down to one block",
  PACKAGES,
  async () => {
    await withDirectory(async (directory) => {
      // Some are just as wide as a block, of their own or of an overview, and higher than one.
      const sizes = [
        [1, 1],
        [1, 9],
        [700, 1],
        [16, 16],
        [17, 31],
        [513, 512],
        [1025, 130],
        [129, 1200],
        [512, 1700],
        [64, 700],
        [304, 1300],
        [16, 600],
        [1024, 2100],
      ];
      const cases = [];
      for (const [number, [width, height]] of sizes.entries()) {
        const pixels = testPixels("uint8", [1, height!, width!], number);
        const path = join(directory, `${width}x${height}.tif`);
        const spec: RasterSpec = {
          width: width!,
          height: height!,
          dtype: "uint8",
          bands: [{ name: "class", scale: 1, offset: 0 }],
          nodata: 2,
          georeference: NOWHERE,
          classes: [{ name: "a & <b>", color: "#102030" }, { name: "é", color: "#ffa001" }],
          blockSize: number % 2 === 0 ? 512 : 64,
        };
        await write(path, spec, pixels);
        cases.push({ path, how: "mode", pixels, spec });
      }
      const all = await describe(cases.map(({ path, how }) => ({ path, how })));
      for (const [index, { path, pixels, spec }] of cases.entries()) {
        const found = all[index]!;
        assert.equal(found.sha256, sha256(pixels), path);
        const levels = Math.max(
          0,
          Math.ceil(Math.log2(Math.max(spec.width, spec.height) / spec.blockSize!)),
        );
        assert.deepEqual(found.overviews, new Array(levels).fill(true), path);
        assert.deepEqual(found.cog, { valid: true, errors: [], warnings: [] }, path);
        assert.deepEqual(found.colormap?.slice(0, 2), [[16, 32, 48, 255], [255, 160, 1, 255]]);
        assert.deepEqual(found.descriptions, ["class"]);
        assert.deepEqual(found.colors, ["palette"]);
        assert.deepEqual(JSON.parse(found.classes!), ["a & <b>", "é"]);
      }
    });
  },
);

peerTest(
  "a synthetic scene keeps its CRS, transform, band names and scales",
  PACKAGES,
  async () => {
    await withDirectory(async (directory) => {
      const scene = synthLandcover({ width: 600, height: 300, seed: 1 });
      const { image } = scene.rows(0, 300);
      const path = join(directory, "scene.tif");
      await write(path, { ...scene, classes: null, metadata: { MADE_BY: 'a < "b" & c' } }, image);
      const [found] = await describe([{ path, how: "average" }]);
      assert.equal(found!.sha256, sha256(image));
      assert.deepEqual(found!.transform, scene.georeference.transform);
      assert.match(found!.crs!, /WGS 84 \/ UTM zone 33N/);
      assert.deepEqual(found!.descriptions, scene.bands.map(({ name }) => name));
      assert.deepEqual(found!.scales, scene.bands.map(({ scale }) => scale));
      assert.equal(found!.nodata, "0.0");
      assert.equal(found!.tags.MADE_BY, 'a < "b" & c');
      assert.deepEqual(found!.overviews, [true]);
      assert.ok(found!.cog.valid);
    });
  },
);

peerTest("rasterio reads BigTIFF", PACKAGES, async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "big.tif");
    const data = Uint8Array.from({ length: 20 * 30 }, (_, index) => (index * index) >> 7);
    const pixels = ndarray("uint8", [1, 20, 30], data);
    await writeSmallBigTiff(path, pixels);
    const [found] = await describe([{ path, how: "mode" }]);
    assert.ok(found!.bigtiff);
    assert.equal(found!.sha256, sha256(pixels));
    assert.deepEqual(found!.overviews, [true]);
    assert.deepEqual(found!.cog, { valid: true, errors: [], warnings: [] });
  });
});

const realTest = exists(DATA) ? peerTest : skipRealTest;

realTest("real files keep their georeference through reading and writing", PACKAGES, async () => {
  const sources = await georeferencedFiles();
  assert.ok(sources.length >= 20, `only ${sources.length} files`);
  await withDirectory(async (directory) => {
    const cases: { source: string; path: string }[] = [];
    for (const [number, name] of sources.entries()) {
      const source = new URL(name, DATA).pathname;
      const reader = await openRaster(source);
      const { info } = reader;
      const { image } = await reader.read({ x: 0, y: 0, width: info.width, height: info.height });
      reader.close();
      const path = join(directory, `${number}.tif`);
      const { width, height, dtype, bands, nodata, georeference } = info;
      await write(
        path,
        { width, height, dtype, bands, nodata, georeference, classes: null },
        image,
      );
      cases.push({ source, path });
    }
    const before = await describe(cases.map(({ source }) => ({ path: source, how: "source" })));
    const after = await describe(cases.map(({ path }) => ({ path, how: "average" })));
    for (const [index, { source }] of cases.entries()) {
      assert.equal(after[index]!.crs, before[index]!.crs, source);
      assert.deepEqual(after[index]!.transform, before[index]!.transform, source);
      assert.equal(after[index]!.sha256, before[index]!.sha256, source);
      assert.equal(after[index]!.nodata, before[index]!.nodata, source);
      assert.equal(after[index]!.tags.AREA_OR_POINT, before[index]!.tags.AREA_OR_POINT, source);
    }
  });
});

function exists(url: URL): boolean {
  try {
    Deno.statSync(url);
    return true;
  } catch {
    return false;
  }
}

function skipRealTest(name: string): void {
  Deno.test({ name: `${name} (skipped: no shared data)`, ignore: true, fn: () => {} });
}

/** Files of the corpus with a CRS or a transform, and without loss. */
async function georeferencedFiles(): Promise<string[]> {
  const lines = (await Deno.readTextFile(new URL("tiff/golden.jsonl", DATA))).trim().split("\n");
  return lines.map((line) => JSON.parse(line)).filter(({ epsg, gt, comp, dt, w, h, n }) =>
    (epsg !== null || gt.join() !== "1,0,0,0,1,0") &&
    ["none", "deflate", "lzw", "packbits", "zstd"].includes(comp === "None" ? "none" : comp) &&
    !dt.startsWith("complex") && w * h * n < 2e6
  ).map(({ p }) => `tiff/${p}`);
}
