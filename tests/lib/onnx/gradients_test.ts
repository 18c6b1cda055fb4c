/** Every rule against finite differences in double precision, and the walk. */
import assert from "node:assert/strict";
import {
  differentiate,
  type DifferentiateOptions,
  evaluateGraph,
  Graph,
  GraphError,
  hasGradient,
  type NdArray,
  ndarray,
  OPERATORS,
  type Shape,
  softmaxAttention,
  stopGradient,
  type Value,
} from "swath";
import { allSamples, KnownGraph, outputsOf, sampleFeed } from "./sample_graph.ts";

/** Step of the central differences, whose error is about its square. */
const STEP = 1e-5;
/** Elements of an input whose gradient is compared, spread over it. */
const COMPARED = 24;
/** Constants of graphs are in single precision, which limits agreement. */
const TOLERANCE = 2e-6;

type Feeds = Record<string, NdArray<"float64">>;

/** A scalar on which all elements of the values have different influence. */
function probe(graph: Graph, values: readonly Value[]): Value {
  const sums = values.map((value, number) => {
    const count = value.shape.reduce<number>((product, dim) => product * Number(dim), 1);
    const weights = Float32Array.from({ length: count }, (_, i) => Math.cos(1 + i + 3 * number));
    const weighted = graph.op("Mul", [
      graph.op("Reshape", [graph.op("Cast", [value], { to: "float32" }), [-1]]),
      ndarray("float32", [count], weights),
    ]);
    return graph.op("ReduceSum", [weighted], { keepdims: false });
  });
  return sums.reduce((a, b) => graph.op("Add", [a, b]));
}

/** Compare gradients with central differences. */
function checkGradients(
  graph: Graph,
  loss: Value,
  inputs: readonly Value[],
  feeds: Feeds,
  options: DifferentiateOptions = {},
): void {
  const gradients = differentiate(graph, loss, inputs, options);
  const results = evaluateGraph(graph, feeds, inputs.map((input) => gradients.get(input)!));
  const lossOf = () => evaluateGraph(graph, feeds, [loss])[0]!.data[0]!;
  for (const [k, input] of inputs.entries()) {
    const { data } = feeds[input.name]!;
    assert.deepEqual(results[k]!.shape, feeds[input.name]!.shape, `shape for ${input.name}`);
    const stride = Math.max(1, Math.floor(data.length / COMPARED));
    for (let i = 0; i < data.length; i += stride) {
      const analytic = results[k]!.data[i]!;
      const center = data[i]!;
      data[i] = center + STEP;
      const above = lossOf();
      data[i] = center - STEP;
      const below = lossOf();
      data[i] = center;
      const numeric = (above - below) / (2 * STEP);
      assert.ok(
        Math.abs(analytic - numeric) <= TOLERANCE * (1 + Math.abs(numeric)),
        `${input.name}[${i}]: ${analytic} instead of ${numeric}`,
      );
    }
  }
}

const isFloat = ({ dtype }: Value) => dtype.startsWith("float");

/** Build on inputs, weigh all floating-point results, and compare with central differences. */
function check(
  shapes: Readonly<Record<string, Shape>>,
  build: (graph: Graph, inputs: Record<string, Value>) => Value | readonly Value[],
  feed: (i: number) => number = (i) => 1.8 * (((i + 1) * 0.6180339887) % 1) - 0.9,
  options: DifferentiateOptions = {},
): void {
  const graph = new Graph("check");
  const inputs = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, graph.input(name, "float32", shape)]),
  );
  const result = build(graph, inputs);
  const values = "name" in result ? [result] : result;
  let number = 0;
  const feeds: Feeds = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const array = ndarray("float64", shape as number[]);
      for (let i = 0; i < array.data.length; i++) array.data[i] = feed(number++);
      return [name, array];
    }),
  );
  checkGradients(graph, probe(graph, values), Object.values(inputs), feeds, options);
}

