/**
 * Polygons of a class map against rasterio.features.shapes, which is GDAL's polygonize.
 */
import assert from "node:assert/strict";
import { createFeatures, openRaster, polygonizeMap } from "../../mod.ts";
import { peerTest, runPythonJson } from "./python.ts";

const PACKAGES = ["rasterio", "shapely", "pyogrio", "scipy"];

async function writePolygons(
  map: string,
  output: string,
  options: Parameters<typeof polygonizeMap>[1],
): Promise<void> {
  const reader = await openRaster(map);
  using writer = await createFeatures(output, {
    crs: "EPSG:32633",
    fields: [{ name: "class", type: "integer" }, { name: "pixels", type: "integer" }],
    overwrite: true,
  });
  for await (const { class: number, pixels, geometry } of polygonizeMap(reader, options)) {
    await writer.write({ geometry, properties: { class: number, pixels } });
  }
  await writer.finish();
  reader.close();
}

for (const connectivity of [4, 8] as const) {
  peerTest(`polygons of ${connectivity} neighbours are GDAL's`, PACKAGES, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await runPythonJson("polygonize.py", ["random", `${folder}/map.tif`]);
      await writePolygons(`${folder}/map.tif`, `${folder}/map.gpkg`, { connectivity });
      const found = await runPythonJson<{
        polygons: number;
        unequal: number;
        left: number;
        invalid: number;
        areas: Record<string, number>;
        pixels: Record<string, number>;
      }>("polygonize.py", [
        "compare",
        `${folder}/map.tif`,
        `${folder}/map.gpkg`,
        `${connectivity}`,
      ]);
      assert.ok(found.polygons > 500, `${found.polygons}`);
      assert.equal(found.unequal, 0);
      assert.equal(found.left, 0);
      assert.equal(found.invalid, 0);
      for (const [value, pixels] of Object.entries(found.pixels)) {
        assert.equal(found.areas[value], pixels * 100, `class ${value}`);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

peerTest("simplified polygons leave no gaps and do not overlap", PACKAGES, async () => {
  const folder = await Deno.makeTempDir();
  try {
    await runPythonJson("polygonize.py", ["random", `${folder}/map.tif`]);
    await writePolygons(`${folder}/map.tif`, `${folder}/map.fgb`, { tolerance: 0.8 });
    const found = await runPythonJson<
      { polygons: number; invalid: number; area: number; union: number; points: number }
    >("polygonize.py", ["simple", `${folder}/map.fgb`]);
    assert.equal(found.invalid, 0);
    assert.ok(Math.abs(found.area - found.union) < 1e-6 * found.area, JSON.stringify(found));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
