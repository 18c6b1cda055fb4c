/** Losses and their gradients in ONNX Runtime against PyTorch, with a table of the errors. */
import assert from "node:assert/strict";
import {
  boundaryDistanceLoss,
  boundaryEdgeLoss,
  createSession,
  crossEntropy,
  diceLoss,
  differentiate,
  focalLoss,
  Graph,
  type Loss,
  lovaszSoftmax,
  type NdArray,
  ndarray,
  signedDistances,
  tverskyLoss,
  weightedSum,
} from "swath";
import { print } from "../../tasks/print.ts";
import { peerTest, runPythonJson } from "./python.ts";

/** Errors of single precision: of a value that is 1 or less, and of gradients as a share of the largest. */
const VALUE_TOLERANCE = 2e-6;
const GRADIENT_TOLERANCE = 2e-6;
/** Upsampled logits near 1000 are rounded to multiples of 6e-5, which is the error of each probability. */
const EXTREME_TOLERANCE = 2e-4;

const CLASSES = 4;

const MAKERS = {
  ce: crossEntropy,
  dice: diceLoss,
  tversky: tverskyLoss,
  focal: focalLoss,
  lovasz: lovaszSoftmax,
  boundary: boundaryEdgeLoss,
  distance: boundaryDistanceLoss,
};

type Part = readonly [name: keyof typeof MAKERS, weight: number, options: object];

interface Maps {
  readonly logits: NdArray<"float32">;
  readonly labels: NdArray<"uint8">;
}

/** Maps of blobs; class 3 is absent where `absent`, a fifth is ignored. */
function maps(scale: number, labelOf: (blob: number, i: number) => number): Maps {
  const logits = ndarray("float32", [3, CLASSES, 5, 7]);
  for (let i = 0; i < logits.data.length; i++) logits.data[i] = scale * Math.sin(1 + i * i);
  const labels = ndarray("uint8", [3, 20, 28]);
  for (let i = 0; i < labels.data.length; i++) {
    const [row, column] = [Math.floor(i / 28), i % 28];
    const blob = Math.floor(
      1.5 + 1.4999 * Math.sin(row / 4 + Math.floor(row / 20)) * Math.cos(column / 5),
    );
    labels.data[i] = labelOf(blob, i);
  }
  return { logits, labels };
}

const MAPS: Readonly<Record<string, Maps>> = {
  "": maps(
    2,
    (blob, i) => i % 5 === 2 || i > 1400 ? 255 : i % 37 === 0 ? 3 : i % 11 === 0 ? 200 : blob,
  ),
  ", a class absent": maps(2, (blob) => blob),
  ", logits of 1000": maps(1000, (blob, i) => i % 37 === 0 ? 3 : blob),
  ", one class": maps(2, (_, i) => i % 5 === 2 ? 255 : 1),
  ", nothing labelled": maps(2, () => 255),
};

const LOSSES: readonly (readonly Part[])[] = [
  [["ce", 1, {}]],
  [["ce", 1, { classWeights: [1, 0.25, 3, 0.5], labelSmoothing: 0.1 }]],
  [["ce", 1, { ignoreIndex: 1 }]],
  [["dice", 1, {}]],
  [["dice", 1, { smooth: 1, classes: "all" }]],
  [["dice", 1, { ignoreIndex: 1 }]],
  [["tversky", 1, {}]],
  [["tversky", 1, { alpha: 0.6, beta: 0.4, gamma: 1.5, classes: "all" }]],
  [["focal", 1, {}]],
  [["focal", 1, { alpha: 1, gamma: 0.5, classWeights: [1, 0.25, 3, 0.5] }]],
  [["lovasz", 1, {}]],
  [["lovasz", 1, { classes: "all" }]],
  [["lovasz", 1, { perImage: true }]],
  [["boundary", 1, {}]],
  [["boundary", 1, { filter: "laplacian", edgeWeight: 2, classWeights: [1, 0.25, 3, 0.5] }]],
  [["distance", 1, {}]],
  [["distance", 1, { ignoreIndex: 0 }]],
  [["ce", 1, {}], ["dice", 0.5, {}], ["lovasz", 0.25, {}]],
];

