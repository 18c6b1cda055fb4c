/**
 * Polygons of class maps; GDAL's are compared with in `tests/peers/polygonize_test.ts`.
 */
import assert from "node:assert/strict";
import {
  encodePng,
  type Geometry,
  ndarray,
  openRaster,
  polygonizeMap,
  type PolygonizeOptions,
  polygonsOf,
  type RegionPolygon,
} from "../../../mod.ts";

async function polygonize(
  rows: readonly string[],
  options: PolygonizeOptions = {},
): Promise<RegionPolygon[]> {
  const width = rows[0]!.length;
  const data = Uint8Array.from(rows.join(""), Number);
  const path = await Deno.makeTempFile({ suffix: ".png" });
  await Deno.writeFile(path, encodePng(ndarray("uint8", [rows.length, width, 1], data)));
  const map = await openRaster(path);
  try {
    return await Array.fromAsync(polygonizeMap(map, options));
  } finally {
    map.close();
    await Deno.remove(path);
  }
}

function area(geometry: Geometry): number {
  let sum = 0;
  for (const ring of polygonsOf(geometry).flat()) {
    for (let i = 1; i < ring.length; i++) {
      sum += ring[i]![0]! * ring[i - 1]![1]! - ring[i - 1]![0]! * ring[i]![1]!;
    }
  }
  return sum / 2;
}

const ringCounts = ({ geometry }: RegionPolygon) =>
  polygonsOf(geometry).map((rings) => rings.length);

Deno.test("a single region is the outline of the map", async () => {
  const [only, ...others] = await polygonize(["33", "33"]);
  assert.equal(others.length, 0);
  assert.deepEqual(only!.geometry, {
    type: "Polygon",
    coordinates: [[[0, 0], [0, 2], [2, 2], [2, 0], [0, 0]]],
  });
});

Deno.test("holes, islands in them, and holes that touch the outside at a corner", async () => {
  const found = await polygonize(["11111", "12221", "12321", "12221", "11111"]);
  assert.deepEqual(found.map((region) => [region.class, region.pixels, ...ringCounts(region)]), [
    [3, 1, 1],
    [2, 8, 2],
    [1, 16, 2],
  ]);
  const pinched = await polygonize(["1110", "1010", "1101", "1111"]);
  const one = pinched.find((region) => region.class === 1 && region.pixels > 5)!;
  assert.equal(area(one.geometry), one.pixels);
  // Two holes that touch one another, and one of them the outside.
  assert.deepEqual(ringCounts(one), [3]);
});

Deno.test("regions that touch at corners only: two, or one of two parts", async () => {
  const four = await polygonize(["10", "01"]);
  assert.equal(four.length, 4);
  const eight = await polygonize(["10", "01"], { connectivity: 8 });
  assert.equal(eight.length, 2);
  for (const { geometry } of eight) {
    assert.equal(geometry.type, "MultiPolygon");
    assert.equal(area(geometry), 2);
  }
});

Deno.test("every pixel is in one polygon of its class, whatever the map", async () => {
  let state = 7;
  const random = (below: number) => (state = state * 48271 % 2147483647) % below;
  for (let round = 0; round < 60; round++) {
    const [width, height, classes] = [1 + random(12), 1 + random(12), 1 + random(3)];
    const rows = Array.from(
      { length: height },
      () => Array.from({ length: width }, () => random(classes + 1)).join(""),
    );
    for (const connectivity of [4, 8] as const) {
      const found = await polygonize(rows, { connectivity });
      const covered = new Map<string, number>();
      for (const { class: value, pixels, geometry } of found) {
        assert.equal(area(geometry), pixels, rows.join("/"));
        for (const [outer, ...holes] of polygonsOf(geometry)) {
          for (const ring of [outer!, ...holes]) {
            const corners = ring.slice(1).map(String);
            assert.equal(
              new Set(corners).size,
              corners.length,
              `touches itself: ${rows.join("/")}`,
            );
          }
        }
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            if (inside(geometry, x + 0.5, y + 0.5)) {
              const key = `${x},${y}`;
              assert.ok(!covered.has(key), `covered twice: ${key} of ${rows.join("/")}`);
              covered.set(key, value);
            }
          }
        }
      }
      rows.forEach((row, y) =>
        [...row].forEach((value, x) => assert.equal(covered.get(`${x},${y}`), Number(value)))
      );
    }
  }
});

function inside(geometry: Geometry, x: number, y: number): boolean {
  let odd = false;
  for (const ring of polygonsOf(geometry).flat()) {
    for (let i = 1; i < ring.length; i++) {
      const [xa, ya, xb, yb] = [ring[i - 1]![0]!, ring[i - 1]![1]!, ring[i]![0]!, ring[i]![1]!];
      if (ya > y !== yb > y && x < xa + (xb - xa) * (y - ya) / (yb - ya)) odd = !odd;
    }
  }
  return odd;
}

Deno.test("simplified neighbours keep the same border, and areas add up", async () => {
  const size = 60;
  const rows = Array.from(
    { length: size },
    (_, y) =>
      Array.from({ length: size }, (_, x) => {
        const distance = Math.hypot(x - 30, y - 25);
        return distance < 12 ? 1 : x + 0.6 * y > 55 ? 2 : 3;
      }).join(""),
  );
  const exact = await polygonize(rows);
  const simple = await polygonize(rows, { tolerance: 1 });
  const points = (found: readonly RegionPolygon[]) =>
    found.reduce((sum, { geometry }) => sum + polygonsOf(geometry).flat(2).length, 0);
  assert.ok(points(simple) < points(exact) / 3, `${points(simple)} of ${points(exact)}`);
  const whole = simple.reduce((sum, { geometry }) => sum + area(geometry), 0);
  assert.ok(Math.abs(whole - size * size) < 1e-9, `a gap or an overlap: ${whole}`);
  // Each edge in the map is walked along once in either direction, but for those of the outline.
  const edges = new Map<string, number>();
  for (const ring of simple.flatMap(({ geometry }) => polygonsOf(geometry).flat())) {
    for (let i = 1; i < ring.length; i++) {
      const key = [String(ring[i - 1]), String(ring[i])].sort().join(" ");
      edges.set(key, (edges.get(key) ?? 0) + 1);
    }
  }
  for (const [edge, count] of edges) {
    const onOutline = /^(0,|60,)[\d.]+ (0,|60,)/.test(edge) || /,(0|60) [\d.]+,\1$/.test(edge);
    assert.equal(count, onOutline ? 1 : 2, edge);
  }
});