for (const operator of Object.keys(OPERATORS)) {
  const samples = allSamples().filter((each) => each.operator === operator);
  if (!hasGradient(samples[0]!.operator)) {
    Deno.test(`${operator}: has no gradient and says so, or gives no real numbers`, () => {
      for (const { number, sample } of samples) {
        const graph = new KnownGraph(`${operator}.${number}`);
        const [output] = outputsOf(sample, graph);
        const inputs = graph.inputs.filter(isFloat);
        if (!isFloat(output!) || inputs.length === 0) continue;
        const loss = probe(graph, [output!]);
        assert.throws(() => differentiate(graph, loss, inputs), (error: Error) => {
          assert.ok(error instanceof GraphError);
          assert.match(error.message, new RegExp(`^Cannot differentiate ${operator} ".*" as`));
          return true;
        });
      }
    });
    continue;
  }
  Deno.test(`${operator}: the gradient is that of finite differences`, () => {
    for (const { number, sample, operator } of samples) {
      const graph = new KnownGraph(`${operator}.${number}`);
      const outputs = outputsOf(sample, graph).filter(isFloat);
      const inputs = graph.inputs.filter(isFloat);
      if (outputs.length === 0 || inputs.length === 0) continue;
      // Statistics that a normalization gives besides have no gradient.
      const values = operator === "Split" ? outputs : outputs.slice(0, 1);
      const feeds = Object.fromEntries(
        graph.inputs.map((input) => [input.name, sampleFeed(operator, input, "float64")]),
      ) as Feeds;
      const updates = operator === "ScatterND" ? inputs.slice(0, 1) : inputs;
      const wanted = operator === "BatchNormalization" ? inputs.slice(0, 3) : updates;
      checkGradients(graph, probe(graph, values), wanted, feeds);
    }
  });
}

Deno.test("Conv: strides, pads, dilations and groups together", () => {
  check(
    { x: [2, 4, 7, 6], w: [6, 2, 3, 2], b: [6] },
    (g, { x, w, b }) =>
      g.op("Conv", [x!, w!, b!], {
        group: 2,
        strides: [2, 1],
        dilations: [1, 2],
        pads: [1, 0, 2, 1],
      }),
  );
  check(
    { x: [3, 6, 5], w: [6, 1, 3] },
    (g, { x, w }) => g.op("Conv", [x!, w!], { group: 6, pads: [1, 1] }),
  );
  check({ x: [2, 3, 4, 4], w: [5, 3, 1, 1] }, (g, { x, w }) => g.op("Conv", [x!, w!]));
  check(
    { x: [1, 2, 3, 4, 5], w: [2, 2, 2, 2, 2] },
    (g, { x, w }) => g.op("Conv", [x!, w!], { strides: [1, 2, 2] }),
  );
  check(
    { x: [1, 2, 6, 6], w: [4, 1, 2, 2] },
    (g, { x, w }) => g.op("Conv", [x!, w!], { group: 2, strides: [4, 4], pads: [2, 2, 2, 2] }),
  );
});

Deno.test("Conv: the weight of a large map, with pads that differ", () => {
  const graph = new Graph("large");
  const x = graph.input("x", "float32", [1, 2, 33, 30]);
  const w = graph.input("w", "float32", [1, 2, 3, 2]);
  const y = graph.op("Conv", [x, w], { pads: [2, 0, 1, 3], dilations: [1, 2] });
  const feed = (shape: number[], step: number) => {
    const array = ndarray("float64", shape);
    for (let i = 0; i < array.data.length; i++) array.data[i] = ((i + 1) * step) % 1 - 0.5;
    return array;
  };
  const feeds = { x: feed([1, 2, 33, 30], 0.618), w: feed([1, 2, 3, 2], 0.377) };
  checkGradients(graph, probe(graph, [y]), [w], feeds);
});

Deno.test("ConvTranspose: strides, pads, dilations, groups and output padding together", () => {
  check(
    { x: [2, 4, 3, 4], w: [4, 2, 3, 2], b: [4] },
    (g, { x, w, b }) =>
      g.op("ConvTranspose", [x!, w!, b!], {
        group: 2,
        strides: [2, 3],
        dilations: [2, 1],
        pads: [1, 0, 0, 1],
        outputPadding: [1, 2],
      }),
  );
});

Deno.test("Conv: depthwise, strided or not, with pads that differ", () => {
  const depthwise = (shape: [number, number, number, number], strides: number[]) =>
    check(
      { x: shape, w: [shape[1], 1, 3, 2] },
      (g, { x, w }) => g.op("Conv", [x!, w!], { group: shape[1], pads: [0, 1, 2, 0], strides }),
    );
  depthwise([2, 3, 6, 5], [1, 1]);
  depthwise([1, 2, 7, 6], [2, 1]);
});

