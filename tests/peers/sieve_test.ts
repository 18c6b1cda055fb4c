/** Sieved maps against rasterio's, which are GDAL's. */
import assert from "node:assert/strict";
import { type NdArray, ndarray, randomStream, type RasterReader, sieveRaster } from "swath";
import { peerTest, runPythonJson } from "./python.ts";

interface Case {
  readonly width: number;
  readonly height: number;
  readonly values: readonly number[];
  readonly valid: readonly number[];
  readonly threshold: number;
  readonly connectivity: 4 | 8;
}

/** Blobs with noise, of which some pixels have no data. */
function caseOf(seed: number, threshold: number, connectivity: 4 | 8): Case {
  const random = randomStream(seed, "sieve");
  const [width, height] = [41 + seed * 7, 37 + seed * 11];
  const pixels = Array.from({ length: width * height }, (_, i) => i);
  return {
    width,
    height,
    threshold,
    connectivity,
    values: pixels.map((i) => {
      const wave = Math.sin((i % width) / 4) * Math.cos(Math.floor(i / width) / 5) + 1;
      return random.uniform(i) < 0.3 ? random.integer(i + 1e6, 4) : Math.floor(1.99 * wave);
    }),
    valid: pixels.map((i) => random.uniform(i + 2e6) < 0.03 ? 0 : 1),
  };
}

async function ours({ width, height, values, valid, threshold, connectivity }: Case) {
  const reader = {
    info: {
      source: "map.tif",
      width,
      height,
      dtype: "uint8",
      bands: [{ name: "class", scale: 1, offset: 0 }],
      block: { width, height: 8 },
    },
    read: ({ y, height: rows }: { y: number; height: number }) =>
      Promise.resolve({
        image: ndarray(
          "uint8",
          [1, rows, width],
          Uint8Array.from(values.slice(y * width, (y + rows) * width)),
        ),
        valid: ndarray(
          "uint8",
          [rows, width],
          Uint8Array.from(valid.slice(y * width, (y + rows) * width)),
        ),
      }),
  } as unknown as RasterReader;
  const sieved: number[] = [];
  const sink = {
    writeRows({ data }: NdArray) {
      sieved.push(...data as Uint8Array);
      return Promise.resolve();
    },
  };
  await sieveRaster(reader, sink, 255, { threshold, connectivity });
  return sieved;
}

peerTest("sieved maps are rasterio's", ["rasterio"], async () => {
  const cases = [1, 2, 3].flatMap((seed) =>
    [2, 5, 12, 60].flatMap((threshold) =>
      ([4, 8] as const).map((connectivity) => caseOf(seed, threshold, connectivity))
    )
  );
  const stdin = new TextEncoder().encode(JSON.stringify(cases));
  const theirs = await runPythonJson<number[][]>("sieve.py", [], { stdin });
  for (const [index, each] of cases.entries()) {
    const found = await ours(each);
    const different = found.filter((value, i) => value !== theirs[index]![i]).length;
    assert.equal(different, 0, `threshold ${each.threshold}, connectivity ${each.connectivity}`);
  }
});
