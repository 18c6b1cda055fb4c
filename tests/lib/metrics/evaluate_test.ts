import assert from "node:assert/strict";
import {
  classesFromNames,
  type DataType,
  evaluateRasters,
  evaluateStream,
  type NdArray,
  ndarray,
  type PixelWindow,
  type RasterInfo,
  type RasterReader,
  type StreamItem,
} from "../../../mod.ts";

/** A raster whose pixels are computed; it keeps the windows that were read. */
function raster(
  info: Partial<RasterInfo>,
  valueAt: (x: number, y: number) => number,
  validAt: (x: number, y: number) => boolean = () => true,
): RasterReader & { windows: PixelWindow[] } {
  const dtype: DataType = info.dtype ?? "uint8";
  const windows: PixelWindow[] = [];
  return {
    windows,
    checksum: null,
    traffic: { requests: 0, bytes: 0 },
    close() {},
    info: {
      source: "map.tif",
      format: "test",
      width: 4,
      height: 3,
      dtype,
      bands: [{ name: "1", scale: 1, offset: 0 }],
      nodata: null,
      georeference: {
        crs: "EPSG:32633",
        transform: [0, 10, 0, 0, 0, -10],
        geoKeys: null,
        pixelIsPoint: false,
      },
      classes: null,
      block: { width: 4, height: 1 },
      overviews: [],
      ...info,
    },
    read(window) {
      windows.push(window);
      const image: NdArray = ndarray(dtype, [1, window.height, window.width]);
      const valid = ndarray("uint8", [window.height, window.width]);
      for (let i = 0; i < valid.data.length; i++) {
        const x = window.x + i % window.width;
        const y = window.y + Math.floor(i / window.width);
        image.data[i] = valueAt(x, y);
        valid.data[i] = validAt(x, y) ? 1 : 0;
      }
      return Promise.resolve({ image, valid });
    },
  };
}

const truth = { source: "truth.tif" };

Deno.test("evaluateRasters: pixels without data in either raster are left out", async () => {
  const map = raster({}, (x) => x % 2, (x) => x !== 3);
  const labels = raster(truth, (x) => x === 1 ? 1 : 0, (_, y) => y !== 2);
  const { matrix, classes } = await evaluateRasters(map, labels);
  assert.equal(classes, null);
  assert.deepEqual([...matrix.counts], [4, 0, 0, 2]);
  assert.deepEqual(matrix.leftOut, { invalid: 6, ignored: 0, unpredicted: 0 });
});

Deno.test("evaluateRasters reads large rasters by strips of whole blocks", async () => {
  const size = { width: 2 ** 20, height: 10, block: { width: 256, height: 2 } };
  const map = raster(size, (_, y) => y);
  const labels = raster({ ...truth, ...size, dtype: "int16" }, (_, y) => y);
  const progress: number[] = [];
  const { matrix } = await evaluateRasters(map, labels, {
    onProgress: (done) => progress.push(done),
  });
  assert.deepEqual(map.windows.map(({ y, height }) => [y, height]), [[0, 4], [4, 4], [8, 2]]);
  assert.deepEqual(progress, [4, 8, 10]);
  assert.equal(matrix.classCount, 10);
  assert.equal(matrix.count(9, 9), 2 ** 20);
});

Deno.test("evaluateRasters says where a label is no class, in the raster's own rows", async () => {
  const size = { width: 2 ** 22, height: 3 };
  const labels = raster(
    { ...truth, ...size, dtype: "int16" },
    (x, y) => y === 2 && x === 5 ? -1 : 0,
  );
  await assert.rejects(evaluateRasters(raster(size, () => 0), labels), {
    name: "InputError",
    message: /"map.tif on truth.tif" as the label is -1 at row 2, column 5/,
  });
});

Deno.test("evaluateRasters: names of the map, or of the truth, or given ones", async () => {
  const named = classesFromNames(["water", "forest"]);
  const table = [{ name: "0", color: "#000000" }];
  const map = raster({ classes: table }, () => 1);
  const labels = raster({ ...truth, classes: named }, () => 1);
  assert.equal((await evaluateRasters(map, labels)).classes, named);
  const given = classesFromNames(["a", "b", "c"]);
  const { matrix, classes } = await evaluateRasters(map, labels, { classes: given });
  assert.equal(classes, given);
  assert.equal(matrix.classCount, 3);
});