Deno.test("softmaxAttention: several heads, other keys than queries, kept and computed again", () => {
  for (const recompute of [false, true]) {
    check(
      { q: [2, 3, 4], k: [2, 5, 4], v: [2, 5, 6] },
      (g, { q, k, v }) => g.scope("block.0", () => softmaxAttention(g, q!, k!, v!, 2)),
      undefined,
      recompute ? { recompute: ({ scope }) => scope.startsWith("block.0") ? "block.0" : null } : {},
    );
  }
});

Deno.test("Pools: overlapping windows, padding, dilation, ceilMode", () => {
  for (const countIncludePad of [false, true]) {
    check({ x: [2, 2, 6, 7] }, (g, { x }) =>
      g.op("AveragePool", [x!], {
        kernelShape: [3, 2],
        strides: [2, 2],
        pads: [1, 0, 1, 1],
        ceilMode: true,
        countIncludePad,
      }));
  }
  check(
    { x: [1, 2, 7, 6] },
    (g, { x }) =>
      g.op("MaxPool", [x!], { kernelShape: [3, 3], strides: [1, 2], pads: [1, 1, 1, 1] }),
  );
});

Deno.test("Resize: all modes and coordinate systems, up and down", () => {
  for (const mode of ["nearest", "linear", "cubic"] as const) {
    for (
      const coordinateTransformationMode of [
        "half_pixel",
        "half_pixel_symmetric",
        "pytorch_half_pixel",
        "align_corners",
        "asymmetric",
      ] as const
    ) {
      for (const sizes of [[1, 2, 7, 9], [1, 2, 2, 3], [1, 2, 1, 10]]) {
        check(
          { x: [1, 2, 4, 5] },
          (g, { x }) =>
            g.op("Resize", [x!, null, null, sizes], { mode, coordinateTransformationMode }),
        );
      }
    }
  }
});

Deno.test("Products: broadcast leading axes, shared factors, vectors", () => {
  check({ a: [2, 1, 3, 4], b: [5, 4, 2] }, (g, { a, b }) => g.op("MatMul", [a!, b!]));
  check({ a: [2, 3, 4], b: [4, 2] }, (g, { a, b }) => g.op("MatMul", [a!, b!]));
  check({ a: [4], b: [3, 4, 2] }, (g, { a, b }) => g.op("MatMul", [a!, b!]));
  for (const transA of [false, true]) {
    for (const transB of [false, true]) {
      check(
        { a: transA ? [2, 4, 3] : [2, 3, 4], b: transB ? [5, 4] : [4, 5] },
        (g, { a, b }) => g.op("FusedMatMul", [a!, b!], { transA, transB, alpha: 0.5 }),
      );
      check(
        { a: transA ? [4, 3] : [3, 4], b: transB ? [5, 4] : [4, 5], c: [1, 5] },
        (g, { a, b, c }) => g.op("Gemm", [a!, b!, c!], { transA, transB, alpha: 0.5, beta: 0.25 }),
      );
    }
  }
  check({ a: [2, 3], b: [4] }, (g, { a, b }) => g.op("Einsum", [a!, b!], { equation: "ij,k->i" }));
});

Deno.test("Elementwise: both operands broadcast, scalars, one value twice", () => {
  for (const kind of ["Add", "Sub", "Mul", "Div", "Max", "Min"] as const) {
    const positive = (i: number) => 0.3 + ((i + 1) * 0.6180339887) % 1;
    check({ a: [2, 1, 3], b: [4, 1] }, (g, { a, b }) => g.op(kind, [a!, b!]), positive);
    check({ a: [2, 3], b: [] }, (g, { a, b }) => g.op(kind, [b!, a!]), positive);
  }
  check({ x: [3] }, (g, { x }) => g.op("Mul", [x!, x!]));
  check({ x: [2, 1], y: [1, 3] }, (g, { x, y }) => {
    const mask = g.op("Greater", [g.op("Add", [x!, y!]), 0]);
    return g.op("Where", [mask, x!, y!]);
  });
});

Deno.test("Slice: steps, both directions, ends beyond the axis", () => {
  for (
    const [start, end, step] of [[0, 7, 2], [6, -100, -3], [-5, 100, 1], [3, 4, 5], [1, 7, 3]]
  ) {
    check(
      { x: [2, 7] },
      (g, { x }) => g.op("Slice", [x!, [start!], [end!], [1], [step!]]),
    );
  }
});

