/**
 * Zonal statistics against exactextract and rasterstats: random polygons over random rasters,
 * rasterstats' own test data, and French communes over a scene.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  countZoneClasses,
  type CoverageRule,
  createGeoTiff,
  ndarray,
  openFeatures,
  openRaster,
  type PlacedZones,
  placeZones,
  type PlaceZonesOptions,
  summarizeZoneValues,
  synthLandcover,
} from "../../mod.ts";
import { peerTest, runPythonJson } from "./python.ts";

const DATA = fileURLToPath(new URL("../../../shared/data", import.meta.url));
const hasData = await Deno.stat(DATA).then(() => true, () => false);

type PeerZone = Record<string, number | null | readonly number[] | Record<string, number>>;

async function withZones<T>(
  raster: string,
  zones: string,
  options: PlaceZonesOptions,
  work: (reader: Awaited<ReturnType<typeof openRaster>>, placed: PlacedZones) => Promise<T>,
): Promise<T> {
  const reader = await openRaster(raster);
  try {
    using layer = await openFeatures(zones);
    using placed = await placeZones(layer, {
      source: raster,
      width: reader.info.width,
      height: reader.info.height,
      georeference: reader.info.georeference,
    }, options);
    return await work(reader, placed);
  } finally {
    reader.close();
  }
}

const ourValues = (raster: string, zones: string, options: PlaceZonesOptions) =>
  withZones(raster, zones, options, async (reader, placed) => {
    const [first] = await summarizeZoneValues(reader, placed, {
      bands: [0],
      percentiles: [50, 10, 90],
    });
    return first!;
  });

const ourClasses = (raster: string, zones: string, options: PlaceZonesOptions) =>
  withZones(raster, zones, options, (reader, placed) => countZoneClasses(reader, placed));

function near(found: number | null, expected: unknown, what: string, tolerance = 2e-6): void {
  if (expected === null || expected === undefined) {
    assert.ok(found === null || found === 0, `${what}: ${found}, not nothing`);
    return;
  }
  const value = Number(expected);
  // exactextract keeps shares as 32-bit numbers.
  assert.ok(
    found !== null && Math.abs(found - value) <= tolerance * Math.max(1, Math.abs(value)),
    `${what}: ${found}, not ${value}`,
  );
}

async function hasIntegers(raster: string): Promise<boolean> {
  const reader = await openRaster(raster);
  reader.close();
  return !reader.info.dtype.startsWith("float");
}

async function compareExact(
  raster: string,
  zones: string,
  options: PlaceZonesOptions = {},
  classes = false,
  peerZones = zones,
  tolerance = 2e-6,
): Promise<number> {
  const peer = await runPythonJson<PeerZone[]>("zones.py", ["exact", raster, peerZones]);
  const values = await ourValues(raster, zones, options);
  const integers = await hasIntegers(raster);
  assert.equal(values.length, peer.length);
  for (const [i, expected] of peer.entries()) {
    const found = values[i]!;
    const what = (name: string) => `${raster}, zone ${i + 1}, ${name}`;
    near(found.count, expected.count, what("count"), 5 * tolerance);
    // exactextract has no sum of nothing, we have 0.
    near(found.sum, expected.sum ?? 0, what("sum"), 5 * tolerance);
    near(found.min, expected.min, what("min"), 5 * tolerance);
    near(found.max, expected.max, what("max"), 5 * tolerance);
    near(found.mean, expected.mean, what("mean"), 5 * tolerance);
    near(found.std, expected.stdev, what("stdev"), 5 * tolerance);
    ["median", "quantile_10", "quantile_90"].forEach((name, p) => {
      const value = found.percentiles[p]!;
      // exactextract cuts the percentiles of integers to integers.
      const cut = integers && value !== null ? Math.trunc(value + 1e-5 * Math.sign(value)) : value;
      near(cut, expected[name], what(name), 5 * tolerance);
    });
  }
  if (!classes) return peer.length;
  const counted = await ourClasses(raster, zones, options);
  for (const [i, expected] of peer.entries()) {
    const found = counted[i]!;
    const unique = expected.unique as readonly number[] ?? [];
    const shares = expected.frac as readonly number[] ?? [];
    assert.equal(found.classes.length, unique.length);
    for (const [j, value] of unique.entries()) {
      const share = found.classes.find((entry) => entry.class === value)!.pixels / found.pixels;
      near(share, shares[j], `${raster}, zone ${i + 1}, class ${value}`, tolerance);
    }
    if (found.pixels > 0) {
      const majority = found.classes.find((entry) => entry.class === expected.majority)!;
      near(Math.max(...found.classes.map(({ pixels }) => pixels)), majority.pixels, "majority");
    }
  }
  return peer.length;
}

async function compareGdal(
  rule: CoverageRule,
  raster: string,
  zones: string,
  classes = false,
  options: PlaceZonesOptions = {},
) {
  const peer = await runPythonJson<PeerZone[]>("zones.py", [rule, raster, zones]);
  const values = await ourValues(raster, zones, { ...options, rule });
  assert.equal(values.length, peer.length);
  for (const [i, expected] of peer.entries()) {
    const found = values[i]!;
    const what = (name: string) => `${rule}, ${raster}, zone ${i + 1}, ${name}`;
    assert.equal(found.count, expected.count, what("count"));
    for (const name of ["min", "max", "mean", "std", "sum"] as const) {
      if (found.count > 0) near(found[name], expected[name], what(name), 1e-5);
    }
    near(found.percentiles[0]!, expected.median, what("median"), 1e-6);
    near(found.percentiles[1]!, expected.percentile_10, what("10 %"), 1e-6);
    near(found.percentiles[2]!, expected.percentile_90, what("90 %"), 1e-6);
  }
  if (!classes) return;
  const counted = await ourClasses(raster, zones, { ...options, rule });
  for (const [i, expected] of peer.entries()) {
    assert.deepEqual(
      Object.fromEntries(counted[i]!.classes.map((entry) => [String(entry.class), entry.pixels])),
      expected.classes,
      `${rule}, ${raster}, zone ${i + 1}`,
    );
  }
}

async function withRandom(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    assert.ok(await runPythonJson<number>("zones.py", ["random", folder]) > 80);
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

peerTest(
  "random polygons, exact",
  ["exactextract", "rasterio", "shapely"],
  () =>
    withRandom(async (folder) => {
      await compareExact(`${folder}/classes.tif`, `${folder}/zones.geojson`, {}, true);
      await compareExact(`${folder}/values.tif`, `${folder}/zones.geojson`);
      await compareExact(`${folder}/integers.tif`, `${folder}/zones.geojson`, { stripRows: 7 });
    }),
);

for (const rule of ["centre", "all-touched"] as const) {
  peerTest(
    `random polygons, ${rule}`,
    ["rasterstats", "rasterio", "shapely"],
    () =>
      withRandom(async (folder) => {
        await compareGdal(rule, `${folder}/classes.tif`, `${folder}/zones.geojson`, true);
        await compareGdal(rule, `${folder}/values.tif`, `${folder}/zones.geojson`);
        await compareGdal(rule, `${folder}/integers.tif`, `${folder}/zones.geojson`);
      }),
  );
}

if (hasData) {
  for (const rule of ["centre", "all-touched"] as const) {
    peerTest(`rasterstats' polygons, ${rule}`, ["rasterstats", "fiona"], async () => {
      // Their shapefiles and rasters say different systems and mean the same.
      for (const zones of ["polygons.shp", "multipolygons.shp", "featurecollection.geojson"]) {
        for (const raster of ["slope.tif", "slope_nodata.tif", "slope_classes.tif"]) {
          await compareGdal(
            rule,
            `${DATA}/zonal/${raster}`,
            `${DATA}/zonal/${zones}`,
            raster === "slope_classes.tif",
            { zonesCrs: "EPSG:26911", rasterCrs: "EPSG:26911" },
          );
        }
      }
    });
  }

  peerTest("rasterstats' polygons, exact", ["exactextract", "rasterio"], async () => {
    for (const raster of ["slope.tif", "slope_nodata.tif", "slope_classes.tif"]) {
      const options = { zonesCrs: "EPSG:26911", rasterCrs: "EPSG:26911" };
      const zones = `${DATA}/zonal/featurecollection.geojson`;
      assert.equal(await compareExact(`${DATA}/zonal/${raster}`, zones, options), 2);
    }
  });

  peerTest("French communes over a scene", ["exactextract", "pyproj", "shapely"], async () => {
    const folder = await Deno.makeTempDir();
    try {
      const size = 1024;
      const { rows, classes } = synthLandcover({ width: size, height: size, seed: 4 });
      using writer = await createGeoTiff(`${folder}/map.tif`, {
        width: size,
        height: size,
        dtype: "uint8",
        bands: [{ name: "class", scale: 1, offset: 0 }],
        nodata: 255,
        georeference: {
          crs: "EPSG:32632",
          transform: [290000, 30, 0, 5460000, 0, -30],
          geoKeys: {
            directory: [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32632],
            doubles: [],
            ascii: "",
          },
          pixelIsPoint: false,
        },
        classes,
      });
      await writer.writeRows(ndarray("uint8", [1, size, size], rows(0, size).labels.data));
      await writer.finish();
      const communes = `${DATA}/vectors/communes-57-moselle.geojson`;
      const projected = `${folder}/communes.geojson`;
      await runPythonJson("zones.py", ["project", communes, "EPSG:32632", projected]);
      // Both their way and ours from degrees: edges of communes are so short that they hardly bend.
      await compareExact(`${folder}/map.tif`, projected, {}, true);
      await compareExact(`${folder}/map.tif`, communes, {}, true, projected, 2e-4);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
} else {
  Deno.test({
    name: "rasterstats' polygons, communes (skipped: no shared data)",
    ignore: true,
    fn() {},
  });
}
