/** A scene's checksum, by which other pixels under the same names are noticed. */
import assert from "node:assert/strict";
import { createGeoTiff, encodePng, ndarray, openRaster, openSceneFiles } from "swath";
import { withFolder } from "../raster/support.ts";

const SIDE = 64;

/** Write a band that is all of one value but for its first pixels. */
async function writeBand(path: string, first: number): Promise<void> {
  using writer = await createGeoTiff(path, {
    width: SIDE,
    height: SIDE,
    dtype: "uint8",
    bands: [{ name: path.slice(-7, -4), scale: 1, offset: 0 }],
    nodata: null,
    georeference: { crs: null, transform: null, geoKeys: null, pixelIsPoint: false },
    classes: null,
    overviews: "none",
    overwrite: true,
  });
  const rows = ndarray("uint8", [1, SIDE, SIDE]);
  rows.data.fill(1);
  for (let i = 0; i < first; i++) rows.data[i] = 50 + i;
  await writer.writeRows(rows);
  await writer.finish();
}

async function checksumOf(paths: readonly string[]): Promise<number | null | undefined> {
  const scene = await openSceneFiles(paths);
  scene.close();
  return scene.checksum;
}

Deno.test("checksum: that of a GeoTIFF, or of the files of a scene, changes with what they hold", () =>
  withFolder(async (folder) => {
    const [a, b] = [`${folder}/B01.tif`, `${folder}/B02.tif`];
    for (const paths of [[a], [a, b]]) {
      await writeBand(a, 0);
      await writeBand(b, 0);
      const before = await checksumOf(paths);
      assert.equal(typeof before, "number");
      await writeBand(a, 0);
      assert.equal(await checksumOf(paths), before);
      await writeBand(paths.at(-1)!, 20);
      assert.notEqual(await checksumOf(paths), before);
    }
  }));

Deno.test("checksum: a PNG has none", () =>
  withFolder(async (folder) => {
    const path = `${folder}/a.png`;
    await Deno.writeFile(path, encodePng(ndarray("uint8", [1, 1, 2])));
    const raster = await openRaster(path);
    raster.close();
    assert.equal(raster.checksum, null);
  }));