const MISMATCHES: [
  what: string,
  map: Partial<RasterInfo>,
  labels: Partial<RasterInfo>,
  message: RegExp,
][] = [
  ["sizes", { width: 5 }, {}, /their size is 4x3, the scene's is 5x3/],
  [
    "transforms",
    {},
    {
      georeference: {
        crs: "EPSG:32633",
        transform: [10, 10, 0, 0, 0, -10],
        geoKeys: null,
        pixelIsPoint: false,
      },
    },
    /their transform/,
  ],
  ["CRS", {}, {
    georeference: { crs: "EPSG:4326", transform: null, geoKeys: null, pixelIsPoint: false },
  }, /their CRS/],
  [
    "bands",
    { bands: [{ name: "1", scale: 1, offset: 0 }, { name: "2", scale: 1, offset: 0 }] },
    {},
    /"map.tif" as it has 2 bands: expected 1 band of classes/,
  ],
];
for (const [what, map, labels, message] of MISMATCHES) {
  Deno.test(`evaluateRasters refuses other ${what}`, async () => {
    const rasters = [raster(map, () => 0), raster({ ...truth, ...labels }, () => 0)] as const;
    await assert.rejects(evaluateRasters(...rasters), { name: "InputError", message });
  });
}

async function* segment(
  name: string,
  label: number[],
  pred: number[],
  classNames: string[] | null,
): AsyncGenerator<StreamItem> {
  const window = { x: 0, y: 0, width: label.length, height: 1 };
  const georeference = { crs: null, transform: null, geoKeys: null, pixelIsPoint: false };
  yield {
    type: "header",
    header: {
      swath: 1,
      scene: { name, source: name, width: label.length, height: 1, georeference },
      grid: null,
      samples: 1,
      bands: [],
      dtype: null,
      normalization: null,
      classes: classNames === null ? null : classesFromNames(classNames),
      output: null,
      history: [],
    },
  };
  yield {
    type: "sample",
    sample: {
      key: `${name}/000000_000000`,
      info: { window, core: window, position: [0, 0], transform: null, crs: null, validPixels: 1 },
      arrays: {
        label: ndarray("uint8", [1, label.length], Uint8Array.from(label)),
        pred: ndarray("uint8", [1, pred.length], Uint8Array.from(pred)),
      },
    },
  };
  yield { type: "end", end: { samples: 1, skipped: 0 } };
}

async function* chain(...parts: AsyncGenerator<StreamItem>[]): AsyncGenerator<StreamItem> {
  for (const part of parts) yield* part;
}

Deno.test("evaluateStream: segments add up; unnamed classes grow to the highest", async () => {
  const { matrix } = await evaluateStream(
    chain(segment("a", [0, 1], [0, 0], null), segment("b", [2, 255], [2, 0], null)),
  );
  assert.deepEqual([...matrix.counts], [1, 0, 0, 1, 0, 0, 0, 0, 1]);
  assert.equal(matrix.leftOut.ignored, 1);
});

Deno.test("evaluateStream: label 255 is a class where another label is ignored", async () => {
  const { matrix } = await evaluateStream(segment("a", [255, 0], [255, 1], null), {
    ignoreLabel: 0,
  });
  assert.equal(matrix.classCount, 256);
  assert.equal(matrix.count(255, 255), 1);
});

Deno.test("evaluateStream: of independent images, each is a scene", async () => {
  async function* images() {
    const [first, second] = [
      segment("a", [0, 1, 1], [0, 0, 1], null),
      segment("b", [2, 255], [2, 0], null),
    ];
    for await (const item of chain(first, second)) {
      if (item.type === "sample") yield item;
      else if (item.type === "header" && item.header.scene!.name === "a") {
        yield { ...item, header: { ...item.header, scene: null, samples: 2 } };
      }
    }
    yield { type: "end", end: { samples: 2, skipped: 0 } } as const;
  }
  const together = await evaluateStream(images(), { boundaryTolerance: 1 });
  const { scenes, ...apart } = await evaluateStream(images(), {
    boundaryTolerance: 1,
    perScene: true,
  });
  assert.deepEqual({ ...apart, scenes: null }, together);
  const counts = scenes!.map(({ name, matrix }) => [name, ...matrix.counts]);
  assert.deepEqual(counts, [
    ["a/000000_000000", 1, 0, 0, 1, 1, 0, 0, 0, 0],
    ["b/000000_000000", 0, 0, 0, 0, 0, 0, 0, 0, 1],
  ]);
  const boundaries = scenes!.map(({ boundary }) => boundary!.counts);
  assert.deepEqual(
    [...together.boundary!.counts],
    [...boundaries[0]!].map((count, i) => count + boundaries[1]![i]!),
  );
});

Deno.test("evaluateStream refuses segments of other classes", async () => {
  const parts = chain(segment("a", [0], [0], ["water"]), segment("b", [0], [0], ["road"]));
  await assert.rejects(evaluateStream(parts), {
    name: "InputError",
    message:
      'Cannot add up the scores of "the scenes before" and "b" as they differ in class 0: "water" and "road"',
  });
});
