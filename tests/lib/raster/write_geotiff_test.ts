import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import {
  bytesOf,
  type DataType,
  elementCount,
  type NdArray,
  ndarray,
} from "../../../lib/array/mod.ts";
import { InputError } from "../../../lib/errors.ts";
import { createGeoTiff, openRaster, type RasterSpec } from "../../../lib/raster/mod.ts";
import { createDownsample } from "../../../lib/raster/encode/downsample.ts";
import { cellsOf } from "../../../lib/raster/encode/cells.ts";
import type { Georeference } from "../../../lib/geo/mod.ts";
import { writeSmallBigTiff } from "./small_big_tiff.ts";

const NOWHERE: Georeference = {
  crs: null,
  transform: null,
  geoKeys: null,
  pixelIsPoint: false,
};
const CLASSES = [{ name: "water", color: "#102030" }, { name: "forest", color: "#ffa001" }];

function mapSpec(width: number, height: number, more: Partial<RasterSpec> = {}): RasterSpec {
  return {
    width,
    height,
    dtype: "uint8",
    bands: [{ name: "class", scale: 1, offset: 0 }],
    nodata: 255,
    georeference: NOWHERE,
    classes: CLASSES,
    ...more,
  };
}

function pattern(dtype: DataType, shape: number[]): NdArray {
  const array = ndarray(dtype, shape);
  bytesOf(array).forEach((_, index, bytes) => bytes[index] = (index * 31 + (index >> 7)) & 63);
  return array;
}

async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function write(path: string, spec: RasterSpec, pixels: NdArray): Promise<void> {
  using writer = await createGeoTiff(path, spec);
  await writer.writeRows(pixels);
  await writer.finish();
}

async function readAll(path: string) {
  const reader = await openRaster(path);
  try {
    const { info } = reader;
    const pixels = await reader.read({ x: 0, y: 0, width: info.width, height: info.height });
    return { info, ...pixels };
  } finally {
    reader.close();
  }
}

Deno.test("createGeoTiff: what is written is read back, with all that belongs to it", async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, "scene.tif");
    const pixels = pattern("uint16", [2, 50, 70]);
    const georeference: Georeference = {
      crs: "EPSG:32633",
      transform: [600000, 10, 0, 5200000, 0, -10],
      geoKeys: {
        directory: [1, 1, 0, 4, 1024, 0, 1, 1, 1025, 0, 1, 1, 1026, 34737, 5, 0, 3072, 0, 1, 32633],
        doubles: [],
        ascii: "WGS8|",
      },
      pixelIsPoint: false,
    };
    const bands = [{ name: "B04", scale: 1e-4, offset: -0.1 }, {
      name: "a &amp; b & <c>",
      scale: 1,
      offset: 0,
    }];
    await write(path, {
      ...mapSpec(70, 50),
      dtype: "uint16",
      bands,
      nodata: 0,
      georeference,
      classes: null,
      blockSize: 32,
    }, pixels);
    const { info, image } = await readAll(path);
    assert.deepEqual(image.data, pixels.data);
    assert.deepEqual(info.georeference, georeference);
    assert.deepEqual(info.bands, bands);
    assert.equal(info.nodata, 0);
    assert.equal(info.classes, null);
    assert.deepEqual(info.overviews, [{ width: 35, height: 25 }, { width: 18, height: 13 }]);
    assert.deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name), ["scene.tif"]);
  });
});

const TRANSFORMS: [name: string, georeference: Partial<Georeference>][] = [
  ["rotated", { transform: [10, 2, 0.5, 20, 0.25, -3] }],
  ["south-up", { transform: [10, 2, 0, 20, 0, 3] }],
  ["pixel-is-point", {
    transform: [10, 2, 0, 20, 0, -2],
    pixelIsPoint: true,
    geoKeys: { directory: [1, 1, 0, 2, 1024, 0, 1, 2, 1025, 0, 1, 2], doubles: [], ascii: "" },
  }],
  ["keys with numbers", {
    transform: [10, 2, 0, 20, 0, -2],
    geoKeys: {
      directory: [1, 1, 0, 2, 1024, 0, 1, 2, 2059, 34736, 1, 0],
      doubles: [298.257223563],
      ascii: "",
    },
  }],
];
for (const [name, part] of TRANSFORMS) {
  Deno.test(`createGeoTiff: the georeference is kept: ${name}`, async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, "a.tif");
      const georeference = { ...NOWHERE, ...part };
      await write(path, mapSpec(3, 2, { georeference }), pattern("uint8", [1, 2, 3]));
      assert.deepEqual((await readAll(path)).info.georeference, georeference);
    });
  });
}

