import assert from "node:assert/strict";
import fc from "fast-check";
import {
  InputError,
  type MosaicPlan,
  mosaicRows,
  type NdArray,
  ndarray,
  planMosaic,
  type RasterInfo,
  type RasterReader,
} from "swath";
import { memoryRaster, memorySink } from "./support.ts";

const MAP: Partial<RasterInfo> = {
  bands: [{ name: "class", scale: 1, offset: 0 }],
  nodata: 255,
};

/** A raster at a place of the grid of all of them. */
function rasterAt(x: number, y: number, image: NdArray, more: Partial<RasterInfo> = {}) {
  return memoryRaster(image, {
    ...MAP,
    source: `${x}_${y}.tif`,
    georeference: {
      crs: "EPSG:32633",
      transform: [500_000 + 10 * x, 10, 0, 5_100_000 - 10 * y, 0, -10],
      geoKeys: null,
      pixelIsPoint: false,
    },
    ...more,
  });
}

async function mosaicOf(rasters: readonly RasterReader[]): Promise<[MosaicPlan, NdArray]> {
  const plan = planMosaic(rasters.map(({ info }) => info));
  const sink = memorySink("uint8", plan.spec.bands.length);
  const opened: number[] = [];
  for await (
    const rows of mosaicRows(plan, (number) => {
      opened.push(number);
      return Promise.resolve(rasters[number]!);
    })
  ) await sink.writeRows(rows);
  assert.equal(new Set(opened).size, opened.length, "a raster is opened twice");
  return [plan, sink.result()];
}

Deno.test("a mosaic has the first raster's data at each pixel, whatever their places", async () => {
  const raster = fc.record({
    x: fc.integer({ min: -30, max: 30 }),
    y: fc.integer({ min: -700, max: 700 }),
    width: fc.integer({ min: 1, max: 20 }),
    height: fc.integer({ min: 1, max: 600 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(raster, { minLength: 1, maxLength: 5 }),
      fc.constantFrom(1, 3),
      async (places, bands) => {
        const names = Array.from(
          { length: bands },
          (_, i) => ({ name: `N${i}`, scale: 1, offset: 0 }),
        );
        const rasters = places.map(({ x, y, width, height }, number) => {
          const image = ndarray("uint8", [bands, height, width]);
          image.data.forEach((_, i) => {
            const value = (i * 7 + number) % 13;
            image.data[i] = value === 0 ? 255 : value + 20 * number;
          });
          return rasterAt(x, y, image, { bands: names });
        });
        const [{ spec }, found] = await mosaicOf(rasters);
        const left = Math.min(...places.map(({ x }) => x));
        const top = Math.min(...places.map(({ y }) => y));
        const expected = ndarray("uint8", [bands, spec.height, spec.width]);
        expected.data.fill(255);
        for (const [number, { x, y, width, height }] of [...places.entries()].toReversed()) {
          const { image, valid } = await rasters[number]!.read({ x: 0, y: 0, width, height });
          const pixels = image.data as Uint8Array;
          valid.data.forEach((isData, i) => {
            if (isData === 0) return;
            const row = y - top + Math.floor(i / width);
            const to = row * spec.width + x - left + i % width;
            for (let band = 0; band < bands; band++) {
              expected.data[band * spec.width * spec.height + to] =
                pixels[band * width * height + i]!;
            }
          });
        }
        assert.deepEqual(found, expected);
        const { transform } = spec.georeference;
        assert.deepEqual([transform![0], transform![3]], [
          500_000 + 10 * left,
          5_100_000 - 10 * top,
        ]);
      },
    ),
    { numRuns: 30 },
  );
});

Deno.test("a mosaic of maps is a class map with their classes; other rasters are none", () => {
  const image = ndarray("uint8", [1, 4, 4]);
  const classes = [{ name: "water", color: "#102030" }];
  const of = (...more: Partial<RasterInfo>[]) =>
    planMosaic(more.map((info, i) => rasterAt(4 * i, 0, image, info).info)).spec;
  assert.deepEqual(of({}, { classes }).classes, classes);
  assert.equal(of({}, {}).overviews, "mode");
  assert.equal(of({ bands: [{ name: "B04", scale: 1, offset: 0 }] }).overviews, undefined);
  assert.equal(of({ nodata: null }, {}).nodata, 255);
});

const WRONG: [Partial<RasterInfo>, RegExp][] = [
  [
    { classes: [{ name: "forest", color: "#102030" }] },
    /classes differ: forest #102030, the first/,
  ],
  [{ nodata: 0 }, /nodata differs: 0, the first has 255/],
  [{ bands: [{ name: "class", scale: 2, offset: 0 }] }, /scales and offsets differ/],
  [{ bands: [{ name: "B04", scale: 1, offset: 0 }] }, /bands differ: B04, the first has class/],
  [{ dtype: "int16" }, /element type differs: int16, the first has uint8/],
];
const PLACES: [Partial<RasterInfo["georeference"]>, RegExp][] = [
  [{ crs: "EPSG:32634" }, /CRS differs: EPSG:32634, the first has EPSG:32633/],
  [{ crs: null }, /CRS differs: unknown/],
  [{ transform: null }, /"b.tif" into a mosaic as it does not say where it lies/],
  [{ transform: [500_045, 10, 0, 5_100_000, 0, -10] }, /pixel grid differs/],
  [{ transform: [500_040, 20, 0, 5_100_000, 0, -20] }, /pixel grid differs/],
  [{ transform: [500_040, 10.1, 0, 5_100_000, 0, -10] }, /pixel grid differs/],
  [{ transform: [500_040, 10, 0, 5_100_000, 0, 10] }, /pixel grid differs/],
];
Deno.test("rasters that do not fit together are refused, and both sides named", () => {
  const image = ndarray("uint8", [1, 4, 4]);
  const classes = [{ name: "water", color: "#102030" }];
  const first = rasterAt(0, 0, image, { classes }).info;
  const { georeference } = first;
  const cases: [Partial<RasterInfo>, RegExp][] = [
    ...WRONG,
    ...PLACES.map(([part, message]): [Partial<RasterInfo>, RegExp] => [
      { georeference: { ...georeference, ...part } },
      message,
    ]),
  ];
  for (const [more, message] of cases) {
    const other = rasterAt(4, 0, image, { source: "b.tif", ...more }).info;
    assert.throws(() => planMosaic([first, other]), (error) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, message);
      return true;
    });
  }
});
