/**
 * Scores against torchmetrics and scikit-learn, for random maps and degenerate ones.
 */
import assert from "node:assert/strict";
import { computeScores, ConfusionMatrix, ndarray, type Scores } from "../../mod.ts";
import { peerTest, runPythonJson } from "./python.ts";

interface Case {
  readonly name: string;
  readonly classes: number;
  readonly ignore: number;
  readonly truth: number[];
  readonly prediction: number[];
}

type PeerScores = Record<string, number | null | (number | null)[]>;
interface PeerResults {
  readonly cases: { readonly torchmetrics: PeerScores; readonly sklearn: PeerScores }[];
  readonly large: number[];
}

/** A fixed sequence, so that a failure can be run again. */
function randomMaps(
  seed: number,
  classes: number,
  pixels: number,
  ignore: number,
  agreement: number,
) {
  let state = seed;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  // Squared, so that some classes are rare.
  const pick = () => Math.floor(random() ** 2 * classes);
  const truth: number[] = [];
  const prediction: number[] = [];
  for (let pixel = 0; pixel < pixels; pixel++) {
    const label = pick();
    truth.push(random() < 0.1 ? ignore : label);
    prediction.push(random() < agreement ? label : pick());
  }
  return { classes, ignore, truth, prediction };
}

const CASES: Case[] = [
  { name: "two classes", ...randomMaps(1, 2, 500, 255, 0.7) },
  { name: "eleven classes", ...randomMaps(2, 11, 5000, 255, 0.6) },
  { name: "an ignore label of -100", ...randomMaps(3, 5, 800, -100, 0.5) },
  { name: "chance", ...randomMaps(4, 4, 3000, 255, 0) },
  { name: "a hundred classes, many absent", ...randomMaps(5, 100, 300, 255, 0.8) },
  { name: "all right", classes: 3, ignore: 255, truth: [0, 1, 2, 2], prediction: [0, 1, 2, 2] },
  { name: "all wrong", classes: 3, ignore: 255, truth: [0, 1, 2, 2], prediction: [1, 2, 0, 1] },
  { name: "one class", classes: 3, ignore: 255, truth: [1, 1, 1], prediction: [1, 1, 1] },
  { name: "one class predicted", classes: 3, ignore: 255, truth: [0, 1, 2], prediction: [1, 1, 1] },
  {
    name: "one class in the truth",
    classes: 3,
    ignore: 255,
    truth: [1, 1, 1],
    prediction: [0, 1, 2],
  },
  {
    name: "absent class",
    classes: 4,
    ignore: 255,
    truth: [0, 1, 3, 255],
    prediction: [0, 3, 3, 2],
  },
  // Not two classes: there torchmetrics calls 0/0 of Matthews -1.
  { name: "one pixel", classes: 3, ignore: 255, truth: [1], prediction: [0] },
];

function close(found: unknown, expected: unknown, what: string, tolerance: number): void {
  if (found === null || expected === null) {
    assert.equal(found, expected, what);
  } else {
    assert.ok(
      Math.abs(Number(found) - Number(expected)) <= tolerance,
      `${what}: ${found} ${expected}`,
    );
  }
}

peerTest("scores equal torchmetrics' and scikit-learn's", ["torchmetrics", "sklearn"], async () => {
  const results = await runPythonJson<PeerResults>("metrics.py", [], {
    stdin: new TextEncoder().encode(JSON.stringify(CASES)),
  });
  CASES.forEach(({ name, classes, ignore, truth, prediction }, index) => {
    const matrix = new ConfusionMatrix(classes, { ignoreLabel: ignore });
    matrix.update(
      ndarray("int32", [truth.length], Int32Array.from(truth)),
      ndarray("int32", [truth.length], Int32Array.from(prediction)),
      null,
      { source: name },
    );
    const scores = computeScores(matrix);
    const { torchmetrics, sklearn } = results.cases[index]!;

    assert.deepEqual([...matrix.counts], sklearn.confusion, name);
    for (const key of ["pixelAccuracy", "meanAccuracy", "kappa"] as const) {
      close(scores[key], sklearn[key], `${name}: sklearn ${key}`, 1e-12);
    }
    // Both packages call 0/0 of Matthews' coefficient 0.
    close(scores.matthews ?? 0, sklearn.matthews, `${name}: sklearn matthews`, 1e-12);
    close(scores.matthews ?? 0, torchmetrics.matthews, `${name}: torchmetrics matthews`, 1e-5);
    for (const key of ["meanIou", "meanDice", "pixelAccuracy", "frequencyWeightedIou"] as const) {
      close(scores[key], torchmetrics[key], `${name}: torchmetrics ${key}`, 2e-6);
    }
    if (scores.kappa !== null) {
      close(scores.kappa, torchmetrics.kappa, `${name}: torchmetrics kappa`, 2e-6);
    }
    comparePerClass(name, scores, torchmetrics, sklearn);
  });

  const large = ndarray("uint8", [2 ** 24 + 2 ** 12 + 1]);
  const matrix = new ConfusionMatrix(2);
  matrix.update(large, large, null, { source: "large" });
  assert.deepEqual([...matrix.counts], results.large);
});

function comparePerClass(
  name: string,
  { classes }: Scores,
  torchmetrics: PeerScores,
  sklearn: PeerScores,
): void {
  classes.forEach((found, index) => {
    const at = (peer: PeerScores, key: string) => (peer[key] as (number | null)[])[index]!;
    const what = `${name}: class ${index}`;
    // Their per-class lists give an undefined score as 0.
    for (const key of ["iou", "dice", "recall"] as const) {
      close(found[key] ?? 0, at(torchmetrics, key), `${what} torchmetrics ${key}`, 1e-6);
    }
    close(found.iou ?? 0, at(sklearn, "iou"), `${what} sklearn iou`, 1e-12);
    for (const key of ["dice", "precision", "recall"] as const) {
      close(found[key], at(sklearn, key), `${what} sklearn ${key}`, 1e-12);
    }
  });
}
