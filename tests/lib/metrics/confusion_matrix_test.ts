import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ConfusionMatrix,
  type DataType,
  type NdArray,
  ndarray,
  TYPED_ARRAY_CONSTRUCTORS,
} from "../../../mod.ts";

const PLACE = { source: "a/000000_000000" };

function labels(values: number[], width = values.length): NdArray<"uint8"> {
  return ndarray("uint8", [values.length / width, width], Uint8Array.from(values));
}

function counts(matrix: ConfusionMatrix): number[] {
  return [...matrix.counts];
}

Deno.test("update: rows are true classes, columns predicted ones", () => {
  const matrix = new ConfusionMatrix(3);
  matrix.update(labels([0, 0, 1, 2, 2, 2]), labels([0, 1, 1, 0, 2, 2]), null, PLACE);
  assert.deepEqual(counts(matrix), [1, 1, 0, 0, 1, 0, 1, 0, 2]);
  assert.equal(matrix.pixels, 6);
});

Deno.test("update: what is left out, and why", () => {
  const matrix = new ConfusionMatrix(2);
  const valid = labels([1, 1, 1, 0, 255, 0]);
  matrix.update(labels([0, 255, 1, 77, 1, 0]), labels([0, 99, 255, 0, 1, 88]), valid, PLACE);
  assert.deepEqual(counts(matrix), [1, 0, 0, 1]);
  assert.deepEqual(matrix.leftOut, { invalid: 2, ignored: 1, unpredicted: 1 });
});

Deno.test("update: an ignore label that is a class's number", () => {
  const matrix = new ConfusionMatrix(2, { ignoreLabel: 0 });
  matrix.update(labels([0, 1, 1]), labels([1, 0, 1]), null, PLACE);
  assert.deepEqual(counts(matrix), [0, 0, 1, 1]);
  assert.deepEqual(matrix.leftOut, { invalid: 0, ignored: 1, unpredicted: 0 });
});

Deno.test("update: without an ignore label 255 is a class like others", () => {
  const matrix = new ConfusionMatrix(256, { ignoreLabel: null });
  matrix.update(labels([255, 255]), labels([255, 0]), null, PLACE);
  assert.equal(matrix.count(255, 255), 1);
  assert.equal(matrix.count(255, 0), 1);
});

const FAULTS: [what: string, run: (matrix: ConfusionMatrix) => void, message: string][] = [
  [
    "a label",
    (matrix) =>
      matrix.update(labels([0, 1, 2, 7, 0, 9], 3), labels([0, 0, 0, 0, 0, 0], 3), null, PLACE),
    'Cannot score "a/000000_000000" as the label is 7 at row 1, column 0: expected 3 classes (0 to 2) with ignore label 255',
  ],
  [
    "a prediction, in a pixel that counts",
    (matrix) =>
      matrix.update(
        labels([255, 0, 1, 2], 2),
        labels([9, 8, 1, 7], 2),
        labels([1, 0, 1, 1], 2),
        { source: "map.tif", x: 100, y: 20 },
      ),
    'Cannot score "map.tif" as the prediction is 7 at row 21, column 101: expected 3 classes (0 to 2) with ignore label 255',
  ],
  [
    "a negative label",
    (matrix) =>
      matrix.update(ndarray("int16", [1, 2], new Int16Array([1, -1])), labels([0, 0]), null, PLACE),
    'Cannot score "a/000000_000000" as the label is -1 at row 0, column 1: expected 3 classes (0 to 2) with ignore label 255',
  ],
  [
    "a label that is not whole",
    (matrix) =>
      matrix.update(ndarray("float32", [1, 1], new Float32Array([0.5])), labels([0]), null, PLACE),
    'Cannot score "a/000000_000000" as the label is 0.5 at row 0, column 0: expected 3 classes (0 to 2) with ignore label 255',
  ],
  [
    "shapes that differ",
    (matrix) => matrix.update(labels([0, 1], 2), labels([0, 1], 1), null, PLACE),
    'Cannot score "a/000000_000000" as its labels have shape 1x2 and its predictions 2x1',
  ],
];
for (const [what, run, message] of FAULTS) {
  Deno.test(`update refuses ${what}`, () => {
    assert.throws(() => run(new ConfusionMatrix(3)), { name: "InputError", message });
  });
}

Deno.test("update refuses what does not fit, and counts nothing of it", () => {
  const matrix = new ConfusionMatrix(2);
  assert.throws(() => matrix.update(labels([0, 5]), labels([0, 0]), null, PLACE));
  assert.equal(matrix.pixels, 0);
  assert.throws(() => new ConfusionMatrix(0), { name: "InputError" });
  assert.throws(() => new ConfusionMatrix(5000), { name: "InputError" });
});

