/** GeoTIFFs that GDAL writes, read to the last bit: pixels, masks, names, georeference. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { bytesOf, type NdArray, openRaster } from "swath";
import { readWhole, withFolder } from "../lib/raster/support.ts";
import { peerTest, runPythonJson } from "./python.ts";

interface Written {
  readonly path: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly image: string;
  readonly valid: string;
  readonly nodata: string | null;
  readonly descriptions: readonly (string | null)[];
  readonly scales: readonly number[];
  readonly offsets: readonly number[];
  readonly epsg: number | null;
  readonly transform: readonly number[];
  readonly overviews: number;
}

const digest = (array: NdArray) => createHash("sha256").update(bytesOf(array)).digest("hex");

peerTest(
  "what rasterio writes is read as GDAL reads it",
  ["rasterio"],
  () =>
    withFolder(async (folder) => {
      const files = await runPythonJson<Written[]>("raster_read.py", [folder]);
      const wrong: string[] = [];
      for (const { path, ...written } of files) {
        const raster = await openRaster(path);
        const { image, valid } = await readWhole(raster);
        const { info } = raster;
        raster.close();
        const nodata = info.nodata === null ? null : info.nodata;
        const found: Omit<Written, "path"> = {
          shape: image.shape,
          dtype: image.dtype,
          image: digest(image),
          valid: digest(valid),
          nodata: nodata === null ? null : String(nodata),
          descriptions: info.bands.map(({ name }, index) =>
            name === String(index + 1) ? null : name
          ),
          scales: info.bands.map(({ scale }) => scale),
          offsets: info.bands.map(({ offset }) => offset),
          epsg: info.georeference.crs === null ? null : Number(info.georeference.crs.slice(5)),
          transform: info.georeference.transform ?? [0, 1, 0, 0, 0, 1],
          overviews: info.overviews.length,
        };
        const expected = {
          ...written,
          // Python writes whole floats with a fraction, and exponents with a sign.
          nodata: written.nodata === null
            ? null
            : String(Number(written.nodata.replace("nan", "NaN"))),
        };
        for (const key of Object.keys(found) as (keyof typeof found)[]) {
          if (JSON.stringify(found[key]) !== JSON.stringify(expected[key])) {
            wrong.push(
              `${path.slice(folder.length + 1)}: ${key} is ${
                JSON.stringify(found[key])
              } instead of ${JSON.stringify(expected[key])}`,
            );
          }
        }
      }
      assert.ok(files.length > 570);
      assert.deepEqual(wrong, []);
    }),
);
