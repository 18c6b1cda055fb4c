import assert from "node:assert/strict";
import { createGeoTiff, type DataType, ndarray, openSceneFiles, randomStream } from "../../mod.ts";
import { withFolder } from "../lib/raster/support.ts";
import { peerTest, runPython } from "./python.ts";

interface Band {
  readonly name: string;
  readonly dtype: "uint8" | "uint16" | "int16" | "float32";
  readonly pixel: number;
  readonly corner: readonly [x: number, y: number];
  readonly size: readonly [width: number, height: number];
  readonly nodata: number | null;
  readonly method: "nearest" | "bilinear";
}

const CORNER = [500_000, 5_100_000] as const;
const BANDS: readonly Band[] = [
  ["B02", "uint16", 10, 0, 0, 120, 126, 0, "bilinear"],
  ["B05", "uint16", 20, 0, 0, 60, 63, 0, "bilinear"],
  ["B01", "uint16", 60, 0, 0, 20, 21, 0, "bilinear"],
  ["B06", "uint16", 20, 0, 0, 60, 63, null, "bilinear"],
  ["B09", "int16", 60, 0, 0, 20, 21, -32768, "bilinear"],
  ["B11", "float32", 30, 0, 0, 40, 42, -9999, "bilinear"],
  // As Landsat's bands lie on its panchromatic one: half a pixel off.
  ["B12", "uint16", 20, -5, 5, 61, 64, 0, "bilinear"],
  ["SCL", "uint8", 20, 0, 0, 60, 63, 255, "nearest"],
].map(([name, dtype, pixel, dx, dy, width, height, nodata, method]) => ({
  name,
  dtype,
  pixel,
  corner: [CORNER[0] + Number(dx), CORNER[1] + Number(dy)],
  size: [width, height],
  nodata,
  method,
} as unknown as Band));

/** Random numbers, with nodata in single pixels and in a block. */
function pixelsOf({ dtype, size: [width, height], nodata }: Band, seed: number) {
  const random = randomStream(seed, "bands");
  const pixels = ndarray<DataType>(dtype, [1, height, width]);
  const data = pixels.data as Float64Array;
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const isMissing = random.uniform(2 * i) < 0.03 || x < width / 5 && y > height / 2;
    if (nodata !== null && isMissing) data[i] = nodata;
    else {data[i] = dtype === "uint8"
        ? 1 + random.integer(2 * i + 1, 11)
        : 1 + random.uniform(2 * i + 1) * 10_000;}
  }
  return pixels;
}

peerTest("bands of other resolutions are resampled as GDAL's warper does it", [
  "rasterio",
  "numpy",
], async () => {
  await withFolder(async (folder) => {
    const paths: string[] = [];
    for (const [seed, band] of BANDS.entries()) {
      const path = `${folder}/${band.name}.tif`;
      using writer = await createGeoTiff(path, {
        width: band.size[0],
        height: band.size[1],
        dtype: band.dtype,
        bands: [{ name: "1", scale: 1, offset: 0 }],
        nodata: band.nodata,
        georeference: {
          crs: "EPSG:32633",
          transform: [band.corner[0], band.pixel, 0, band.corner[1], 0, -band.pixel],
          geoKeys: { directory: [1, 1, 0, 1, 3072, 0, 1, 32633], doubles: [], ascii: "" },
          pixelIsPoint: false,
        },
        classes: null,
      });
      await writer.writeRows(pixelsOf(band, seed));
      await writer.finish();
      paths.push(path);
    }
    const args = BANDS.flatMap(({ method }, index) => [paths[index]!, method]);
    const expected = await runPython("resample.py", [paths[0]!, ...args]);
    const scene = await openSceneFiles(paths);
    const { width, height } = scene.info;
    const size = width * height;
    const window = { x: 0, y: 0, width, height };
    for (const [index, band] of BANDS.entries()) {
      const start = index * size * 9;
      const values = new Float64Array(expected.slice(start, start + 8 * size).buffer);
      const mask = expected.subarray(start + 8 * size, start + 9 * size);
      const number = scene.info.bands.findIndex(({ name }) => name === band.name);
      const { image, valid } = await scene.read(window, [number]);
      assert.deepEqual(valid.data, new Uint8Array(mask), `${band.name}: where there is data`);
      for (let i = 0; i < size; i++) {
        if (mask[i] === 0) continue;
        const [found, exact] = [Number(image.data[i]), values[i]!];
        const what = `${band.name}, pixel ${i}: ${found}, ${exact}`;
        if (band.dtype === "float32") {
          assert(Math.abs(found - exact) <= 1e-6 * Math.abs(exact), what);
          continue;
        }
        // Halves are rounded up; what GDAL has as a half is one but for the last bits of a coordinate.
        const isHalf = Math.abs(exact - Math.floor(exact) - 0.5) < 1e-6;
        assert(found === Math.floor(exact + 0.5) || isHalf && Math.abs(found - exact) < 0.51, what);
      }
    }
    scene.close();
  });
});
