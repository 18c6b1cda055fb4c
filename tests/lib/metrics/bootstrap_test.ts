import assert from "node:assert/strict";
import {
  bootstrapScores,
  computeScores,
  ConfusionMatrix,
  InputError,
  type SceneCounts,
} from "swath";

function scene(name: string, counts: readonly number[]): SceneCounts {
  const matrix = new ConfusionMatrix(Math.sqrt(counts.length));
  matrix.counts.set(counts);
  return { name, matrix, boundary: null };
}

const SCENES = Array.from(
  { length: 12 },
  (_, i) => scene(`${i}`, [50 + 3 * i, 10 + (i * 7) % 5, 4 + (i * 5) % 11, 30 - i]),
);

Deno.test("bootstrap: intervals hold the score, and scenes that are alike have none", () => {
  const { overall, iou, scenes } = bootstrapScores(SCENES, { replicates: 500 });
  const sum = new ConfusionMatrix(2);
  for (const { matrix } of SCENES) sum.merge(matrix);
  const scores = computeScores(sum);
  const [low, high] = overall["meanIou"]!;
  assert.ok(low < scores.meanIou! && scores.meanIou! < high, `${low} ${scores.meanIou} ${high}`);
  assert.ok(iou[1]![0] < scores.classes[1]!.iou! && scores.classes[1]!.iou! < iou[1]![1]);
  assert.equal(scenes, 12);
  const alike = [scene("a", [3, 1, 0, 4]), scene("b", [6, 2, 0, 8])];
  const same = bootstrapScores(alike, { replicates: 50 }).overall["pixelAccuracy"]!;
  assert.ok(Math.abs(same[0] - 7 / 8) < 1e-12 && Math.abs(same[1] - 7 / 8) < 1e-12);
});

Deno.test("bootstrap: the same seed gives the same intervals", () => {
  const draw = (seed: number) => bootstrapScores(SCENES, { replicates: 100, seed });
  assert.deepEqual(draw(1), draw(1));
  assert.notDeepEqual(draw(1).overall, draw(2).overall);
});

Deno.test("bootstrap: a class of some scenes, a class of none, and a single scene", () => {
  const three = [
    scene("a", [5, 1, 0, 1, 5, 0, 0, 0, 0]),
    scene("b", [4, 0, 0, 0, 0, 0, 0, 0, 0]),
  ];
  const { iou } = bootstrapScores(three, { replicates: 200 });
  assert.deepEqual(iou[2], null);
  assert.ok(iou[1] !== null && Math.abs(iou[1]![0] - 5 / 7) < 1e-12);
  assert.throws(() => bootstrapScores(three.slice(1), { replicates: 10 }), (error) => {
    assert.ok(error instanceof InputError);
    return /from 1 scene: expected at least 2/.test(error.message);
  });
});
