import assert from "node:assert/strict";
import { ndarray, randomStream, WaitingBytes } from "swath";
import { KeptLogits, weightsAlong } from "../../../lib/tiling/kept_logits.ts";

const CLASSES = 3;
const PATCH = { rows: 8, columns: 6 };
const STEP = { rows: 5, columns: 4 };

Deno.test("patches that wait on disk, or partly, are averaged to the same bits", () => {
  const { uniform } = randomStream(1, "logits");
  const size = CLASSES * PATCH.rows * PATCH.columns;
  const bytes = 4 * size;
  const kinds = [null, 0, 3 * bytes, 1 << 20]
    .map((held) => new KeptLogits(CLASSES, held === null ? null : new WaitingBytes(held)));
  const down = weightsAlong(PATCH.rows, false, false);
  const across = weightsAlong(PATCH.columns, false, false);
  for (let row = 0; row < 4; row++) {
    for (let column = 0; column < 3; column++) {
      const first = (3 * row + column) * size;
      const logits = ndarray(
        "float32",
        [CLASSES, PATCH.rows, PATCH.columns],
        Float32Array.from({ length: size }, (_, i) => uniform(first + i)),
      );
      for (const kept of kinds) {
        kept.add(column * STEP.columns, row * STEP.rows, logits, down, across);
      }
    }
    // What is above the next row of patches, in pieces, some of which reach beyond all patches.
    for (let top = row * STEP.rows; top < (row + 1) * STEP.rows; top += 2) {
      for (const left of [0, 3, 9]) {
        const window = { left, top, columns: 7, rows: 3 };
        const [expected, ...others] = kinds.map((kept) => {
          const { averages, covered } = kept.average(window);
          return [averages.slice(0, CLASSES * 21), covered.slice(0, 21)];
        });
        assert(expected![1]!.some((cell) => cell === 1));
        for (const found of others) assert.deepEqual(found, expected);
      }
      for (const kept of kinds) kept.trim(top, Infinity);
    }
  }
});
