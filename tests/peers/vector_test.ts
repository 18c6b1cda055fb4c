/**
 * Vector files against GDAL (pyogrio), coordinates against PROJ (pyproj).
 */
import assert from "node:assert/strict";
import {
  createFeatures,
  createTransformation,
  type Feature,
  type Geometry,
  geometryBounds,
  openCrs,
  openFeatures,
  polygonsOf,
  sameCrs,
} from "../../mod.ts";
import { peerTest, runPythonJson } from "./python.ts";

interface PeerFeature {
  readonly properties: Record<string, unknown>;
  readonly area: number;
  readonly points: number;
  readonly bounds: readonly number[];
}

interface PeerLayer {
  readonly crs: string;
  readonly fields: readonly string[];
  readonly features: readonly PeerFeature[];
}

function planarArea(geometry: Geometry): number {
  return polygonsOf(geometry).flat().reduce((sum, ring) => {
    let double = 0;
    const [x0 = 0, y0 = 0] = ring[0]!;
    for (let i = 1; i < ring.length; i++) {
      const [[xa = 0, ya = 0], [xb = 0, yb = 0]] = [ring[i - 1]!, ring[i]!];
      double += (xa - x0) * (yb - y0) - (xb - x0) * (ya - y0);
    }
    return sum + double / 2;
  }, 0);
}

