/**
 * Areas with their errors: the worked example of Olofsson et al. (2014), section 6, tables 8 and 9.
 */
import assert from "node:assert/strict";
import { ConfusionMatrix, designSample, estimateAreas, InputError } from "../../../mod.ts";

/** Rows as in table 8: mapped as deforestation, forest gain, stable forest, stable non-forest. */
const TABLE_8 = [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]];
const MAPPED = [200_000, 150_000, 3_200_000, 6_450_000];
/** Pixels of Landsat, in hectares. */
const HECTARES = 0.09 * 10_000_000;
const Z = 1.96;

function matrixOf(mappedRows: readonly (readonly number[])[]): ConfusionMatrix {
  const matrix = new ConfusionMatrix(mappedRows.length);
  mappedRows.forEach((row, mapped) =>
    row.forEach((count, truth) => matrix.counts[truth * mappedRows.length + mapped] = count)
  );
  return matrix;
}

const digits = (value: number | null, decimals: number) => value!.toFixed(decimals);

Deno.test("the worked example, to the printed digits", () => {
  const { classes, overallAccuracy } = estimateAreas(matrixOf(TABLE_8), MAPPED);
  const half = (error: number | null) => Z * error!;
  assert.deepEqual(classes.map(({ samples }) => samples), [75, 75, 165, 325]);
  assert.deepEqual(classes.map(({ share }) => digits(share.value! * HECTARES, 0)), [
    "21158",
    "11686",
    "285770",
    "581386",
  ]);
  assert.deepEqual(classes.map(({ share }) => digits(half(share.standardError) * HECTARES, 0)), [
    "6158",
    "3756",
    "15510",
    "16282",
  ]);
  assert.equal(digits(classes[0]!.share.value! * 10_000_000, 0), "235086");
  assert.equal(digits(classes[0]!.share.standardError, 4), "0.0035");
  const users = classes.map(({ usersAccuracy }) => usersAccuracy);
  assert.deepEqual(users.map(({ value }) => digits(value, 2)), ["0.88", "0.73", "0.93", "0.96"]);
  assert.deepEqual(users.map(({ standardError }) => digits(half(standardError), 2)), [
    "0.07",
    "0.10",
    "0.04",
    "0.02",
  ]);
  const producers = classes.map(({ producersAccuracy }) => producersAccuracy);
  assert.deepEqual(producers.map(({ value }) => digits(value, 2)), [
    "0.75",
    "0.85",
    "0.93",
    "0.96",
  ]);
  // The paper prints 0.21, 0.23, 0.03 and 0.01. Its own equation 7 gives 0.254 and 0.018 for the second and the
  // fourth, as others who computed it found as well; the next test has it term by term.
  assert.deepEqual(producers.map(({ standardError }) => digits(half(standardError), 2)), [
    "0.21",
    "0.25",
    "0.03",
    "0.02",
  ]);
  assert.equal(digits(overallAccuracy.value, 2), "0.95");
  assert.equal(digits(half(overallAccuracy.standardError), 2), "0.02");
});

Deno.test("equation 7, term by term as it is printed", () => {
  const { classes } = estimateAreas(matrixOf(TABLE_8), MAPPED);
  const sizes = TABLE_8.map((row) => row.reduce((sum, count) => sum + count));
  for (const [j, { producersAccuracy }] of classes.entries()) {
    const estimated = MAPPED.reduce((sum, area, i) => sum + area / sizes[i]! * TABLE_8[i]![j]!, 0);
    const users = TABLE_8[j]![j]! / sizes[j]!;
    const producers = MAPPED[j]! * users / estimated;
    const own = MAPPED[j]! ** 2 * (1 - producers) ** 2 * users * (1 - users) / (sizes[j]! - 1);
    const others = MAPPED.reduce((sum, area, i) => {
      if (i === j) return sum;
      const rate = TABLE_8[i]![j]! / sizes[i]!;
      return sum + area ** 2 * rate * (1 - rate) / (sizes[i]! - 1);
    }, 0);
    const variance = (own + producers ** 2 * others) / estimated ** 2;
    assert.ok(Math.abs(producersAccuracy.standardError! - Math.sqrt(variance)) < 1e-12);
  }
});

Deno.test("estimates are right on average, and intervals as wide as they say", () => {
  // A truth that is known, sampled again and again.
  const truth = [[0.9, 0.1], [0.05, 0.95]];
  const mapped = [300, 700];
  const expected = 0.3 * 0.9 + 0.7 * 0.05;
  let state = 12345;
  const random = () => (state = state * 48271 % 2147483647) / 2147483647;
  let [inside, sum] = [0, 0];
  const rounds = 2000;
  for (let round = 0; round < rounds; round++) {
    const rows = truth.map(([first]) => {
      let hits = 0;
      for (let sample = 0; sample < 100; sample++) if (random() < first!) hits++;
      return [hits, 100 - hits];
    });
    const { share } = estimateAreas(matrixOf(rows), mapped).classes[0]!;
    sum += share.value!;
    if (Math.abs(share.value! - expected) <= Z * share.standardError!) inside++;
  }
  assert.ok(Math.abs(sum / rounds - expected) < 0.002, String(sum / rounds));
  assert.ok(inside / rounds > 0.92 && inside / rounds < 0.98, String(inside / rounds));
});

Deno.test("samples that resemble one another make wider intervals", () => {
  const plain = estimateAreas(matrixOf(TABLE_8), MAPPED);
  const clustered = estimateAreas(matrixOf(TABLE_8), MAPPED, { designEffect: 4 });
  const ratio = clustered.overallAccuracy.standardError! / plain.overallAccuracy.standardError!;
  assert.equal(clustered.overallAccuracy.value, plain.overallAccuracy.value);
  assert.ok(ratio > 2 && ratio < 2.1, String(ratio));
});

Deno.test("classes without samples are named; those that are neither mapped nor found are left out", () => {
  const matrix = matrixOf([[5, 1, 0], [0, 0, 0], [0, 0, 9]]);
  assert.throws(
    () => estimateAreas(matrix, [10, 5, 10], { names: ["a", "forest", "c"] }),
    (error: Error) =>
      error instanceof InputError && /forest covers 20 % .* 0 samples/.test(error.message),
  );
  const { classes } = estimateAreas(matrix, [10, 0, 10]);
  // Class 1 is not mapped, and yet there: nothing of it is found.
  assert.deepEqual(classes.map((entry) => entry.class), [0, 1, 2]);
  assert.equal(classes[1]!.producersAccuracy.value, 0);
  assert.equal(classes[1]!.usersAccuracy.value, null);
  assert.throws(() => estimateAreas(matrix, [0, 0, 0]), /no pixel with data/);
});

Deno.test("sizes of samples: the example of the paper, and small classes", () => {
  const expected = [0.7, 0.6, 0.9, 0.95];
  const design = designSample(MAPPED, { expected: (number) => expected[number]!, least: 75 });
  assert.equal(design.total, 641);
  assert.deepEqual(design.strata.map(({ samples }) => samples), [75, 75, 163, 328]);
});
