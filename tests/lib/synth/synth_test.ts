import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { bytesOf, type NdArray } from "../../../lib/array/mod.ts";
import { type SyntheticScene, synthLandcover, synthRoads } from "../../../lib/synth/mod.ts";

function sha256(...arrays: NdArray[]): string {
  const hash = createHash("sha256");
  for (const array of arrays) hash.update(bytesOf(array));
  return hash.digest("hex").slice(0, 16);
}

/** The whole scene, put together from rows in pieces of the given size. */
function inPieces(scene: SyntheticScene, size: number): string[] {
  const pixels = scene.width * scene.height;
  const image = new Float64Array(scene.bands.length * pixels);
  const labels = new Uint8Array(pixels);
  for (let y = 0; y < scene.height; y += size) {
    const rows = scene.rows(y, Math.min(size, scene.height - y));
    const count = rows.labels.data.length;
    labels.set(rows.labels.data, y * scene.width);
    for (let band = 0; band < scene.bands.length; band++) {
      for (let index = 0; index < count; index++) {
        image[band * pixels + y * scene.width + index] = Number(
          rows.image.data[band * count + index],
        );
      }
    }
  }
  return [
    createHash("sha256").update(new Uint8Array(image.buffer)).digest("hex"),
    createHash("sha256").update(labels).digest("hex"),
  ];
}

// Golden hashes of this generator: a change here changes every fixture and tutorial made with it.
Deno.test("synthLandcover: the bytes of a seed do not change", () => {
  const { image, labels } = synthLandcover({ width: 96, height: 64, seed: 1 }).rows(0, 64);
  assert.equal(sha256(image, labels), "f40d4c479379f68b");
});

Deno.test("synthRoads: the bytes of a seed do not change", () => {
  const pictures = synthRoads({ seed: 1, count: 3 }).map((scene) => scene.rows(0, scene.height));
  assert.equal(
    sha256(...pictures.flatMap(({ image, labels }) => [image, labels])),
    "d7a6f9bcd560e624",
  );
});

Deno.test("synthLandcover: rows do not depend on how the scene is divided", () => {
  const make = () => synthLandcover({ width: 70, height: 53, seed: 8 });
  const whole = inPieces(make(), 53);
  for (const size of [1, 2, 7, 32]) assert.deepEqual(inPieces(make(), size), whole);
});

Deno.test("synthLandcover: rows asked for in any order are the same", () => {
  const width = 40;
  const scene = synthLandcover({ width, height: 900, seed: 2 });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 890 }),
      fc.integer({ min: 1, max: 5 }),
      (start, count) => {
        const fresh = synthLandcover({ width, height: 900, seed: 2 }).rows(start, count);
        const used = scene.rows(start, count);
        assert.equal(sha256(used.image, used.labels), sha256(fresh.image, fresh.labels));
      },
    ),
    { numRuns: 20 },
  );
});

Deno.test("synthLandcover: every class is there, and no data where labels are ignored", () => {
  const scene = synthLandcover({ width: 512, height: 512, seed: 3 });
  const { image, labels } = scene.rows(0, 512);
  const pixels = 512 * 512;
  const counts = new Map<number, number>();
  for (let index = 0; index < pixels; index++) {
    const label = labels.data[index]!;
    counts.set(label, (counts.get(label) ?? 0) + 1);
    for (let band = 0; band < scene.bands.length; band++) {
      const value = image.data[band * pixels + index];
      if ((value === scene.nodata) !== (label === 255)) assert.fail(`pixel ${index}, band ${band}`);
    }
  }
  for (const [label, { name }] of scene.classes.entries()) {
    assert.ok((counts.get(label) ?? 0) > 0.005 * pixels, `${name}: ${counts.get(label)}`);
  }
  assert.equal(counts.size, scene.classes.length + 1);
  assert.equal(
    scene.bands.map(({ name }) => name).join(" "),
    [
      "B01 B02 B03 B04 B05 B06 B07 B08 B8A B09 B10 B11 B12 DEM",
    ].join(),
  );
  assert.equal(scene.georeference.crs, "EPSG:32633");
  assert.deepEqual(scene.georeference.transform, [600000, 10, 0, 5200000, 0, -10]);
});

Deno.test("synthLandcover: plants are bright in the near infrared and water is dark", () => {
  const scene = synthLandcover({ width: 512, height: 256, seed: 4 });
  const { image, labels } = scene.rows(0, 256);
  const pixels = 512 * 256;
  const mean = (className: string, bandName: string) => {
    const label = scene.classes.findIndex(({ name }) => name === className);
    const band = scene.bands.findIndex(({ name }) => name === bandName);
    let sum = 0;
    let count = 0;
    labels.data.forEach((value, index) => {
      if (value !== label) return;
      sum += Number(image.data[band * pixels + index]);
      count++;
    });
    return sum / count;
  };
  for (const name of ["broadleaf forest", "conifer forest", "grassland"]) {
    assert.ok(mean(name, "B08") > 2 * mean(name, "B04"), name);
  }
  assert.ok(mean("water", "B08") < 0.6 * mean("water", "B04"));
  assert.ok(mean("broadleaf forest", "B08") > 1.15 * mean("conifer forest", "B08"));
});

Deno.test("synthLandcover: any size from 1x1", () => {
  for (const [width, height] of [[1, 1], [1, 9], [9, 1], [3, 2]] as const) {
    const { image, labels } = synthLandcover({ width, height, seed: 0 }).rows(0, height);
    assert.deepEqual(image.shape, [14, height, width]);
    assert.deepEqual(labels.shape, [height, width]);
  }
});

Deno.test("synthRoads: the first pictures do not depend on how many are made", () => {
  const [first] = synthRoads({ seed: 5 });
  const [again, other] = synthRoads({ seed: 5, count: 2 });
  assert.equal(sha256(first!.rows(0, 128).image), sha256(again!.rows(0, 128).image));
  assert.notEqual(sha256(first!.rows(0, 128).image), sha256(other!.rows(0, 128).image));
  assert.equal(other!.name, "roads-5-1");
  assert.deepEqual(inPieces(first!, 128), inPieces(first!, 3));
});

Deno.test("synthRoads: most pictures hold every class", () => {
  const counts = new Array(4).fill(0);
  for (const scene of synthRoads({ seed: 9, count: 20 })) {
    for (const label of new Set(scene.rows(0, scene.height).labels.data)) counts[label]++;
  }
  assert.equal(counts[0], 20);
  assert.equal(counts[1], 20);
  assert.ok(counts[2] >= 16, `vehicles in ${counts[2]} of 20`);
  assert.ok(counts[3] >= 16, `pedestrians in ${counts[3]} of 20`);
});

Deno.test("scenes refuse sizes, seeds and rows that cannot be", () => {
  for (const [width, height, seed] of [[0, 4, 1], [4, 1.5, 1], [4, 4, -1], [4, 4, NaN]] as const) {
    assert.throws(() => synthLandcover({ width, height, seed }), RangeError);
    assert.throws(() => synthRoads({ width, height, seed }), RangeError);
  }
  assert.throws(() => synthRoads({ seed: 1, count: 0 }), RangeError);
  const scene = synthLandcover({ width: 4, height: 4, seed: 1 });
  for (const [start, count] of [[-1, 2], [0, 5], [4, 1], [0, 0]] as const) {
    assert.throws(() => scene.rows(start, count), RangeError);
  }
});
