import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { ndarray } from "../../../lib/array/mod.ts";
import { classesFromNames } from "../../../lib/classes/mod.ts";
import { createGeoTiff } from "../../../lib/raster/mod.ts";
import { readReduced } from "../../../lib/render/read_reduced.ts";
import { Reducer } from "../../../lib/render/reducer.ts";

Deno.test("Reducer: averages of squares, whatever pieces they come in", () => {
  const image = ndarray("uint16", [1, 4, 4], Uint16Array.from({ length: 16 }, (_, i) => i));
  const whole = new Reducer({
    width: 4,
    height: 4,
    columns: 2,
    rows: 2,
    bands: 1,
    reduction: "average",
  });
  whole.add(image, undefined, 0, 0);
  assert.deepEqual([...whole.finish().image.data], [2.5, 4.5, 10.5, 12.5]);

  const pieces = new Reducer({
    width: 4,
    height: 4,
    columns: 2,
    rows: 2,
    bands: 1,
    reduction: "average",
  });
  for (const [x, y] of [[2, 2], [0, 2], [2, 0], [0, 0]] as const) {
    pieces.add(image, undefined, 0, 0, { x, y, width: 2, height: 2 });
  }
  assert.deepEqual(pieces.finish().image.data, whole.finish().image.data);
});

Deno.test("Reducer: pixels without data do not count; where there is none, there is none", () => {
  const reducer = new Reducer({
    width: 4,
    height: 1,
    columns: 2,
    rows: 1,
    bands: 1,
    reduction: "average",
  });
  const valid = ndarray("uint8", [1, 4], Uint8Array.of(1, 0, 0, 0));
  reducer.add(ndarray("float32", [1, 1, 4], Float32Array.of(5, NaN, 7, 7)), valid, 0, 0);
  const { image, valid: shown } = reducer.finish();
  assert.equal(image.data[0], 5);
  assert.deepEqual([...shown.data], [1, 0]);
});

Deno.test("Reducer: a class with most of the pixels wins its vote", () => {
  const votes = fc.tuple(
    fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 20 }),
    fc.integer({ min: 0, max: 254 }),
    fc.infiniteStream(fc.nat()),
  );
  fc.assert(fc.property(votes, ([others, winner, order]) => {
    const ballots = [...others, ...Array(others.length + 1).fill(winner) as number[]];
    const shuffled = ballots.map((vote) => ({ vote, at: order.next().value! }))
      .sort((a, b) => a.at - b.at).map(({ vote }) => vote);
    const reducer = new Reducer({
      width: shuffled.length,
      height: 1,
      columns: 1,
      rows: 1,
      bands: 1,
      reduction: "vote",
    });
    reducer.add(
      ndarray("uint8", [1, 1, shuffled.length], Uint8Array.from(shuffled)),
      undefined,
      0,
      0,
    );
    assert.equal(reducer.finish().image.data[0], winner);
  }));
});

Deno.test("readReduced: overviews are used, windows are cut, transforms are scaled", async () => {
  const directory = await Deno.makeTempDir();
  const path = join(directory, "map.tif");
  const [width, height] = [1100, 1300];
  const writer = await createGeoTiff(path, {
    width,
    height,
    dtype: "uint8",
    bands: [{ name: "1", scale: 1, offset: 0 }],
    nodata: 255,
    classes: classesFromNames(["left", "right"]),
    georeference: {
      crs: null,
      transform: [600000, 10, 0, 5200000, 0, -10],
      geoKeys: null,
      pixelIsPoint: false,
    },
  });
  const rows = ndarray("uint8", [1, height, width]);
  rows.data.forEach((_, index) => rows.data[index] = index % width < width / 2 ? 0 : 1);
  await writer.writeRows(rows);
  await writer.finish();

  const small = await readReduced(path, { maxSide: 130, reduction: "vote" });
  assert.deepEqual(small.image.shape, [1, 130, 110]);
  assert.ok(small.info.overviews.length > 0);
  assert.deepEqual([...small.image.data.subarray(53, 57)], [0, 0, 1, 1]);
  assert.deepEqual(small.transform, [600000, 100, 0, 5200000, 0, -100]);

  const part = await readReduced(path, {
    maxSide: 2000,
    reduction: "vote",
    window: { x: 548, y: 10, width: 4, height: 2 },
  });
  assert.deepEqual([...part.image.data], [0, 0, 1, 1, 0, 0, 1, 1]);
  assert.equal(part.transform?.[0], 605480);
  await assert.rejects(
    readReduced(path, {
      maxSide: 100,
      reduction: "vote",
      window: { x: 1000, y: 0, width: 200, height: 2 },
    }),
    { message: /Cannot show 200x2 pixels at 1000, 0 of .* which has 1100x1300/ },
  );
  await Deno.remove(directory, { recursive: true });
});