for (const blockSize of [16, 128]) {
  Deno.test(`createGeoTiff: the bytes do not depend on how rows come in, in blocks of ${blockSize}`, async () => {
    await inDirectory(async (directory) => {
      const height = 5 * blockSize + 10;
      const pixels = pattern("uint8", [1, height, 40]);
      const spec = mapSpec(40, height, { blockSize });
      const whole = join(directory, "whole.tif");
      await write(whole, spec, pixels);
      const expected = await Deno.readFile(whole);
      let number = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: 0, max: 2 * blockSize + 8 }), { maxLength: 12 }),
          async (counts) => {
            const path = join(directory, `${number++}.tif`);
            using writer = await createGeoTiff(path, spec);
            for (const wanted of [...counts, height]) {
              const start = writer.rowsWritten;
              const count = Math.min(wanted, height - start);
              const part = pixels.data.slice(start * 40, (start + count) * 40) as Uint8Array<
                ArrayBuffer
              >;
              await writer.writeRows(ndarray("uint8", [1, count, 40], part));
              // Rows are taken: what the caller does with them afterwards is its own affair.
              part.fill(77);
            }
            await writer.finish();
            assert.deepEqual(await Deno.readFile(path), expected);
          },
        ),
        { numRuns: 25 },
      );
    });
  });
}

Deno.test("createGeoTiff: a class map carries names and colours, with and without its sidecar", async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, "map.tif");
    await write(path, mapSpec(4, 4), pattern("uint8", [1, 4, 4]));
    assert.match(await Deno.readTextFile(`${path}.aux.xml`), /<Category>forest<\/Category>/);
    assert.deepEqual((await readAll(path)).info.classes, CLASSES);
    await Deno.remove(`${path}.aux.xml`);
    assert.deepEqual((await readAll(path)).info.classes, CLASSES);
  });
});

Deno.test("createGeoTiff: nothing appears before the end, and nothing is left by an abort", async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, "map.tif");
    const writer = await createGeoTiff(path, mapSpec(1200, 1200));
    await writer.writeRows(pattern("uint8", [1, 600, 1200]));
    assert.throws(() => Deno.statSync(path), Deno.errors.NotFound);
    writer.abort();
    writer.abort();
    assert.deepEqual([...Deno.readDirSync(directory)], []);
  });
});

Deno.test("createGeoTiff: rows that are missing, too many or of another kind are refused", async () => {
  const wrong: [rows: NdArray, message: RegExp][] = [
    [pattern("uint8", [1, 5, 4]), /5 rows for a raster of 4/],
    [pattern("uint8", [2, 1, 4]), /shape 2x1x4 do not fit/],
    [pattern("uint8", [1, 1, 5]), /shape 1x1x5 do not fit/],
    [pattern("int8", [1, 1, 4]), /rows of int8/],
  ];
  await inDirectory(async (directory) => {
    const path = join(directory, "map.tif");
    for (const [rows, message] of wrong) {
      using writer = await createGeoTiff(path, mapSpec(4, 4));
      await assert.rejects(writer.writeRows(rows), message);
    }
    using writer = await createGeoTiff(path, mapSpec(4, 4));
    await writer.writeRows(pattern("uint8", [1, 3, 4]));
    await assert.rejects(writer.finish(), /after 3 of 4 rows/);
    assert.deepEqual([...Deno.readDirSync(directory)], []);
  });
});

Deno.test("createGeoTiff: an existing file is replaced only when asked for, with its sidecar", async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, "map.tif");
    await write(path, mapSpec(4, 4), pattern("uint8", [1, 4, 4]));
    await assert.rejects(createGeoTiff(path, mapSpec(4, 4)), InputError);
    const other = ndarray("uint8", [1, 4, 4]);
    await write(path, mapSpec(4, 4, { classes: null, overwrite: true }), other);
    const { info, image } = await readAll(path);
    assert.equal(info.classes, null);
    assert.deepEqual(image.data, other.data);
    assert.deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name), ["map.tif"]);
  });
});

