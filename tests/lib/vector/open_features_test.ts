/**
 * Reading vector files; what other tools write is read in `tests/peers/vector_test.ts`.
 */
import assert from "node:assert/strict";
import { type Feature, InputError, openFeatures } from "../../../mod.ts";

async function readText(text: string | Uint8Array, name = "zones.geojson") {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/${name}`;
    await Deno.writeFile(path, typeof text === "string" ? new TextEncoder().encode(text) : text);
    using reader = await openFeatures(path);
    const features: Feature[] = [];
    for await (const feature of reader.features()) features.push(feature);
    return { crs: reader.crs, count: reader.count, features };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const feature = (properties: unknown, coordinates = [[[0, 0], [1, 0], [1, 1], [0, 0]]]) => ({
  type: "Feature",
  properties,
  geometry: { type: "Polygon", coordinates },
});

const collection = (...features: unknown[]) =>
  JSON.stringify({ type: "FeatureCollection", features });

const names = ({ features }: { features: readonly Feature[] }) =>
  features.map(({ properties }) => properties.name);

Deno.test("a collection, whatever stands around its features", async () => {
  const text = `\ufeff{"name":"a]},\\"","features":  [ ${
    JSON.stringify(feature({ name: 'b}"]' }))
  } ,\n${JSON.stringify(feature({ name: "ü" }))}],"type":"FeatureCollection","n":1.5e3}\n`;
  assert.deepEqual(names(await readText(text)), ['b}"]', "ü"]);
});

Deno.test("every way to cut the bytes into chunks", async () => {
  const { jsonPieces } = await import("../../../lib/vector/json_elements.ts");
  const bytes = new TextEncoder().encode(
    `{"crs":null,"features":[{"a":"é\\\\\\""},{"b":[1,{"c":"]"}]}],"x":[],"y":12}\n{"z":true}`,
  );
  const cut = async (size: number) => {
    async function* chunks() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    }
    const pieces = [];
    for await (const piece of jsonPieces(chunks())) pieces.push(piece);
    return pieces;
  };
  const whole = await cut(bytes.length);
  assert.equal(whole.length, 8);
  for (let size = 1; size < bytes.length; size++) assert.deepEqual(await cut(size), whole);
});

Deno.test("the member crs, wherever it stands", async () => {
  const crs = { type: "name", properties: { name: "urn:ogc:def:crs:EPSG::2154" } };
  const before = JSON.stringify({ type: "FeatureCollection", crs, features: [] });
  const after = JSON.stringify({ type: "FeatureCollection", features: [feature({})], crs });
  assert.equal((await readText(before)).crs, "urn:ogc:def:crs:EPSG::2154");
  assert.equal((await readText(after)).crs, "urn:ogc:def:crs:EPSG::2154");
  assert.equal((await readText(collection())).crs, "EPSG:4326");
  const none = JSON.stringify({ type: "FeatureCollection", crs: null, features: [] });
  assert.equal((await readText(none)).crs, null);
});

Deno.test("newline-delimited, with and without record separators; single features; geometries", async () => {
  const lines = ["a", "b", "c"].map((name) => JSON.stringify(feature({ name })));
  assert.deepEqual(names(await readText(lines.join("\n"))), ["a", "b", "c"]);
  assert.deepEqual(names(await readText(lines.map((line) => `\x1e${line}\n`).join(""))), [
    "a",
    "b",
    "c",
  ]);
  assert.deepEqual(names(await readText(lines[0]!)), ["a"]);
  const { features } = await readText(`{"type": "Point", "coordinates": [1, 2, 3]}`);
  assert.deepEqual(features[0]?.geometry, { type: "Point", coordinates: [1, 2, 3] });
});

