/** The conditional random field against pydensecrf, with the errors of the lattice. */
import assert from "node:assert/strict";
import { denseCrf, type DenseCrfOptions } from "swath";
import { print } from "../../tasks/print.ts";
import { peerTest, runPythonJson } from "./python.ts";

const [WIDTH, HEIGHT, CLASSES] = [48, 40, 4];
const AREA = WIDTH * HEIGHT;
const OPTIONS: DenseCrfOptions = {
  iterations: 5,
  bilateralWeight: 10,
  bilateralPixels: 20,
  bilateralColor: 13,
  smoothWeight: 3,
  smoothPixels: 3,
};

peerTest("refined probabilities are pydensecrf's", ["pydensecrf"], async () => {
  const bands = [0, 1, 2].map((band) =>
    Uint8Array.from({ length: AREA }, (_, i) => {
      const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
      const region = Math.sin(x / 6 + band) * Math.cos(y / 7) > 0.2 ? 150 : 60;
      return region + 12 * Math.sin(i * (band + 2));
    })
  );
  const probabilities = new Float32Array(CLASSES * AREA);
  for (let i = 0; i < AREA; i++) {
    const shares = Array.from(
      { length: CLASSES },
      (_, k) =>
        Math.exp(1.5 * Math.sin(7 * i + 3 * k) + (k === (bands[0]![i]! > 100 ? 1 : 0) ? 1 : 0)),
    );
    const sum = shares.reduce((a, b) => a + b);
    shares.forEach((share, k) => probabilities[k * AREA + i] = share / sum);
  }
  const job = {
    ...OPTIONS,
    width: WIDTH,
    height: HEIGHT,
    classes: CLASSES,
    probabilities: [...probabilities],
    image: Array.from({ length: AREA }, (_, i) => bands.map((band) => band[i])).flat(),
  };
  const theirs = await runPythonJson<number[]>("dense_crf.py", [], {
    stdin: new TextEncoder().encode(JSON.stringify(job)),
  });
  const image = { bands, width: WIDTH, height: HEIGHT, valid: null };
  const lattice = denseCrf(probabilities, image, OPTIONS);
  const exact = denseCrf(probabilities, image, { ...OPTIONS, exact: true });
  const compare = (a: ArrayLike<number>, b: ArrayLike<number>) => {
    let [sum, largest, same] = [0, 0, 0];
    for (let i = 0; i < CLASSES * AREA; i++) {
      sum += Math.abs(a[i]! - b[i]!);
      largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
    }
    for (let i = 0; i < AREA; i++) {
      const best = (map: ArrayLike<number>) => {
        let winner = 0;
        for (let k = 1; k < CLASSES; k++) {
          if (map[k * AREA + i]! > map[winner * AREA + i]!) winner = k;
        }
        return winner;
      };
      if (best(a) === best(b)) same++;
    }
    return { mean: sum / (CLASSES * AREA), largest, same: same / AREA };
  };
  const errors = {
    "lattice and pydensecrf": compare(lattice, theirs),
    "lattice and all pairs": compare(lattice, exact),
    "pydensecrf and all pairs": compare(theirs, exact),
  };
  for (const [name, { mean, largest, same }] of Object.entries(errors)) {
    print(
      `${name.padEnd(26)} mean ${mean.toExponential(1)}, largest ${
        largest.toExponential(1)
      }, the same class in ${(100 * same).toFixed(2)} % of pixels\n`,
    );
  }
  assert.ok(errors["lattice and pydensecrf"].largest < 1e-3);
  assert.ok(errors["lattice and all pairs"].mean < 0.05);
  assert.ok(errors["lattice and all pairs"].same > 0.95);
});