for (const dtype of Object.keys(TYPED_ARRAY_CONSTRUCTORS) as DataType[]) {
  Deno.test(`update takes labels of type ${dtype}`, () => {
    const truth = ndarray(dtype, [1, 4]);
    [0, 1, 1, 100].forEach((label, index) => {
      truth.data[index] = typeof truth.data[0] === "bigint" ? BigInt(label) : label;
    });
    const matrix = new ConfusionMatrix(2, { ignoreLabel: 100 });
    matrix.update(truth, labels([0, 1, 0, 0]), null, PLACE);
    assert.deepEqual(counts(matrix), [1, 0, 1, 1]);
    assert.equal(matrix.leftOut.ignored, 1);
  });
}

Deno.test("update: negative ignore labels of signed rasters", () => {
  const matrix = new ConfusionMatrix(2, { ignoreLabel: -1 });
  matrix.update(ndarray("int8", [1, 3], new Int8Array([-1, 0, 1])), labels([0, 0, 1]), null, PLACE);
  assert.deepEqual(counts(matrix), [1, 0, 0, 1]);
});

Deno.test("counts stay exact above 2^24 and 2^32 pixels of one class", () => {
  const matrix = new ConfusionMatrix(2);
  const patch = ndarray("uint8", [2 ** 12, 2 ** 12 + 1]);
  matrix.update(patch, patch, null, PLACE);
  assert.equal(matrix.count(0, 0), 2 ** 24 + 2 ** 12);
  for (let doubling = 0; doubling < 10; doubling++) matrix.merge(matrix);
  matrix.update(labels([0]), labels([0]), null, PLACE);
  assert.equal(matrix.count(0, 0), (2 ** 24 + 2 ** 12) * 2 ** 10 + 1);
});

Deno.test("counts that float64 would round are refused", () => {
  const matrix = new ConfusionMatrix(2);
  matrix.counts[0] = Number.MAX_SAFE_INTEGER;
  assert.throws(() => matrix.update(labels([0]), labels([0]), null, PLACE), {
    message: "Cannot count more than 2^53 - 1 pixels exactly",
  });
});

const pixels = fc.array(
  fc.tuple(
    fc.constantFrom(0, 1, 2, 255),
    fc.integer({ min: 0, max: 2 }),
    fc.integer({ min: 0, max: 1 }),
  ),
  { minLength: 1, maxLength: 60 },
);

function matrixOf(content: (readonly [number, number, number])[]): ConfusionMatrix {
  const matrix = new ConfusionMatrix(3);
  matrix.update(
    labels(content.map(([truth]) => truth)),
    labels(content.map(([, prediction]) => prediction)),
    labels(content.map(([, , valid]) => valid)),
    PLACE,
  );
  return matrix;
}

Deno.test("property: merging parts gives the whole, and every pixel is accounted for", () => {
  fc.assert(fc.property(pixels, pixels, (a, b) => {
    const merged = matrixOf(a);
    merged.merge(matrixOf(b));
    const whole = matrixOf([...b, ...a]);
    assert.deepEqual(counts(merged), counts(whole));
    assert.deepEqual(merged.leftOut, whole.leftOut);
    const { invalid, ignored, unpredicted } = whole.leftOut;
    assert.equal(whole.pixels + invalid + ignored + unpredicted, a.length + b.length);
  }));
});

Deno.test("merge refuses other classes and another ignore label", () => {
  assert.throws(() => new ConfusionMatrix(2).merge(new ConfusionMatrix(3)), {
    message:
      "Cannot add up scores of 2 classes (0 to 1) with ignore label 255 and scores of 3 classes (0 to 2) with ignore label 255",
  });
  assert.throws(() => new ConfusionMatrix(2).merge(new ConfusionMatrix(2, { ignoreLabel: null })));
});

Deno.test("withClassCount keeps the counts of the classes in use", () => {
  const matrix = new ConfusionMatrix(255);
  matrix.update(labels([0, 3, 255]), labels([4, 3, 0]), null, PLACE);
  assert.equal(matrix.usedClassCount(), 5);
  const trimmed = matrix.withClassCount(5);
  assert.equal(trimmed.count(0, 4), 1);
  assert.equal(trimmed.count(3, 3), 1);
  assert.equal(trimmed.pixels, 2);
  assert.equal(trimmed.leftOut.ignored, 1);
  assert.throws(() => matrix.withClassCount(4), /internal/);
  assert.equal(new ConfusionMatrix(9).usedClassCount(), 1);
});
