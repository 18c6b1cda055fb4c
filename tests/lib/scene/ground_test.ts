import assert from "node:assert/strict";
import { join } from "node:path";
import { InputError, polygonsOnScene, reprojectGeometry, windowOfBounds } from "swath";
import { withFolder } from "../raster/support.ts";

const SCENE = {
  source: "scene.tif",
  width: 200,
  height: 100,
  georeference: {
    crs: "EPSG:32633",
    transform: [500_000, 10, 0, 5_100_000, 0, -10],
    geoKeys: null,
    pixelIsPoint: false,
  },
} as const;

async function refuses(work: Promise<unknown>, message: RegExp, hint?: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert(error instanceof InputError, String(error));
    assert.match(error.message, message);
    if (hint !== undefined) assert.match(error.hint ?? "", hint);
    return true;
  });
}

Deno.test("a rectangle on the ground is the pixels that it touches", async () => {
  const window = async (...bounds: [number, number, number, number]) => {
    const { x, y, width, height } = await windowOfBounds(SCENE, bounds);
    return [x, y, width, height];
  };
  assert.deepEqual(await window(500_000, 5_099_000, 502_000, 5_100_000), [0, 0, 200, 100]);
  // On the border of pixels there are none beside it, one step further there are.
  assert.deepEqual(await window(500_100, 5_099_800, 500_200, 5_099_900), [10, 10, 10, 10]);
  assert.deepEqual(await window(500_099, 5_099_799, 500_201, 5_099_901), [9, 9, 12, 12]);
  assert.deepEqual(await window(0, 0, 500_005, 9e6), [0, 0, 1, 100]);
  await refuses(
    windowOfBounds(SCENE, [15, 46, 15.1, 46.1]),
    /no pixel of it lies there: it covers 500000, 5099000, 502000, 5100000 of EPSG:32633/,
    /--bbox-crs/,
  );
});

Deno.test("a rectangle of degrees is all pixels that it reaches into", async () => {
  const corner = async (x: number, y: number) => {
    const point = { type: "Point", coordinates: [x, y] } as const;
    const moved = await reprojectGeometry(point, "EPSG:32633", "EPSG:4326");
    return (moved as typeof point).coordinates as unknown as [number, number];
  };
  const [west, south] = await corner(500_500, 5_099_500);
  const [east, north] = await corner(501_000, 5_099_800);
  const { x, y, width, height } = await windowOfBounds(
    SCENE,
    [west!, south!, east!, north!],
    "EPSG:4326",
  );
  // Parallels are curved in UTM: at most a pixel more.
  for (const [found, expected] of [[x, 50], [y, 20], [x + width, 100], [y + height, 50]]) {
    assert(Math.abs(found! - expected!) <= 1, `${[x, y, width, height]}`);
  }
  // A rectangle that the projection has no place for is taken where it has one.
  assert.deepEqual(await windowOfBounds(SCENE, [-179, -80, 179, 80], "EPSG:4326"), {
    x: 0,
    y: 0,
    width: 200,
    height: 100,
  });
  await refuses(
    windowOfBounds({ ...SCENE, georeference: { ...SCENE.georeference, crs: null } }, [
      15,
      46,
      16,
      47,
    ], "EPSG:4326"),
    /it does not name its CRS by a code/,
  );
  await refuses(
    windowOfBounds(
      { ...SCENE, georeference: { ...SCENE.georeference, transform: null } },
      [0, 0, 1, 1],
    ),
    /it does not say where it lies/,
  );
});

Deno.test("polygons of a file come in pixels of the scene, lines and points do not", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "area.geojson");
    const square = [[500_100, 5_099_900], [500_300, 5_099_900], [500_300, 5_099_500]];
    const ring = [...square, square[0]];
    const geometries = [
      { type: "Point", coordinates: [0, 0] },
      { type: "Polygon", coordinates: [ring] },
      { type: "MultiPolygon", coordinates: [[ring], [ring]] },
    ];
    await Deno.writeTextFile(
      path,
      JSON.stringify({
        type: "FeatureCollection",
        crs: { type: "name", properties: { name: "EPSG:32633" } },
        features: geometries.map((geometry) => ({ type: "Feature", properties: {}, geometry })),
      }),
    );
    const polygons = await polygonsOnScene(SCENE, path);
    assert.equal(polygons.length, 3);
    assert.deepEqual(polygons[0], [[[10, 10], [30, 10], [30, 50], [10, 10]]]);
    await Deno.writeTextFile(path, JSON.stringify(geometries[0]));
    await refuses(polygonsOnScene(SCENE, path), /there are no polygons in it/);
  });
});