peerTest("layers that GDAL wrote", ["pyogrio", "shapely"], async () => {
  const folder = await Deno.makeTempDir();
  try {
    const layers = await runPythonJson<Record<string, PeerLayer>>("vector.py", ["write", folder]);
    for (const [name, expected] of Object.entries(layers)) {
      using reader = await openFeatures(`${folder}/${name}`);
      const features: Feature[] = [];
      for await (const feature of reader.features()) features.push(feature);
      assert.equal(features.length, 40, name);
      assert.ok(await sameOrNear(reader.crs!, expected.crs), `${name}: ${reader.crs}`);
      if (reader.count !== null) assert.equal(reader.count, 40, name);
      for (const peer of expected.features) {
        // The index of FlatGeobuf sorts the features, for both readers alike.
        const feature = features[expected.features.indexOf(peer)]!;
        for (const [key, value] of Object.entries(peer.properties)) {
          const found = feature.properties[key];
          if (typeof value === "number") {
            assert.ok(Math.abs(Number(found) - value) < 1e-9 * Math.abs(value) + 1e-12, name);
          } else assert.equal(typeof value === "boolean" ? Boolean(found) : found, value, name);
        }
        const bounds = geometryBounds(feature.geometry!)!;
        bounds.forEach((bound, i) => assert.equal(bound, peer.bounds[i]));
        // Outer rings and holes run either way, so that only their difference counts.
        const area = polygonsOf(feature.geometry!).reduce((sum, [outer, ...holes]) => {
          const size = (ring: readonly (readonly number[])[]) =>
            Math.abs(planarArea({ type: "Polygon", coordinates: [ring] }));
          return sum + size(outer!) - holes.reduce((total, hole) => total + size(hole), 0);
        }, 0);
        assert.ok(Math.abs(area - peer.area) <= 1e-6 * peer.area, `${name}: ${area} ${peer.area}`);
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function sameOrNear(one: string, other: string): Promise<boolean> {
  const [a, b] = [await openCrs(one), await openCrs(other)];
  if (await sameCrs(a, b)) return true;
  const [x, y] = (await createTransformation(a, b)).forward(600000, 5200000);
  return Math.hypot(x - 600000, y - 5200000) < 1e-4;
}

/** A place in each area of use, and how many metres the two may differ. */
const SYSTEMS: readonly (readonly [code: number, place: [number, number], metres: number])[] = [
  [32633, [16.2, 47.1], 1e-3],
  [32760, [179.4, -17.3], 1e-3],
  [3857, [6.1, 49.2], 1e-3],
  [2154, [6.1, 49.2], 1e-3],
  [3035, [6.1, 49.2], 1e-3],
  [25832, [9.3, 52.4], 1e-3],
  [2180, [19.2, 52.1], 1e-3],
  [3006, [16.5, 60.3], 1e-3],
  [21781, [8.1, 46.9], 1.5],
  [2056, [8.1, 46.9], 1e-2],
  [31370, [4.4, 50.6], 1.5],
  [28992, [5.4, 52.1], 1.5],
  [27700, [-1.6, 53.2], 5],
  [31467, [9.2, 51.1], 5],
  [5514, [15.1, 49.8], 10],
  [3413, [-45.2, 75.1], 1e-3],
  [3031, [120.3, -80.2], 1e-3],
  [5070, [-96.2, 38.4], 2],
  [6933, [20.1, 10.2], 1e-3],
  [3577, [140.2, -25.1], 2],
  [2193, [174.2, -40.3], 1],
  [3978, [-95.1, 60.3], 2],
  [2263, [-74.0, 40.7], 5],
  [8857, [20.1, 10.2], 1e-3],
];

peerTest("coordinates in systems of all kinds", ["pyproj"], async () => {
  const requests = SYSTEMS.map(([code, place]) => ["EPSG:4326", `EPSG:${code}`, [place]]);
  const stdin = new TextEncoder().encode(JSON.stringify(requests));
  const moved = await runPythonJson<number[][][]>("vector.py", ["transform"], { stdin });
  const wgs84 = await openCrs("EPSG:4326");
  const wrong: string[] = [];
  for (const [i, [code, place, metres]] of SYSTEMS.entries()) {
    const crs = await openCrs(`EPSG:${code}`);
    const transformation = await createTransformation(wgs84, crs);
    const [x, y] = transformation.forward(...place);
    const [[px = NaN, py = NaN] = []] = moved[i]!;
    const distance = Math.hypot(x - px, y - py) * crs.metersPerUnit;
    if (!(distance <= metres)) wrong.push(`EPSG:${code} is off by ${distance} m`);
    const [lon, lat] = transformation.inverse(x, y);
    if (!(Math.hypot(lon - place[0], lat - place[1]) < 1e-7)) wrong.push(`EPSG:${code} back`);
  }
  assert.deepEqual(wrong, []);
});

peerTest("layers that GDAL reads", ["pyogrio", "shapely"], async () => {
  const folder = await Deno.makeTempDir();
  const square = (x: number, y: number, side: number) =>
    [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]] as const;
  const features: Omit<Feature, "id">[] = [
    {
      geometry: {
        type: "Polygon",
        coordinates: [square(600000, 5200000, 100), square(600010, 5200010, 20).toReversed()],
      },
      properties: { name: "Zoné ‰", count: 12, share: 0.25, whole: true },
    },
    {
      geometry: {
        type: "MultiPolygon",
        coordinates: [[square(601000, 5200000, 10)], [square(602000, 5200000, 20)]],
      },
      properties: { name: null, count: null, share: -1e-9, whole: false },
    },
    { geometry: null, properties: { name: "nowhere", count: -5, share: null, whole: null } },
  ];
  try {
    for (const name of ["a.gpkg", "a.fgb", "a.geojson"]) {
      using writer = await createFeatures(`${folder}/${name}`, {
        crs: "EPSG:32633",
        fields: [
          { name: "name", type: "string" },
          { name: "count", type: "integer" },
          { name: "share", type: "real" },
          { name: "whole", type: "boolean" },
        ],
      });
      for (const feature of features) await writer.write(feature);
      await writer.finish();
      const found = await runPythonJson<PeerLayer & { features: { valid: boolean | null }[] }>(
        "vector.py",
        ["read", `${folder}/${name}`],
      );
      assert.equal(found.crs, name.endsWith("json") ? "EPSG:4326" : "EPSG:32633");
      assert.deepEqual(found.fields, ["name", "count", "share", "whole"]);
      assert.equal(found.features.length, 3, name);
      for (const [i, { properties }] of features.entries()) {
        const read = found.features[i]!;
        for (const [key, value] of Object.entries(properties)) {
          // Columns of numbers without a value are read as columns of floats, and truths likewise.
          const same = value === null || typeof value === "boolean"
            ? Boolean(read.properties[key]) === Boolean(value)
            : read.properties[key] === value;
          assert.ok(same, `${name}: ${key} is ${read.properties[key]}, not ${value}`);
        }
      }
      assert.equal(found.features[0]!.valid, true, name);
      if (!name.endsWith("json")) {
        assert.deepEqual(found.features.map(({ area }) => area), [9600, 500, null]);
      }
      using again = await openFeatures(`${folder}/${name}`);
      let count = 0;
      for await (const { properties } of again.features()) {
        assert.deepEqual(properties, features[count++]!.properties, name);
      }
      assert.equal(count, 3);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
