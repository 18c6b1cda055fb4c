/**
 * Where the time of a network's inference goes, or of a training step, by operator and by node: patches of
 * 14 bands on the CPU, as ONNX Runtime's own profile tells.
 *
 *     deno task bench profile [VARIANT [THREADS [infer|train [SIZE [BATCH]]]]]
 */
import type { BenchRow } from "./bench_row.ts";
import {
  adamw,
  buildInferenceGraph,
  buildTrainGraphs,
  createSession,
  crossEntropy,
  type Graph,
  initializeParameter,
  type NdArray,
  ndarray,
  type Network,
  networkFromConfig,
  networkParameters,
  type Normalization,
  variantConfig,
} from "swath";

const BANDS = 14;
const CLASSES = 10;
const RUNS = 10;
const TOP_NODES = 20;

const NORMALIZATION: Normalization = {
  bands: Array.from({ length: BANDS }, (_, band) => String(band + 1)),
  scale: Array(BANDS).fill(1e-4),
  offset: Array(BANDS).fill(0),
  mean: Array(BANDS).fill(0.5),
  std: Array(BANDS).fill(0.25),
  clip: null,
};

/** An event of a Chrome trace. */
interface TraceEvent {
  readonly cat: string;
  readonly name: string;
  /** Duration in microseconds. */
  readonly dur: number;
  readonly args: { readonly op_name?: string };
}

/** A graph with what it is fed, and the parameters that are part of it; null where they are fed. */
interface Work {
  readonly graph: Graph;
  readonly feeds: Readonly<Record<string, NdArray>>;
  readonly parameters: ReadonlyMap<string, NdArray> | null;
}

function inferenceWork(network: Network, size: number, batch: number): Work {
  const graph = buildInferenceGraph(network, {
    height: size,
    width: size,
    dtype: "uint16",
    normalization: NORMALIZATION,
    probabilities: false,
  });
  const image = ndarray("uint16", [batch, BANDS, size, size]);
  image.data.forEach((_, i, data) => data[i] = (i * 7919) % 10_000);
  const valid = ndarray("uint8", [batch, size, size]);
  valid.data.fill(1);
  return { graph, feeds: { image, valid }, parameters: drawParameters(network) };
}

function trainingWork(network: Network, size: number, batch: number): Work {
  const { step } = buildTrainGraphs({
    network,
    batch,
    height: size,
    width: size,
    loss: crossEntropy(),
    optimizer: adamw(),
    weightDecay: 0.01,
  });
  const inputs = [...step.inputs, ...step.parameters.values()].map(({ name, dtype, shape }) => {
    const array = ndarray(dtype, shape as readonly number[]);
    // Small positive numbers do for moments and scalars too.
    if (dtype === "float32") array.data.forEach((_, i, data) => data[i] = 0.5 + 0.001 * (i % 97));
    return [name, array] as const;
  });
  const feeds = Object.fromEntries([...inputs, ...drawParameters(network)]);
  return { graph: step, feeds, parameters: null };
}

function drawParameters(network: Network): Map<string, NdArray> {
  return new Map(
    networkParameters(network).map((spec) => [spec.name, initializeParameter(spec, 0)]),
  );
}

/** Run a graph and read the profile that ONNX Runtime wrote. */
async function trace(
  { graph, feeds, parameters }: Work,
  threads: number,
): Promise<TraceEvent[]> {
  const folder = await Deno.makeTempDir();
  try {
    const session = await createSession(graph, {
      device: "cpu",
      threads,
      profile: `${folder}/trace`,
      ...(parameters !== null && { parameters: (name) => parameters.get(name) }),
    });
    for (let i = 0; i < RUNS; i++) await session.run(feeds);
    await session.release();
    const [file] = Array.from(Deno.readDirSync(folder));
    return JSON.parse(await Deno.readTextFile(`${folder}/${file!.name}`));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Median milliseconds a run of each key, the largest first. */
function ranking(events: readonly TraceEvent[], key: (event: TraceEvent) => string): BenchRow[] {
  const perRun = new Map<string, Float64Array>();
  const seen = new Map<string, number>();
  for (const event of events) {
    // Every node is there once a run.
    const run = seen.get(event.name) ?? 0;
    seen.set(event.name, run + 1);
    const sums = perRun.get(key(event)) ?? new Float64Array(RUNS);
    sums[run]! += event.dur / 1e3;
    perRun.set(key(event), sums);
  }
  return Array.from(perRun, ([name, sums]) => {
    const sorted = sums.toSorted();
    return { name, value: sorted[RUNS / 2]!, unit: "ms", best: sorted[0]! };
  }).toSorted((a, b) => b.best - a.best);
}

/**
 * Profile the graph that `swath infer` runs, or `swath train`.
 *
 * @param args A variant (b0 where left out), the number of threads (2), `train` for a training step, the pixels of
 * a side (512) and the number of patches (1).
 * @returns Milliseconds a run: all of them, each type of operator, the longest nodes.
 */
export async function run(args: readonly string[]): Promise<BenchRow[]> {
  const [variant = "b0", threads = "2", what = "infer", size = "512", batch = "1"] = args;
  const network = networkFromConfig(variantConfig(variant, { bands: BANDS, classes: CLASSES }));
  const work = (what === "train" ? trainingWork : inferenceWork)(
    network,
    Number(size),
    Number(batch),
  );
  const events = await trace(work, Number(threads));
  const nodes = events.filter(({ cat, name }) => cat === "Node" && name.endsWith("_kernel_time"));
  const operator = ({ args }: TraceEvent) => args.op_name ?? "other";
  return [
    ...ranking(nodes, () => "all operators"),
    ...ranking(nodes, operator),
    ...ranking(nodes, (event) => `${operator(event)} ${event.name.replace(/_kernel_time$/, "")}`)
      .slice(0, TOP_NODES),
  ];
}
