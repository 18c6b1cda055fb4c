/**
 * Reprojection; numbers of other systems are compared with PROJ's in `tests/peers/vector_test.ts`.
 */
import assert from "node:assert/strict";
import {
  createTransformation,
  geometryBounds,
  InputError,
  openCrs,
  reprojectGeometry,
  sameCrs,
  unwrapRing,
} from "../../../mod.ts";

Deno.test("names of the same system", async () => {
  for (
    const name of [
      "EPSG:32633",
      "32633",
      "urn:ogc:def:crs:EPSG::32633",
      "urn:ogc:def:crs:EPSG:9.8.3:32633",
      "http://www.opengis.net/def/crs/EPSG/0/32633",
      "http://www.opengis.net/gml/srs/epsg.xml#32633",
    ]
  ) assert.equal((await openCrs(name)).text, "EPSG:32633", name);
  for (const name of ["OGC:CRS84", "urn:ogc:def:crs:OGC:1.3:CRS84", "WGS84"]) {
    assert.equal((await openCrs(name)).text, "EPSG:4326", name);
  }
});

Deno.test("what cannot be used is named", async () => {
  await assert.rejects(openCrs("EPSG:99999", "a.shp"), /the CRS of "a.shp", EPSG:99999/);
  await assert.rejects(openCrs("Lambert"), /expected a code such as EPSG:2154, WKT or a PROJ/);
  await assert.rejects(openCrs("+proj=nonsense"), InputError);
  await assert.rejects(openCrs("EPSG:4978"), /no such horizontal system|no horizontal system/);
  await assert.rejects(openCrs("EPSG:5703"), InputError);
});

Deno.test("WKT and code of one system are the same, and coordinates stay as they are", async () => {
  const wkt =
    `PROJCS["WGS_1984_UTM_Zone_33N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",15.0],PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]`;
  const [a, b] = [await openCrs(wkt), await openCrs("EPSG:32633")];
  assert.equal(a.name, "WGS_1984_UTM_Zone_33N");
  // One is a Transverse Mercator and the other "utm": equal to a micrometre, if not by name.
  const [x, y] = (await createTransformation(a, b)).forward(600000, 5200000);
  assert.ok(Math.hypot(x - 600000, y - 5200000) < 1e-5, `${x}, ${y}`);
  assert.ok(await sameCrs(a, await openCrs(wkt.replace("WGS_1984_UTM", "UTM"))));
  assert.ok(!await sameCrs(a, await openCrs("EPSG:32632")));
  assert.ok(!await sameCrs(await openCrs("EPSG:4326"), await openCrs("EPSG:4277")));
});

Deno.test("edges that bend get vertices, others do not", async () => {
  const box = (west: number, south: number, east: number, north: number) => ({
    type: "Polygon" as const,
    coordinates: [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
  });
  const wide = await reprojectGeometry(box(10, 45, 20, 50), "EPSG:4326", "EPSG:32633", {
    tolerance: 1,
  });
  assert.ok(wide.type === "Polygon" && wide.coordinates[0]!.length > 40);
  // The parallel of 50° is highest off the central meridian.
  const straight = await reprojectGeometry(
    { type: "MultiPoint", coordinates: [[10, 50], [15, 50]] },
    "EPSG:4326",
    "EPSG:32633",
  );
  assert.ok(geometryBounds(wide)![3] >= geometryBounds(straight)![3]);
  const small = await reprojectGeometry(box(600000, 5000000, 600100, 5000100), "32633", "32634", {
    tolerance: 0.01,
  });
  assert.ok(small.type === "Polygon" && small.coordinates[0]!.length === 5);
});

Deno.test("what has no place there is named, or cut off first", async () => {
  const world = {
    type: "Polygon" as const,
    coordinates: [[[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]],
  };
  await assert.rejects(reprojectGeometry(world, "EPSG:4326", "EPSG:3857"), /has no place/);
  const part = await reprojectGeometry(world, "EPSG:4326", "EPSG:32633", {
    within: [14, 45, 16, 50],
  });
  const [west, , east] = geometryBounds(part)!;
  assert.ok(west > 400000 && east < 600000);
});

Deno.test("rings that cross the antimeridian, and rings that only are wide", () => {
  const xs = (ring: readonly (readonly number[])[]) => unwrapRing(ring).map(([x]) => x);
  assert.deepEqual(xs([[179, 0], [-179, 0], [-179, 1], [179, 1], [179, 0]]), [
    179,
    181,
    181,
    179,
    179,
  ]);
  const triangle = [[-179, 0], [179, 5], [178, 0], [-179, 0]];
  assert.deepEqual(xs(triangle), [-179, -181, -182, -179]);
  const box = [[-170, -60], [170, -60], [170, 60], [-170, 60], [-170, -60]];
  assert.equal(unwrapRing(box), box);
  const map = [[-180, -84], [0, -70], [180, -84], [180, -90], [-180, -90], [-180, -84]];
  assert.equal(unwrapRing(map), map);
  const pole = [[-120, 80], [0, 80], [120, 80], [-120, 80]];
  assert.deepEqual(unwrapRing(pole).slice(3), [[240, 80], [240, 90], [-120, 90], [-120, 80]]);
});