async function ours({ logits, labels }: Maps, parts: readonly Part[]): Promise<[number, number[]]> {
  const graph = new Graph("loss");
  const x = graph.input("logits", "float32", logits.shape);
  const y = graph.input("labels", "uint8", labels.shape);
  const [batch, classes] = logits.shape as [number, number];
  const shape = [batch, classes, ...labels.shape.slice(1)];
  const feeds: Record<string, NdArray> = { logits, labels };
  const { ignoreIndex = 255 } = parts[0]![2] as { ignoreIndex?: number };
  const distances = () => {
    feeds["distances"] = signedDistances(labels, { classes, ignoreIndex });
    return graph.input("distances", "float32", shape);
  };
  const losses = parts.map(([name, weight, options]) => ({
    loss: (MAKERS[name] as (options: object) => Loss)(options),
    weight,
  }));
  const loss = weightedSum(losses)(graph, { logits: x, labels: y, distances });
  graph.output("loss", loss);
  graph.output("gradient", differentiate(graph, loss, [x]).get(x)!);
  const session = await createSession(graph, { device: "cpu", threads: 1 });
  const results = await session.run(feeds);
  await session.release();
  return [Number(results["loss"]!.data[0]), [...results["gradient"]!.data as Float32Array]];
}

function nameOf(parts: readonly Part[]): string {
  return parts.map(([name, weight, options]) => {
    const settings = Object.entries(options).map(([key, value]) => `${key} ${value}`).join(" ");
    return `${weight === 1 ? "" : `${weight} `}${name}${settings === "" ? "" : ` (${settings})`}`;
  }).join(" + ");
}

peerTest("losses and their gradients are PyTorch's", ["torch", "scipy"], async () => {
  const cases = LOSSES.flatMap((losses) =>
    Object.entries(MAPS).map(([name, maps]) => ({ name: nameOf(losses) + name, losses, maps }))
  );
  const stdin = new TextEncoder().encode(JSON.stringify(cases.map(({ losses, maps }) => ({
    losses,
    logits: [maps.logits.shape, [...maps.logits.data]],
    labels: [maps.labels.shape, [...maps.labels.data]],
  }))));
  const theirs = await runPythonJson<[number, number[]][]>("losses.py", [], { stdin });
  const wrong: string[] = [];
  const lines: string[] = [];
  for (const [index, { name, losses, maps }] of cases.entries()) {
    const [value, gradient] = await ours(maps, losses);
    const [expected, slopes] = theirs[index]!;
    const valueError = Math.abs(value - expected) / Math.max(1, Math.abs(expected));
    const largest = slopes.reduce((max, slope) => Math.max(max, Math.abs(slope)), 0);
    const difference = slopes.reduce(
      (max, slope, i) => Math.max(max, Math.abs(slope - gradient[i]!)),
      0,
    );
    const gradientError = largest === 0 ? difference : difference / largest;
    const isFinite = [value, ...gradient].every(Number.isFinite);
    lines.push(
      `${name.padEnd(86)} ${value.toPrecision(6).padStart(12)} ${valueError.toExponential(1)} ${
        gradientError.toExponential(1)
      }`,
    );
    const tolerance = name.endsWith("1000") ? EXTREME_TOLERANCE : GRADIENT_TOLERANCE;
    if (!isFinite || !(valueError < VALUE_TOLERANCE) || !(gradientError < tolerance)) {
      wrong.push(lines.at(-1)!);
    }
  }
  print(`${"loss".padEnd(86)}        value   error  gradient error\n${lines.join("\n")}\n`);
  assert.deepEqual(wrong, []);
});
