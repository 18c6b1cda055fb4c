import assert from "node:assert/strict";
import fc from "fast-check";
import { computeScores, ConfusionMatrix, positiveRate } from "../../../mod.ts";

function matrixOf(rows: number[][], ignoreLabel: number | null = 255): ConfusionMatrix {
  const matrix = new ConfusionMatrix(rows.length, { ignoreLabel });
  matrix.counts.set(rows.flat());
  return matrix;
}

Deno.test("scores of a worked example", () => {
  // Class 0: TP 3, FN 1, FP 2; class 1: TP 4, FN 2, FP 1.
  const scores = computeScores(matrixOf([[3, 1], [2, 4]]));
  assert.deepEqual(scores.classes, [
    { iou: 3 / 6, dice: 6 / 9, precision: 3 / 5, recall: 3 / 4, support: 4, predicted: 5 },
    { iou: 4 / 7, dice: 8 / 11, precision: 4 / 5, recall: 4 / 6, support: 6, predicted: 5 },
  ]);
  assert.equal(scores.pixels, 10);
  assert.equal(scores.meanIou, (3 / 6 + 4 / 7) / 2);
  assert.equal(scores.meanDice, (6 / 9 + 8 / 11) / 2);
  assert.equal(scores.pixelAccuracy, 0.7);
  assert.equal(scores.meanAccuracy, (3 / 4 + 4 / 6) / 2);
  assert.equal(scores.frequencyWeightedIou, (4 * (3 / 6) + 6 * (4 / 7)) / 10);
  // Chance agreement 0.4·0.5 + 0.6·0.5.
  assert.ok(Math.abs(scores.kappa! - (0.7 - 0.5) / 0.5) < 1e-15);
  assert.ok(Math.abs(scores.matthews! - (3 * 4 - 1 * 2) / Math.sqrt(5 * 4 * 6 * 5)) < 1e-15);
  assert.equal(scores.ade20k, (scores.meanIou! + 0.7) / 2);
});

const ABSENT: [policy: "skip" | "zero" | "one", iou: number | null, meanIou: number][] = [
  ["skip", null, (1 / 2 + 2 / 3) / 2],
  ["zero", 0, (1 / 2 + 2 / 3) / 3],
  ["one", 1, (1 / 2 + 2 / 3 + 1) / 3],
];
for (const [absent, iou, meanIou] of ABSENT) {
  Deno.test(`an absent class with policy ${absent}`, () => {
    const scores = computeScores(matrixOf([[1, 0, 0], [0, 0, 0], [1, 0, 2]]), { absent });
    assert.equal(scores.classes[1]!.iou, iou);
    assert.equal(scores.classes[1]!.recall, iou);
    assert.equal(scores.meanIou, meanIou);
    assert.equal(scores.absent, absent);
  });
}

Deno.test("a class in one of truth and prediction is not absent", () => {
  const [never, only] = computeScores(matrixOf([[0, 5], [0, 0]]), { absent: "one" }).classes;
  assert.deepEqual(never, {
    iou: 0,
    dice: 0,
    precision: null,
    recall: 0,
    support: 5,
    predicted: 0,
  });
  assert.deepEqual(only, { iou: 0, dice: 0, precision: 0, recall: null, support: 0, predicted: 5 });
});

Deno.test("no pixels: every score is null", () => {
  const { classes, pixels, absent, ...scores } = computeScores(matrixOf([[0, 0], [0, 0]]));
  assert.equal(pixels, 0);
  assert.equal(absent, "skip");
  assert.equal(classes[0]!.iou, null);
  assert.deepEqual(new Set(Object.values(scores)), new Set([null]));
});

Deno.test("one class only: kappa and Matthews are null, not NaN", () => {
  const { kappa, matthews, meanIou } = computeScores(matrixOf([[7, 0], [0, 0]]));
  assert.deepEqual([kappa, matthews, meanIou], [null, null, 1]);
  assert.equal(computeScores(matrixOf([[0, 7], [0, 0]])).kappa, 0);
});

Deno.test("an ignored class takes no part in means, its predictions are errors of the others", () => {
  const scores = computeScores(matrixOf([[0, 0, 0], [2, 6, 0], [0, 0, 4]], 0));
  assert.equal(scores.classes[0]!.iou, null);
  assert.equal(scores.classes[0]!.predicted, 2);
  assert.equal(scores.meanIou, (6 / 8 + 1) / 2);
});

const cells = fc.integer({ min: 2, max: 5 }).chain((size) =>
  fc.array(
    fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 1e6 })), {
      minLength: size,
      maxLength: size,
    }),
    { minLength: size, maxLength: size },
  )
);

Deno.test("property: scores are numbers in their range or null, never NaN", () => {
  fc.assert(fc.property(cells, fc.constantFrom("skip", "zero", "one"), (rows, absent) => {
    const scores = computeScores(matrixOf(rows), { absent });
    const { classes, pixels: _, absent: __, kappa, matthews, ...overall } = scores;
    const inUnit = [
      ...Object.values(overall),
      ...classes.flatMap(({ iou, dice, precision, recall }) => [iou, dice, precision, recall]),
    ];
    for (const score of inUnit) assert.ok(score === null || (score >= 0 && score <= 1), `${score}`);
    for (const score of [kappa, matthews]) {
      assert.ok(score === null || (score >= -1 - 1e-9 && score <= 1 + 1e-9), `${score}`);
    }
    for (const { iou, dice } of classes) {
      if (iou !== null) assert.ok(Math.abs(dice! - 2 * iou / (1 + iou)) < 1e-12);
    }
  }));
});

const RATES: [rows: number[][], collapse: string | null][] = [
  [[[90, 2], [3, 5]], null],
  [[[90, 0], [10, 0]], "vanished"],
  [[[960, 0], [39, 1]], "scarce"],
  [[[960, 0], [38, 2]], null],
  [[[0, 90], [0, 10]], "everywhere"],
  [[[0, 0], [0, 10]], null],
  [[[790, 200], [0, 10]], "rampant"],
  [[[800, 190], [0, 10]], null],
  [[[90, 10], [0, 0]], null],
  [[[0, 0], [0, 0]], null],
];
for (const [rows, collapse] of RATES) {
  Deno.test(`positiveRate of ${JSON.stringify(rows)}: ${collapse}`, () => {
    assert.equal(positiveRate(matrixOf(rows), 1).collapse, collapse);
  });
}

Deno.test("positiveRate: shares of truth and prediction", () => {
  assert.deepEqual(positiveRate(matrixOf([[6, 2], [0, 2]]), 1), {
    truth: 0.2,
    prediction: 0.4,
    ratio: 2,
    collapse: null,
  });
});
