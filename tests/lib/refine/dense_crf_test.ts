import assert from "node:assert/strict";
import { type CrfImage, denseCrf, type DenseCrfOptions } from "swath";

const OPTIONS: DenseCrfOptions = {
  iterations: 4,
  bilateralWeight: 5,
  bilateralPixels: 8,
  bilateralColor: 0.3,
  smoothWeight: 2,
  smoothPixels: 2,
};
const [WIDTH, HEIGHT, CLASSES] = [19, 15, 3];
const AREA = WIDTH * HEIGHT;

/** Two bands with an edge, and noisy probabilities. */
function example(isValid: (i: number) => boolean = () => true) {
  const bands = [0, 1].map((band) =>
    Float32Array.from({ length: AREA }, (_, i) => {
      const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
      return (x + band * y > 9 ? 1 : 0) + 0.1 * Math.sin(i * (band + 3));
    })
  );
  const probabilities = new Float32Array(CLASSES * AREA);
  for (let i = 0; i < AREA; i++) {
    const shares = Array.from(
      { length: CLASSES },
      (_, k) => Math.exp(Math.sin(7 * i + 3 * k) + (k === (bands[0]![i]! > 0.5 ? 1 : 0) ? 1 : 0)),
    );
    const sum = shares.reduce((a, b) => a + b);
    shares.forEach((share, k) => probabilities[k * AREA + i] = share / sum);
  }
  const valid = Uint8Array.from({ length: AREA }, (_, i) => isValid(i) ? 1 : 0);
  return {
    probabilities,
    image: { bands, width: WIDTH, height: HEIGHT, valid } satisfies CrfImage,
  };
}

/** The definition: sums over all pairs, in double precision. */
function bruteForce(
  probabilities: Float32Array,
  { bands, valid }: CrfImage,
  options: DenseCrfOptions,
): Float64Array {
  const pixels = Array.from({ length: AREA }, (_, i) => i).filter((i) => valid![i] === 1);
  const kernel = (i: number, j: number, place: number, color: number | null) => {
    let distance = ((i % WIDTH - j % WIDTH) / place) ** 2 +
      ((Math.floor(i / WIDTH) - Math.floor(j / WIDTH)) / place) ** 2;
    if (color !== null) {
      for (const band of bands) {
        distance += ((band[i]! - band[j]!) / color) ** 2;
      }
    }
    return Math.exp(-distance / 2);
  };
  const kernels = ([
    [options.smoothWeight, options.smoothPixels, null],
    [options.bilateralWeight, options.bilateralPixels, options.bilateralColor],
  ] as const).map(([weight, place, color]) => {
    const matrix = pixels.map((i) => pixels.map((j) => kernel(i, j, place, color)));
    const norms = matrix.map((row) => 1 / Math.sqrt(row.reduce((a, b) => a + b)));
    return matrix.map((row, i) => row.map((value, j) => weight * norms[i]! * value * norms[j]!));
  });
  const softmax = (scores: number[]) => {
    const shares = scores.map((score) => Math.exp(score - Math.max(...scores)));
    const sum = shares.reduce((a, b) => a + b);
    return shares.map((share) => share / sum);
  };
  const logs = pixels.map((i) =>
    Array.from({ length: CLASSES }, (_, k) => Math.log(probabilities[k * AREA + i]!))
  );
  let q = logs.map(softmax);
  for (let step = 0; step < options.iterations; step++) {
    q = logs.map((own, i) =>
      softmax(own.map((log, k) =>
        kernels.reduce(
          (sum, matrix) =>
            sum + matrix[i]!.reduce((total, weight, j) => total + weight * q[j]![k]!, 0),
          log,
        )
      ))
    );
  }
  const result = Float64Array.from(probabilities);
  pixels.forEach((pixel, i) => q[i]!.forEach((share, k) => result[k * AREA + pixel] = share));
  return result;
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));
}

for (
  const [name, isValid] of [
    ["everywhere", () => true],
    ["with pixels without data", (i: number) => i % 7 !== 3],
  ] as const
) {
  Deno.test(`dense CRF: exact sums are the definition, ${name}`, () => {
    const { probabilities, image } = example(isValid);
    const expected = bruteForce(probabilities, image, OPTIONS);
    const found = denseCrf(probabilities, image, { ...OPTIONS, exact: true });
    const error = largestDifference(found, expected);
    assert.ok(error < 1e-5, `${error}`);
  });

  Deno.test(`dense CRF: the lattice comes near it, ${name}`, () => {
    const { probabilities, image } = example(isValid);
    const expected = bruteForce(probabilities, image, OPTIONS);
    const found = denseCrf(probabilities, image, OPTIONS);
    const mean = found.reduce((sum, value, i) => sum + Math.abs(value - expected[i]!), 0) /
      found.length;
    assert.ok(mean < 0.02, `mean error ${mean}`);
    let same = 0;
    for (let i = 0; i < AREA; i++) {
      const best = (map: ArrayLike<number>) =>
        [0, 1, 2].reduce((b, k) => map[k * AREA + i]! > map[b * AREA + i]! ? k : b, 0);
      if (best(found) === best(expected)) same++;
    }
    assert.ok(same >= 0.98 * AREA, `${same} of ${AREA} pixels`);
  });
}

Deno.test("dense CRF: without weights nothing changes; with them the map follows the image", () => {
  const { probabilities, image } = example();
  const off = denseCrf(probabilities, image, { ...OPTIONS, bilateralWeight: 0, smoothWeight: 0 });
  assert.ok(largestDifference(off, probabilities) < 1e-6);
  const mistakes = (map: Float32Array) => {
    let wrong = 0;
    for (let i = 0; i < AREA; i++) {
      const best = [0, 1, 2].reduce((b, k) => map[k * AREA + i]! > map[b * AREA + i]! ? k : b, 0);
      if (best !== (image.bands[0]![i]! > 0.5 ? 1 : 0)) wrong++;
    }
    return wrong;
  };
  assert.ok(mistakes(probabilities) > 40);
  assert.ok(mistakes(denseCrf(probabilities, image, OPTIONS)) < 5);
});
