import assert from "node:assert/strict";
import fc from "fast-check";
import { classesFromNames } from "../../../lib/classes/mod.ts";
import { drawChart } from "../../../lib/image/mod.ts";
import {
  classScores,
  classScoresChart,
  computeScores,
  confusionCells,
  confusionChart,
  ConfusionMatrix,
  type Evaluation,
} from "../../../lib/metrics/mod.ts";

function evaluationOf(counts: readonly number[]): Evaluation {
  const matrix = new ConfusionMatrix(Math.sqrt(counts.length));
  matrix.counts.set(counts);
  return { matrix, classes: classesFromNames(["water", "forest", "road"]) };
}

Deno.test("confusionCells: rows or columns sum up to one; what is nowhere is left out", () => {
  const counts = fc.array(fc.nat(1000), { minLength: 9, maxLength: 9 });
  fc.assert(
    fc.property(counts, fc.constantFrom("true" as const, "mapped" as const), (counts, of) => {
      const cells = confusionCells(evaluationOf(counts), of);
      const groups = Map.groupBy(cells, ({ truth, mapped }) => of === "true" ? truth : mapped);
      for (const group of groups.values()) {
        const pixels = group.reduce((sum, cell) => sum + cell.pixels, 0);
        const share = group.reduce((sum, cell) => sum + cell.share, 0);
        assert.ok(Math.abs(share - (pixels === 0 ? 0 : 1)) < 1e-9);
      }
      assert.equal(
        cells.reduce((sum, cell) => sum + cell.pixels, 0),
        counts.reduce((a, b) => a + b, 0),
      );
    }),
  );
  const absent = confusionCells(evaluationOf([5, 1, 0, 2, 3, 0, 0, 0, 0]), "true");
  assert.deepEqual(absent.map(({ pixels }) => pixels), [5, 1, 2, 3]);
});

Deno.test("classScores: the best first, and the mean is that of the scores", () => {
  const evaluation = evaluationOf([5, 1, 0, 2, 3, 0, 0, 1, 9]);
  const { rows, mean } = classScores(evaluation, "iou");
  assert.deepEqual(rows.map(({ name }) => name), ["road", "water", "forest"]);
  assert.equal(mean!.toFixed(12), computeScores(evaluation.matrix).meanIou!.toFixed(12));
});

Deno.test("charts of scores print every number, and have the classes' colours", async () => {
  const evaluation = evaluationOf([5, 1, 0, 2, 3, 0, 0, 1, 9]);
  const heat = await drawChart(confusionChart(evaluation, "true"));
  for (const text of ["83", "17", "40", "60", "10", "90"]) {
    assert.ok(heat.includes(`>${text}</text>`), text);
  }
  const bars = await drawChart(classScoresChart(evaluation, "recall"));
  for (const text of ["0.900", "0.833", "0.600", "mean 0.778"]) {
    assert.ok(bars.includes(`>${text}</text>`), text);
  }
  for (const { color } of evaluation.classes!) assert.ok(bars.includes(color), color);
});
