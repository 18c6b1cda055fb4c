import assert from "node:assert/strict";
import fc from "fast-check";
import {
  boundaryDistanceLoss,
  boundaryEdgeLoss,
  createSession,
  crossEntropy,
  diceLoss,
  differentiate,
  evaluateGraph,
  focalLoss,
  Graph,
  InputError,
  type Loss,
  lovaszSoftmax,
  type NdArray,
  ndarray,
  signedDistances,
  tverskyLoss,
  weightedSum,
} from "swath";

const LOSSES: Readonly<Record<string, Loss>> = {
  "crossEntropy": crossEntropy({ labelSmoothing: 0.1, classWeights: [1, 0.5, 2] }),
  "diceLoss": diceLoss(),
  "tverskyLoss": tverskyLoss({ gamma: 2 }),
  "focalLoss": focalLoss(),
  "lovaszSoftmax": lovaszSoftmax(),
  "lovaszSoftmax by image": lovaszSoftmax({ perImage: true, classes: "all" }),
  "boundaryEdgeLoss": boundaryEdgeLoss(),
  "boundaryEdgeLoss by Laplacian": boundaryEdgeLoss({ filter: "laplacian" }),
  "boundaryDistanceLoss": boundaryDistanceLoss(),
  "weightedSum": weightedSum([
    { loss: crossEntropy(), weight: 1 },
    { loss: diceLoss({ classes: "all", smooth: 1 }), weight: 0.5 },
  ]),
};

const SHAPE = [2, 3, 3, 4];

function maps(labelOf: (i: number) => number) {
  const logits = ndarray("float32", SHAPE);
  for (let i = 0; i < logits.data.length; i++) logits.data[i] = 2 * Math.sin(1 + i * i);
  const labels = ndarray("uint8", [2, 6, 8]);
  for (let i = 0; i < labels.data.length; i++) labels.data[i] = labelOf(i);
  return { logits, labels, distances: signedDistances(labels, { classes: 3 }) };
}

const mixed = (i: number) => i % 7 === 2 ? 255 : i % 13 === 1 ? 9 : Math.floor(i / 5) % 3;

function build(loss: Loss, { labels }: { readonly labels: NdArray<"uint8"> }) {
  const graph = new Graph("loss");
  const x = graph.input("logits", "float32", SHAPE);
  const y = graph.input("labels", "uint8", labels.shape);
  const shape = [SHAPE[0]!, SHAPE[1]!, ...labels.shape.slice(1)];
  const distances = () => graph.input("distances", "float32", shape);
  const value = loss(graph, { logits: x, labels: y, distances });
  return { graph, value, gradient: differentiate(graph, value, [x]).get(x)! };
}

for (const [name, loss] of Object.entries(LOSSES)) {
  Deno.test(`${name}: the gradient is the slope of the loss`, () => {
    const feeds = maps(mixed);
    const { graph, value, gradient } = build(loss, feeds);
    const slopes = evaluateGraph(graph, feeds, [gradient])[0]!;
    for (let i = 0; i < slopes.data.length; i += 5) {
      const at = (step: number) => {
        const logits = ndarray("float64", SHAPE, Float64Array.from(feeds.logits.data));
        logits.data[i]! += step;
        return evaluateGraph(graph, { ...feeds, logits }, [value])[0]!.data[0]!;
      };
      const slope = (at(1e-5) - at(-1e-5)) / 2e-5;
      assert.ok(Math.abs(slope - slopes.data[i]!) < 1e-7, `${i}: ${slope} ${slopes.data[i]}`);
    }
  });

  Deno.test(`${name}: pixels that do not count change nothing`, () => {
    const feeds = maps(mixed);
    const { graph, value } = build(loss, feeds);
    const [before] = evaluateGraph(graph, feeds, [value]);
    // Another number that is no class, or the ignore label.
    const others = { ...feeds, labels: ndarray("uint8", feeds.labels.shape) };
    others.labels.data.set(feeds.labels.data.map((label) => label === 255 ? 17 : label));
    const [after] = evaluateGraph(graph, others, [value]);
    assert.deepEqual(after!.data, before!.data);
  });

  Deno.test(`${name}: nothing labelled gives 0 and gradients of 0`, () => {
    const feeds = maps(() => 255);
    const { graph, value, gradient } = build(loss, feeds);
    const [zero, slopes] = evaluateGraph(graph, feeds, [value, gradient]);
    assert.equal(Math.abs(zero!.data[0]!), 0);
    assert.ok(slopes!.data.every((slope) => slope === 0));
  });

  Deno.test(`${name}: finite for extreme logits`, async () => {
    const feeds = maps(mixed);
    for (let i = 0; i < feeds.logits.data.length; i++) {
      feeds.logits.data[i] = [0, 1e4, -1e4, 3e8, -3e8][i % 5]!;
    }
    const { graph, value, gradient } = build(loss, feeds);
    graph.output("loss", value);
    graph.output("gradient", gradient);
    const session = await createSession(graph, { device: "cpu", threads: 1 });
    const fed = Object.fromEntries(
      graph.inputs.map(({ name }) => [name, feeds[name as keyof typeof feeds]]),
    );
    const results = await session.run(fed);
    await session.release();
    for (const { data } of Object.values(results)) {
      assert.ok((data as Float32Array).every(Number.isFinite));
    }
  });
}

