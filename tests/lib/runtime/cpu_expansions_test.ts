/** Convolutions in blocked channels: the elements that the plain ones have. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  createSession,
  differentiate,
  evaluateGraph,
  Graph,
  type NdArray,
  ndarray,
  type Value,
} from "swath";

type Shape4 = readonly [number, number, number, number];

/** A convolution's result and all its gradients. */
function convolution(
  image: Shape4,
  weight: Shape4,
  attributes: { readonly group?: number; readonly strides?: readonly number[] },
): Graph {
  const graph = new Graph("convolution");
  const x = graph.input("x", "float32", image);
  const w = graph.input("w", "float32", weight);
  const b = graph.input("b", "float32", [weight[0]]);
  const y = graph.op("Conv", [x, w, b], { ...attributes, pads: [1, 1, 1, 1] });
  graph.output("y", y);
  const loss = graph.op("ReduceSum", [graph.op("Mul", [y, y])], { keepdims: false });
  for (const [{ name }, gradient] of differentiate(graph, loss, [x, w, b])) {
    graph.output(`gradient of ${name}`, gradient);
  }
  return graph;
}

const depthwise = (batch: number, channels: number, height: number, width: number) =>
  convolution([batch, channels, height, width], [channels, 1, 3, 3], { group: channels });

/** The Mix-FFN of SegFormer on tokens (batch, pixels, 16), 32 channels wide, and all its gradients. */
function mixFeedForward(batch: number, height: number, width: number): Graph {
  const graph = new Graph("mix_ffn");
  const tokens = graph.input("tokens", "float32", [batch, height * width, 16]);
  const weights = [[32, 16, 1, 1], [32, 1, 3, 3], [16, 32, 1, 1]].map((shape, i) => ({
    weight: graph.input(`weight ${i}`, "float32", shape),
    bias: graph.input(`bias ${i}`, "float32", [shape[0]!]),
  }));
  const convolve = (x: Value, layer: number, attributes = {}) =>
    graph.op("Conv", [x, weights[layer]!.weight, weights[layer]!.bias], attributes);
  const rows = graph.op("Transpose", [tokens], { perm: [0, 2, 1] });
  const wide = convolve(graph.op("Reshape", [rows, [batch, 16, height, width]]), 0);
  const active = graph.op("Gelu", [convolve(wide, 1, { group: 32, pads: [1, 1, 1, 1] })]);
  const narrow = graph.op("Reshape", [convolve(active, 2), [batch, 16, height * width]]);
  const y = graph.op("Transpose", [narrow], { perm: [0, 2, 1] });
  graph.output("y", y);
  const loss = graph.op("ReduceSum", [graph.op("Mul", [y, y])], { keepdims: false });
  for (const [{ name }, gradient] of differentiate(graph, loss, [...graph.inputs])) {
    graph.output(`gradient of ${name}`, gradient);
  }
  return graph;
}

/** Images turned around and back, and a gradient that is. */
function turned(): Graph {
  const graph = new Graph("turned");
  const x = graph.input("x", "float32", [3, 16, 2, 5]);
  const last = graph.op("Transpose", [x], { perm: [0, 2, 3, 1] });
  graph.output("last", last);
  const squares = graph.op("Reshape", [graph.op("Mul", [last, last]), [3, 10, 16]]);
  const loss = graph.op("ReduceSum", [graph.op("Reshape", [squares, [480]])], { keepdims: false });
  graph.output("gradient of x", differentiate(graph, loss, [x]).get(x)!);
  // Without it, there is nothing to be expanded.
  graph.output("y", graph.op("Conv", [x, graph.input("w", "float32", [4, 16, 1, 1])]));
  return graph;
}

function feedsOf(graph: Graph): Record<string, NdArray> {
  return Object.fromEntries(graph.inputs.map(({ name, shape }, number) => {
    const array = ndarray("float32", shape as number[]);
    array.data.forEach((_, i, data) => data[i] = ((i + 1) * (0.618 - 0.1 * number)) % 1 - 0.5);
    return [name, array];
  }));
}

/** Run on the CPU: outputs, and the operators of the runtime's profile. */
async function runProfiled(graph: Graph, feeds: Readonly<Record<string, NdArray>>) {
  const folder = await Deno.makeTempDir({ prefix: "swath-test-" });
  try {
    const profile = join(folder, "profile");
    const session = await createSession(graph, { device: "cpu", threads: 2, profile });
    const results = await session.run(feeds);
    await session.release();
    const [file] = await Array.fromAsync(Deno.readDir(folder));
    const events: readonly { args?: { op_name?: string } }[] = JSON.parse(
      await Deno.readTextFile(join(folder, file!.name)),
    );
    return { results, operators: new Set(events.map(({ args }) => args?.op_name)) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("what lies between convolutions in blocked channels is in these too", async () => {
  const graph = mixFeedForward(1, 6, 5);
  const { operators } = await runProfiled(graph, feedsOf(graph));
  // Sums of the biases' gradients, which would need plain channels.
  assert.ok(operators.has("GlobalAveragePool"));
});

Deno.test("gradients of weights are convolutions where the pixels divide into blocks", async () => {
  for (const [height, isConvolution] of [[4, true], [5, false]] as const) {
    const graph = mixFeedForward(2, height, 4);
    const { operators } = await runProfiled(graph, feedsOf(graph));
    assert.equal(operators.has("FusedMatMul"), !isConvolution, `${height} rows`);
  }
});

for (
  const [what, graph, isBlocked] of [
    ["depthwise, one image", depthwise(1, 32, 9, 7), true],
    ["depthwise, several images", depthwise(3, 16, 5, 6), true],
    ["depthwise, channels that do not divide into blocks", depthwise(2, 12, 5, 6), false],
    ["few channels", convolution([2, 3, 9, 8], [32, 3, 3, 3], {}), true],
    [
      "a stride, where the gradient of the weight is from few",
      convolution([2, 20, 9, 8], [16, 20, 3, 3], { strides: [2, 2] }),
      true,
    ],
    ["pointwise ones around depthwise ones, one image", mixFeedForward(1, 6, 5), true],
    ["pointwise ones around depthwise ones, several images", mixFeedForward(2, 4, 7), true],
    ["weights by pixels in blocks, one image", mixFeedForward(1, 8, 6), true],
    ["weights by pixels in blocks, several images", mixFeedForward(3, 4, 8), true],
    ["images turned around", turned(), true],
    ["many channels", convolution([1, 20, 6, 5], [16, 20, 3, 3], {}), false],
  ] as const
) {
  Deno.test(`convolution and its gradients: ${what}`, async () => {
    const feeds = feedsOf(graph);
    const { results, operators } = await runProfiled(graph, feeds);
    assert.equal(operators.has("ReorderInput"), isBlocked);
    const wanted = evaluateGraph(graph, feeds, [...graph.outputs.values()]);
    for (const [number, name] of [...graph.outputs.keys()].entries()) {
      const { shape, data } = results[name]!;
      assert.deepEqual(shape, wanted[number]!.shape, name);
      for (const [i, element] of wanted[number]!.data.entries()) {
        const error = Math.abs(Number(data[i]) - element);
        assert.ok(error < 1e-5 * (1 + Math.abs(element)), `${name}, ${i}: ${data[i]}, ${element}`);
      }
    }
  });
}