Deno.test("Reductions: zeros in products, ties share, negative axes", () => {
  check({ x: [2, 3] }, (g, { x }) => g.op("ReduceProd", [x!, [-1]]), (i) => [0, 2, 3, 0, 0, 5][i]!);
  const graph = new Graph("ties");
  const x = graph.input("x", "float32", [4]);
  const loss = graph.op("ReduceMax", [x], { keepdims: false });
  const feeds = { x: ndarray("float64", [4], new Float64Array([1, 3, 3, 0])) };
  const gradient = differentiate(graph, loss, [x]).get(x)!;
  assert.deepEqual([...evaluateGraph(graph, feeds, [gradient])[0]!.data], [0, 0.5, 0.5, 0]);
});

Deno.test("Gather: repeated and negative indices are added up", () => {
  check({ x: [2, 4, 3] }, (g, { x }) => {
    const places = g.constant(ndarray("int64", [2, 2], new BigInt64Array([1n, -1n, 1n, 0n])));
    return g.op("Gather", [x!, places], { axis: 1 });
  });
});

Deno.test("Normalization: several axes, groups, running statistics", () => {
  check(
    { x: [2, 3, 4], w: [3, 4], b: [3, 4] },
    (g, { x, w, b }) => g.op("LayerNormalization", [x!, w!, b!], { axis: 1 }),
  );
  check({ x: [3, 2, 4], w: [2], b: [2] }, (g, { x, w, b }) => {
    const [mean, variance] = [g.constant([0, 0]), g.constant([1, 1])];
    return g.ops("BatchNormalization", 3, [x!, w!, b!, mean, variance], {
      trainingMode: true,
      momentum: 0,
    })[0];
  });
  check(
    { x: [2, 4, 3], w: [4], b: [4] },
    (g, { x, w, b }) => g.op("GroupNormalization", [x!, w!, b!], { numGroups: 2 }),
  );
});

Deno.test("TopK: gradients go back through a sort", () => {
  check({ x: [2, 5] }, (g, { x }) => {
    const [values] = g.ops("TopK", 2, [x!, [5]]);
    return g.op("CumSum", [values, g.constant(1, "int64")]);
  });
});

Deno.test("differentiate: gradients of several uses are added up", () => {
  check({ x: [3] }, (g, { x }) => {
    const [a, b] = [g.op("Exp", [x!]), g.op("Sin", [x!])];
    return g.op("Add", [g.op("Mul", [a, b]), g.op("Mul", [b, x!])]);
  });
});

Deno.test("differentiate: only what leads to a wanted value is visited", () => {
  const graph = new Graph("frozen");
  const x = graph.input("x", "float32", [2]);
  const hidden = graph.op(
    "MultiHeadAttention",
    [0, 1, 2].map(() => graph.op("Reshape", [x, [1, 1, 2]])),
    { numHeads: 1 },
  );
  const scale = graph.input("scale", "float32", []);
  const loss = graph.op("ReduceSum", [graph.op("Mul", [hidden, scale])], { keepdims: false });
  const before = graph.nodes.length;
  assert.ok(differentiate(graph, loss, [scale]).has(scale));
  const added = graph.nodes.slice(before).map(({ operator }) => operator);
  assert.deepEqual(added.sort(), ["Mul", "ReduceSum", "Reshape", "Unsqueeze"]);
  assert.throws(() => differentiate(graph, loss, [x]), /MultiHeadAttention/);
});

Deno.test("differentiate: zeros where the loss does not depend on a value", () => {
  const graph = new Graph("independent");
  const [x, y] = [graph.input("x", "float32", [2]), graph.input("y", "float32", [3])];
  const loss = graph.op("ReduceSum", [graph.op("Mul", [x, x])], { keepdims: false });
  const gradient = differentiate(graph, loss, [y]).get(y)!;
  assert.deepEqual([...evaluateGraph(graph, {}, [gradient])[0]!.data], [0, 0, 0]);
});

Deno.test("differentiate: a loss that is no scalar, or no real number, is refused", () => {
  const graph = new Graph("vector");
  const x = graph.input("x", "float32", [2]);
  assert.throws(() => differentiate(graph, x, [x]), /it is float32 2$/);
});

