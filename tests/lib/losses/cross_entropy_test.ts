import assert from "node:assert/strict";
import {
  createSession,
  crossEntropy,
  type CrossEntropyOptions,
  differentiate,
  evaluateGraph,
  Graph,
  InputError,
  interpolationMatrix,
  ndarray,
} from "swath";

type Logits = ReturnType<typeof ndarray<"float32">>;
type Labels = ReturnType<typeof ndarray<"uint8">>;

/** The definition, pixel by pixel. */
function reference(
  logits: Logits,
  labels: Labels,
  { ignoreIndex = 255, classWeights }: CrossEntropyOptions = {},
): number {
  const [batch, classes, height, width] = logits.shape as [number, number, number, number];
  const [, rows, columns] = labels.shape as [number, number, number];
  const [down, across] = [interpolationMatrix(height, rows), interpolationMatrix(width, columns)];
  let [sum, weights] = [0, 0];
  for (let n = 0; n < batch; n++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const label = labels.data[(n * rows + row) * columns + column]!;
        if (label === ignoreIndex || label >= classes) continue;
        const scores = Array.from({ length: classes }, (_, k) => {
          let score = 0;
          for (let i = 0; i < height; i++) {
            for (let j = 0; j < width; j++) {
              score += down.data[row * height + i]! * across.data[column * width + j]! *
                logits.data[((n * classes + k) * height + i) * width + j]!;
            }
          }
          return score;
        });
        const total = scores.reduce((total, score) => total + Math.exp(score), 0);
        const weight = classWeights?.[label] ?? 1;
        sum -= weight * (scores[label]! - Math.log(total));
        weights += weight;
      }
    }
  }
  return weights === 0 ? 0 : sum / weights;
}

function inputs(
  shape: readonly number[],
  rows: number,
  columns: number,
  labelOf: (i: number) => number,
) {
  const logits = ndarray("float32", shape);
  for (let i = 0; i < logits.data.length; i++) logits.data[i] = 3 * Math.sin(1 + i * i);
  const labels = ndarray("uint8", [shape[0]!, rows, columns]);
  for (let i = 0; i < labels.data.length; i++) labels.data[i] = labelOf(i);
  return { logits, labels };
}

function build(logits: Logits, labels: Labels, options?: CrossEntropyOptions) {
  const graph = new Graph("loss");
  const x = graph.input("logits", "float32", logits.shape);
  const y = graph.input("labels", "uint8", labels.shape);
  return { graph, x, loss: crossEntropy(options)(graph, { logits: x, labels: y }) };
}

function evaluate(logits: Logits, labels: Labels, options?: CrossEntropyOptions): number {
  const { graph, loss } = build(logits, labels, options);
  return evaluateGraph(graph, { logits, labels }, [loss])[0]!.data[0]!;
}

Deno.test("crossEntropy: the mean over the pixels that count, after bilinear upsampling", () => {
  const { logits, labels } = inputs([2, 3, 2, 3], 8, 12, (i) => i % 7 === 2 ? 255 : i % 3);
  assert.ok(Math.abs(evaluate(logits, labels) - reference(logits, labels)) < 1e-6);
});

Deno.test("crossEntropy: class weights weigh the sum and the mean", () => {
  const { logits, labels } = inputs([1, 3, 2, 2], 8, 8, (i) => i % 3);
  const options = { classWeights: [0.5, 0, 4] };
  assert.ok(
    Math.abs(evaluate(logits, labels, options) - reference(logits, labels, options)) < 1e-6,
  );
});

Deno.test("crossEntropy: another label to ignore; labels that are no class do not count", () => {
  const { logits, labels } = inputs([1, 3, 2, 2], 8, 8, (i) => i % 6);
  const options = { ignoreIndex: 0 };
  assert.ok(
    Math.abs(evaluate(logits, labels, options) - reference(logits, labels, options)) < 1e-6,
  );
});

Deno.test("crossEntropy: nothing to count gives 0 and gradients of 0", () => {
  const { logits, labels } = inputs([1, 3, 2, 2], 8, 8, () => 255);
  const { graph, x, loss } = build(logits, labels);
  const gradient = differentiate(graph, loss, [x]).get(x)!;
  const [value, slopes] = evaluateGraph(graph, { logits, labels }, [loss, gradient]);
  assert.equal(value!.data[0], 0);
  assert.ok(slopes!.data.every((slope) => slope === 0));
});

Deno.test("crossEntropy: logits far from zero do not overflow", () => {
  const { logits, labels } = inputs([1, 2, 1, 1], 4, 4, () => 1);
  logits.data.set([1000, -1000]);
  assert.ok(Math.abs(evaluate(logits, labels) - 2000) < 1e-3);
});

Deno.test("crossEntropy: a map in several bands, in the runtime", async () => {
  const { logits, labels } = inputs([1, 5, 8, 64], 64, 4096, (i) => i % 5);
  const { graph, x, loss } = build(logits, labels);
  assert.ok(graph.nodes.some(({ scope }) => scope.startsWith("rows.")), "several bands");
  graph.output("loss", loss);
  graph.output("gradient", differentiate(graph, loss, [x]).get(x)!);
  const session = await createSession(graph, { device: "cpu", threads: 1 });
  const { loss: value, gradient } = await session.run({ logits, labels });
  await session.release();
  const small = inputs([1, 5, 8, 64], 64, 4096, (i) => i % 5);
  assert.ok(Math.abs(Number(value!.data[0]) - reference(small.logits, small.labels)) < 1e-4);
  // Softmax minus one-hot: gradients of all classes cancel out.
  const slopes = gradient!.data as Float32Array;
  const plane = 8 * 64;
  for (let place = 0; place < plane; place++) {
    let sum = 0;
    for (let k = 0; k < 5; k++) sum += slopes[k * plane + place]!;
    assert.ok(Math.abs(sum) < 1e-7);
  }
});

Deno.test("crossEntropy: weights that do not fit are refused", () => {
  const { logits, labels } = inputs([1, 3, 2, 2], 8, 8, () => 0);
  assert.throws(
    () => build(logits, labels, { classWeights: [1, 2] }),
    new InputError(
      "Cannot weigh 3 classes as there must be one weight a class: current number is 2",
    ),
  );
  assert.throws(
    () => crossEntropy({ classWeights: [1, -1] }),
    new InputError("Cannot weigh classes by -1 as weights must be >= 0"),
  );
});
