/** PNGs and JPEGs that Pillow writes, read as GDAL reads them. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { bytesOf, openRaster } from "swath";
import { readWhole, withFolder } from "../lib/raster/support.ts";
import { peerTest, runPythonJson } from "./python.ts";

interface Written {
  readonly path: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly nodata: number | null;
  readonly image: string;
}

peerTest(
  "pictures are read to the last bit",
  ["rasterio", "PIL"],
  () =>
    withFolder(async (folder) => {
      const files = await runPythonJson<Written[]>("pictures.py", [folder]);
      assert.ok(files.length > 15);
      const found: Written[] = [];
      for (const { path } of files) {
        const raster = await openRaster(path);
        const { image } = await readWhole(raster);
        found.push({
          path,
          shape: image.shape,
          dtype: image.dtype,
          nodata: raster.info.nodata,
          image: createHash("sha256").update(bytesOf(image)).digest("hex"),
        });
        raster.close();
      }
      assert.deepEqual(found, files);
    }),
);