const REFUSED: [spec: Partial<RasterSpec>, message: RegExp][] = [
  [{ nodata: -1 }, /with nodata -1 as uint8 cannot hold it/],
  [{ nodata: NaN }, /with nodata NaN as uint8/],
  [{ dtype: "float32", nodata: 1e39 }, /as float32 cannot hold it/],
  [{ dtype: "bool", nodata: null }, /has no booleans/],
  [{ width: 0 }, /width must be from 1/],
  [{ bands: [], classes: null }, /number of bands must be/],
  [{ georeference: { ...NOWHERE, crs: "EPSG:4326" } }, /EPSG:4326 as its GeoTIFF keys/],
];
for (const [part, message] of REFUSED) {
  Deno.test(`createGeoTiff refuses what a GeoTIFF cannot hold: ${message.source}`, async () => {
    await inDirectory(async (directory) => {
      await assert.rejects(
        createGeoTiff(join(directory, "a.tif"), mapSpec(4, 4, part)),
        (error) => {
          assert.ok(error instanceof InputError, String(error));
          assert.match(error.message, message);
          return true;
        },
      );
      assert.deepEqual([...Deno.readDirSync(directory)], []);
    });
  });
}

Deno.test("createGeoTiff: a directory that is missing is an error before any row", async () => {
  await assert.rejects(createGeoTiff("/nowhere/at/all/map.tif", mapSpec(4, 4)), InputError);
});

Deno.test("files that 32-bit offsets do not reach are BigTIFF", async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, "big.tif");
    const pixels = ndarray("uint8", [1, 20, 30], bytesOf(pattern("uint8", [1, 20, 30])));
    await writeSmallBigTiff(path, pixels);
    assert.equal((await Deno.readFile(path))[2], 43);
    const { info, image } = await readAll(path);
    assert.deepEqual(image.data, pixels.data);
    assert.deepEqual(info.overviews, [{ width: 15, height: 10 }]);
  });
});

Deno.test("overviews: the mode leaves out nodata and takes the first among equals", () => {
  const downsample = createDownsample("mode", "uint8", 9);
  const halve = (
    width: number,
    ...values: number[]
  ) => [...downsample({ cells: Uint8Array.from(values), width, height: values.length / width })];
  assert.deepEqual(halve(2, 1, 2, 2, 3), [2]);
  assert.deepEqual(halve(2, 1, 2, 3, 4), [1]);
  assert.deepEqual(halve(2, 9, 9, 9, 4), [4]);
  assert.deepEqual(halve(2, 9, 9, 9, 9), [9]);
  assert.deepEqual(halve(3, 1, 2, 3, 2, 2, 3), [2, 3]);
  assert.deepEqual(halve(1, 1, 1, 5), [1, 5]);
});

Deno.test("overviews: averages leave out nodata and never become it", () => {
  const halve = (dtype: "int16" | "float32", nodata: number | null, values: number[]) => {
    const { data } = ndarray(
      dtype,
      [4],
      dtype === "int16" ? Int16Array.from(values) : Float32Array.from(values),
    );
    const cells = createDownsample("average", dtype, nodata)({
      cells: cellsOf(data),
      width: 2,
      height: 2,
    });
    return dtype === "int16" ? new Int16Array(cells.buffer)[0] : new Float32Array(cells.buffer)[0];
  };
  assert.equal(halve("int16", null, [1, 2, 2, 2]), 2);
  assert.equal(halve("int16", null, [-1, -2, -1, -2]), -1);
  assert.equal(halve("int16", -9, [-9, -9, 4, 6]), 5);
  assert.equal(halve("int16", -9, [-9, -9, -9, -9]), -9);
  assert.equal(halve("int16", 0, [-1, 1, 0, 0]), -1);
  assert.equal(halve("float32", null, [NaN, 1, 2, NaN]), 1.5);
  assert.equal(halve("float32", 0.1, [0.1, 1, 2, 0.1]), 1.5);
  assert.ok(Number.isNaN(halve("float32", null, [NaN, NaN, NaN, NaN])));
});

Deno.test("every type and size fills its blocks exactly", async () => {
  await inDirectory(async (directory) => {
    let number = 0;
    const dtype = fc.constantFrom<DataType>("uint8", "int16", "float32", "float64", "int64");
    const shape = fc.tuple(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 40 }),
    );
    await fc.assert(
      fc.asyncProperty(dtype, shape, fc.boolean(), async (dtype, shape, planar) => {
        const path = join(directory, `${number++}.tif`);
        const pixels = pattern(dtype, shape);
        assert.equal(pixels.data.length, elementCount(shape));
        const spec = mapSpec(shape[2], shape[1], {
          dtype,
          bands: shape[0] === 1 ? mapSpec(1, 1).bands : Array.from(
            { length: shape[0] },
            (_, index) => ({ name: `N${index}`, scale: 1, offset: 0 }),
          ),
          nodata: null,
          classes: null,
          blockSize: 16,
          interleave: planar ? "band" : "pixel",
        });
        await write(path, spec, pixels);
        assert.deepEqual(bytesOf((await readAll(path)).image), bytesOf(pixels));
      }),
      { numRuns: 30 },
    );
  });
});