Deno.test("null geometry, missing properties, identifiers, rings that are not closed", async () => {
  const { features } = await readText(collection(
    { type: "Feature", id: 7, geometry: null, properties: null },
    { type: "Feature", id: "x", geometry: null },
    feature({}, [[[0, 0], [1, 0], [1, 1]]]),
  ));
  assert.deepEqual(features.map(({ id }) => id), [7, "x", null]);
  assert.equal(features[0]!.geometry, null);
  assert.deepEqual(
    features[2]!.geometry,
    { type: "Polygon", coordinates: [[[0, 0], [1, 0], [1, 1], [0, 0]]] },
  );
});

const FAULTS: readonly (readonly [what: string, text: string, message: RegExp])[] = [
  ["nothing", "", /it is empty/],
  ["no JSON", "hello", /is out of place|no GeoJSON object/],
  ["other JSON", `{"a": 1}`, /its type is missing, expected FeatureCollection/],
  ["a list", "[1, 2]", /no GeoJSON object/],
  ["TopoJSON", `{"type": "Topology"}`, /TopoJSON/],
  [
    "a trailing comma",
    `{"type":"FeatureCollection","features":[${JSON.stringify(feature({}))},]}`,
    /"]" at byte \d+ is out of place: expected a feature/,
  ],
  [
    "a missing comma",
    `{"type":"FeatureCollection","features":[{} {}]}`,
    /expected a comma or the end/,
  ],
  [
    "a text that is cut off",
    `{"type":"FeatureCollection","features":[{"type":"Feat`,
    /ends inside feature 1/,
  ],
  ["a feature that is none", collection(feature({}), 5), /feature 2 is 5/],
  ["another type of feature", collection({ type: "Fetaure" }), /feature 1 is of type "Fetaure"/],
  [
    "another type of geometry",
    collection({ ...feature({}), geometry: { type: "Circle" } }),
    /feature 1 is of type "Circle"/,
  ],
  ["a position of text", collection(feature({}, [[["0", "0"]]] as never)), /position \["0","0"\]/],
  [
    "a ring that is a position",
    collection(feature({}, [[0, 0]] as never)),
    /has 0 where Polygon has a position/,
  ],
  [
    "a linked CRS",
    `{"type":"FeatureCollection","crs":{"type":"link"},"features":[]}`,
    /CRS is given as "link"/,
  ],
  ["KML", "<?xml version='1.0'?><kml/>", /XML, such as KML/],
  ["a stray byte", "{\u0001", /byte 0x01 at byte 1/],
];

for (const [what, text, message] of FAULTS) {
  Deno.test(`${what} is named`, async () => {
    await assert.rejects(readText(text), (error: Error) => {
      assert.ok(error instanceof InputError, error.stack);
      assert.match(error.message, /^Cannot read ".*zones.geojson": /);
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("a file of another kind is named", async () => {
  await assert.rejects(readText("x", "zones.gpkg"), /it is no GeoPackage/);
  await assert.rejects(readText("PK\x03\x04", "zones.zip"), /a ZIP archive/);
  await assert.rejects(readText("x", "zones.dbf"), /a part of a shapefile/);
  await assert.rejects(openFeatures("/nowhere/zones.shp"), /no such file or directory/);
  await assert.rejects(openFeatures("/tmp"), /it is a directory/);
});

Deno.test("bytes cut off or changed in binary files are no fault of ours", async () => {
  const shp = new Uint8Array(200);
  const view = new DataView(shp.buffer);
  view.setInt32(0, 9994);
  view.setInt32(100, 1);
  view.setInt32(104, 46);
  view.setInt32(108, 5, true);
  view.setInt32(108 + 36, 0x7fffffff, true);
  await assert.rejects(readText(shp, "zones.shp"), /the geometry of feature 1 is damaged/);
  view.setInt32(104, 0x7ffffff);
  await assert.rejects(readText(shp, "zones.shp"), /ends inside feature 1/);
  const fgb = Uint8Array.of(0x66, 0x67, 0x62, 3, 0x66, 0x67, 0x62, 0, 0xff, 0xff, 0xff, 0x7f);
  await assert.rejects(readText(fgb, "zones.fgb"), /inside its header/);
});