Deno.test("losses: an absent class is left out of means over classes, unless all are wanted", () => {
  const feeds = maps((i) => i % 2);
  const of = (loss: Loss) => {
    const { graph, value } = build(loss, feeds);
    return evaluateGraph(graph, feeds, [value])[0]!.data[0]!;
  };
  for (const make of [diceLoss, tverskyLoss, lovaszSoftmax]) {
    const [present, all] = [of(make()), of(make({ classes: "all" }))];
    // Dice and Tversky of a class without pixels are 1; Lovász's is its largest probability.
    const absent = 3 * all - 2 * present;
    assert.ok(absent > 0.8 && absent < 1.0001, `${make.name}: ${absent}`);
  }
});

Deno.test("losses: what several need of the logits is computed once", () => {
  const feeds = maps(mixed);
  const { graph } = build(LOSSES["weightedSum"]!, feeds);
  const forward = graph.nodes.filter(({ scope }) => !scope.startsWith("gradient"));
  assert.equal(forward.filter(({ operator }) => operator === "Exp").length, 1);
});

Deno.test("losses: a map in several bands gives what it gives in one", async () => {
  const [classes, rows, columns] = [5, 64, 4096];
  const losses = [
    diceLoss(),
    focalLoss(),
    boundaryEdgeLoss({ filter: "laplacian" }),
    lovaszSoftmax(),
  ];
  const logitOf = (k: number, row: number, column: number) => 2 * Math.sin(1 + k * row + column);
  const run = async (shape: readonly number[], isImagePerRow: boolean) => {
    const logits = ndarray("float32", shape);
    const labels = ndarray("uint8", [shape[0]!, shape[2]!, columns]);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        labels.data[row * columns + column] = Math.floor(column / 97) % 6;
        for (let k = 0; k < classes; k++) {
          const line = isImagePerRow ? row * classes + k : k * rows + row;
          logits.data[line * columns + column] = logitOf(k, row, column);
        }
      }
    }
    const graph = new Graph("loss");
    const x = graph.input("logits", "float32", logits.shape);
    const y = graph.input("labels", "uint8", labels.shape);
    for (const [i, loss] of losses.entries()) {
      graph.output(`loss${i}`, loss(graph, { logits: x, labels: y }));
    }
    const session = await createSession(graph, { device: "cpu", threads: 1 });
    const results = await session.run({ logits, labels });
    await session.release();
    const hasBands = graph.nodes.some(({ scope }) => scope.startsWith("rows."));
    return { hasBands, values: losses.map((_, i) => Number(results[`loss${i}`]!.data[0])) };
  };
  // Rows as images of their own are the same pixels, with the same edges between columns.
  const several = await run([1, classes, rows, columns], false);
  const one = await run([rows, classes, 1, columns], true);
  assert.ok(several.hasBands && !one.hasBands);
  for (const [i, value] of several.values.entries()) {
    assert.ok(Math.abs(value - one.values[i]!) < 1e-5, `${i}: ${value} ${one.values[i]}`);
  }
});

Deno.test("losses: settings out of range are refused", () => {
  assert.throws(
    () => diceLoss({ smooth: -1 }),
    new InputError("Cannot use smooth -1 for the Dice loss: expected a finite number >= 0"),
  );
  assert.throws(
    () => tverskyLoss({ gamma: 0.5 }),
    new InputError("Cannot use gamma 0.5 for the Tversky loss: expected a finite number >= 1"),
  );
  assert.throws(() => focalLoss({ gamma: NaN }), InputError);
  assert.throws(
    () => crossEntropy({ labelSmoothing: 2 }),
    new InputError("Cannot smooth labels by 2: expected a number from 0 to 1"),
  );
  assert.throws(() => weightedSum([]), InputError);
  assert.throws(() => weightedSum([{ loss: diceLoss(), weight: -1 }]), InputError);
});

Deno.test("signedDistances: the distances to all pixels, pixel by pixel", () => {
  const label: fc.Arbitrary<number> = fc.constantFrom(0, 1, 2, 255);
  const image = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 }))
    .chain(([rows, columns]) =>
      fc.record({
        rows: fc.constant(rows),
        columns: fc.constant(columns),
        labels: fc.array(label, { minLength: rows * columns, maxLength: rows * columns }),
      })
    );
  fc.assert(fc.property(image, ({ rows, columns, labels }) => {
    const array = ndarray("uint8", [1, rows, columns], Uint8Array.from(labels));
    const { data } = signedDistances(array, { classes: 3 });
    const area = rows * columns;
    for (let k = 0; k < 3; k++) {
      const nearest = (i: number, isWanted: (label: number) => boolean) =>
        Math.min(
          ...labels.flatMap((other, j) =>
            isWanted(other)
              ? [
                Math.hypot(
                  i % columns - j % columns,
                  Math.floor(i / columns) - Math.floor(j / columns),
                ),
              ]
              : []
          ),
        );
      const isOther = (other: number) => other !== k && other !== 255;
      const isDegenerate = !labels.includes(k) || !labels.some(isOther);
      labels.forEach((own, i) => {
        const expected = isDegenerate || own === 255
          ? 0
          : own === k
          ? 1 - nearest(i, isOther)
          : nearest(i, (other) => other === k);
        assert.ok(Math.abs(data[k * area + i]! - expected) < 1e-5);
      });
    }
  }));
});