Deno.test("differentiate: no gradient through integers, floors and what is stopped", () => {
  const graph = new Graph("stopped");
  const x = graph.input("x", "float32", [2]);
  const integers = graph.op("Cast", [graph.op("Cast", [x], { to: "int64" })], { to: "float32" });
  const stopped = stopGradient(graph.op("Exp", [x]));
  const parts = [integers, stopped, graph.op("Floor", [x]), x];
  const sum = parts.reduce((a, b) => graph.op("Add", [a, b]));
  const loss = graph.op("ReduceSum", [sum], { keepdims: false });
  const gradient = differentiate(graph, loss, [x]).get(x)!;
  const feeds = { x: ndarray("float64", [2], new Float64Array([1, 2])) };
  assert.deepEqual([...evaluateGraph(graph, feeds, [gradient])[0]!.data], [1, 1]);
});

Deno.test("differentiate: a symbolic batch stays symbolic", () => {
  const graph = new Graph("batch");
  const x = graph.input("x", "float32", ["batch", 3]);
  const w = graph.input("w", "float32", [4, 3]);
  const b = graph.input("b", "float32", [4]);
  const hidden = graph.op("Relu", [graph.op("Gemm", [x, w, b], { transB: true })]);
  const loss = graph.op("ReduceSum", [hidden], { keepdims: false });
  const gradients = differentiate(graph, loss, [x, w, b]);
  assert.deepEqual([x, w, b].map((value) => gradients.get(value)!.shape), [
    ["batch", 3],
    [4, 3],
    [4],
  ]);
});

Deno.test("differentiate: what is computed again gives the same gradients, after they arrive", () => {
  const build = () => {
    const graph = new Graph("blocks");
    const x = graph.input("x", "float32", [2, 3]);
    const w = graph.input("w", "float32", [3]);
    const layer = (value: Value) => {
      const [normal] = graph.ops("LayerNormalization", 1, [value, w]);
      return graph.op("Add", [value, graph.op("Tanh", [normal])]);
    };
    const hidden = graph.scope("block.0", () => layer(x));
    const y = graph.scope("block.1", () => layer(hidden));
    return { graph, x, w, loss: probe(graph, [y]) };
  };
  const part = (scope: string) => /block\.\d/.exec(scope)?.[0] ?? null;
  const feeds = {
    x: ndarray("float64", [2, 3], new Float64Array([0.1, -0.4, 0.8, 0.3, 0.2, -0.6])),
    w: ndarray("float64", [3], new Float64Array([0.5, 1, -2])),
  };
  const [kept, again] = [{}, { recompute: ({ scope }: { scope: string }) => part(scope) }].map(
    (options) => {
      const { graph, x, w, loss } = build();
      const gradients = differentiate(graph, loss, [x, w], options);
      const values = [x, w].map((value) => gradients.get(value)!);
      const copies = graph.nodes.filter(({ scope }) => scope.includes("recompute"));
      return { copies, results: evaluateGraph(graph, feeds, values) };
    },
  );
  assert.equal(kept!.copies.length, 0);
  assert.equal(again!.copies.length, 6);
  for (const [i, { data }] of kept!.results.entries()) {
    assert.deepEqual([...again!.results[i]!.data], [...data]);
  }
});

for (const approximate of ["none", "tanh"] as const) {
  Deno.test(`differentiate: a Gelu (${approximate}) before a product is computed again instead of kept`, () => {
    const graph = new Graph("activation");
    const x = graph.input("x", "float32", [2, 3]);
    const w = graph.input("w", "float32", [3, 2]);
    const active = graph.op("Gelu", [graph.op("Exp", [x])], { approximate });
    const rows = graph.op("Reshape", [active, [2, 3]]);
    const loss = probe(graph, [graph.op("MatMul", [rows, w])]);
    const feeds: Feeds = {
      x: ndarray("float64", [2, 3], new Float64Array([0.1, -0.4, 0.8, 0.3, 0.2, -0.6])),
      w: ndarray("float64", [3, 2], new Float64Array([0.5, 1, -2, 0.25, 3, -1])),
    };
    checkGradients(graph, loss, [x, w], feeds);
    const readers = graph.nodes.filter(({ inputs }) =>
      inputs.some((input) => input === rows || input === active)
    );
    assert.deepEqual(readers.map(({ operator }) => operator), ["Reshape", "MatMul"]);
  });
}
