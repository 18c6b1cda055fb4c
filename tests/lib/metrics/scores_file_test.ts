import assert from "node:assert/strict";
import {
  classesFromNames,
  computeScores,
  ConfusionMatrix,
  type Evaluation,
  mergeEvaluations,
  parseScores,
  type Sample,
  scoreSample,
  scoresDocument,
} from "../../../mod.ts";
import { ndarray } from "../../../mod.ts";

const CLASSES = classesFromNames(["water", "forest"]);

function evaluation(counts: number[], classes: Evaluation["classes"] = CLASSES): Evaluation {
  const matrix = new ConfusionMatrix(Math.sqrt(counts.length));
  matrix.counts.set(counts);
  return { matrix, classes };
}

Deno.test("a document holds scores, conventions and counts, and comes back", () => {
  const original = evaluation([3, 1, 0, 2 ** 40]);
  original.matrix.leftOut.ignored = 5;
  const document = scoresDocument(original);
  assert.equal(document.perClass[1]!.name, "forest");
  assert.equal(document.meanIou, computeScores(original.matrix).meanIou);
  assert.deepEqual(document.confusion, [[3, 1], [0, 2 ** 40]]);
  const { matrix, classes } = parseScores(JSON.stringify(document), "a.json");
  assert.deepEqual(matrix.counts, original.matrix.counts);
  assert.deepEqual(matrix.leftOut, original.matrix.leftOut);
  assert.deepEqual(classes, CLASSES);
});

const valid = () => JSON.parse(JSON.stringify(scoresDocument(evaluation([3, 1, 0, 4]))));
const FAULTS: [what: string, text: () => string, message: RegExp][] = [
  ["text", () => "mIoU 0.5", /scores from "a.json": it is not JSON/],
  ["foreign JSON", () => "{}", /not a file of scores written by swath/],
  ["statistics", () => '{"swath":1,"type":"statistics"}', /it holds statistics/],
  [
    "a later version",
    () => JSON.stringify({ ...valid(), swath: 2 }),
    /version 2, this swath reads version 1/,
  ],
  [
    "fractions",
    () => JSON.stringify({ ...valid(), confusion: [[0.5, 0], [0, 0]] }),
    /confusion.0.0/,
  ],
  [
    "a missing row",
    () => JSON.stringify({ ...valid(), confusion: [[1, 2]] }),
    /as many rows as columns/,
  ],
  [
    "a missing class",
    () => JSON.stringify({ ...valid(), classes: [CLASSES[0]] }),
    /columns and classes/,
  ],
];
for (const [what, text, message] of FAULTS) {
  Deno.test(`parseScores refuses ${what}`, () => {
    assert.throws(() => parseScores(text(), "a.json"), { name: "InputError", message });
  });
}

Deno.test("mergeEvaluations adds counts, and grows unnamed classes", () => {
  const named = mergeEvaluations([["a", evaluation([1, 2, 3, 4])], [
    "b",
    evaluation([1, 0, 0, 1]),
  ]]);
  assert.deepEqual([...named.matrix.counts], [2, 2, 3, 5]);
  assert.equal(named.classes, CLASSES);
  const grown = mergeEvaluations([["a", evaluation([1], null)], [
    "b",
    evaluation([1, 2, 3, 4], null),
  ]]);
  assert.deepEqual([...grown.matrix.counts], [2, 2, 3, 4]);
});

Deno.test("mergeEvaluations refuses different classes, saying which", () => {
  const other = evaluation([1, 0, 0, 1], classesFromNames(["water", "road"]));
  assert.throws(() => mergeEvaluations([["a", evaluation([1, 0, 0, 1])], ["b", other]]), {
    message:
      'Cannot add up the scores of "a" and "b" as they differ in class 1: "forest" and "road"',
  });
  assert.throws(
    () =>
      mergeEvaluations([["a", evaluation([1, 0, 0, 1])], ["b", evaluation([1, 0, 0, 1], null)]]),
    { message: /their classes: 2 classes and unnamed classes/ },
  );
});

function sample(arrays: Sample["arrays"]): Sample {
  const window = { x: 10, y: 20, width: 3, height: 2 };
  return {
    key: "a/000020_000010",
    arrays,
    info: {
      window,
      core: { x: 11, y: 20, width: 2, height: 1 },
      position: [0, 0],
      transform: null,
      crs: null,
      validPixels: 6,
    },
  };
}
const patch = (...values: number[]) => ndarray("uint8", [2, 3], Uint8Array.from(values));

Deno.test("scoreSample counts the core alone", () => {
  const matrix = new ConfusionMatrix(2);
  const label = patch(0, 0, 1, 1, 1, 1);
  scoreSample(matrix, sample({ label, pred: patch(0, 1, 1, 0, 0, 0) }));
  assert.deepEqual([...matrix.counts], [0, 1, 0, 1]);
  scoreSample(matrix, sample({ label, pred: label, valid: patch(1, 0, 1, 1, 1, 1) }));
  assert.equal(matrix.leftOut.invalid, 1);
  assert.throws(() => scoreSample(matrix, sample({ label, pred: patch(0, 0, 9, 0, 0, 0) })), {
    message: /"a\/000020_000010" as the prediction is 9 at row 20, column 12/,
  });
});

Deno.test("scoreSample says which array is missing, and what to do", () => {
  const matrix = new ConfusionMatrix(2);
  const label = patch(0, 0, 0, 0, 0, 0);
  assert.throws(() => scoreSample(matrix, sample({ pred: label })), { hint: /--labels/ });
  assert.throws(() => scoreSample(matrix, sample({ label })), { hint: /swath infer/ });
  const logits = ndarray("float32", [2, 1, 1]);
  assert.throws(() => scoreSample(matrix, sample({ label, logits })), { hint: /swath upsample/ });
});
