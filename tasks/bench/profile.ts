/**
 * Where the time of SegFormer's inference goes, by operator and by node: one patch of 14 bands of
 * 512×512 integers on the CPU, as ONNX Runtime's own profile tells.
 *
 *     deno task bench profile [VARIANT [THREADS]]
 */
import type { BenchRow } from "./bench_row.ts";
import {
  buildInferenceGraph,
  createSession,
  type Graph,
  initializeParameter,
  type NdArray,
  ndarray,
  networkFromConfig,
  networkParameters,
  type Normalization,
  variantConfig,
} from "swath";

const BANDS = 14;
const CLASSES = 10;
const SIZE = 512;
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

/** Run a graph and read the profile that ONNX Runtime wrote. */
async function trace(
  graph: Graph,
  parameters: (name: string) => NdArray | undefined,
  threads: number,
): Promise<TraceEvent[]> {
  const folder = await Deno.makeTempDir();
  try {
    const session = await createSession(graph, {
      device: "cpu",
      threads,
      profile: `${folder}/trace`,
      parameters,
    });
    const image = ndarray("uint16", [1, BANDS, SIZE, SIZE]);
    image.data.forEach((_, i, data) => data[i] = (i * 7919) % 10_000);
    const valid = ndarray("uint8", [1, SIZE, SIZE]);
    valid.data.fill(1);
    for (let i = 0; i < RUNS; i++) await session.run({ image, valid });
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
 * Profile the graph that `swath infer` runs.
 *
 * @param args A variant (b0 where left out) and the number of threads (2).
 * @returns Milliseconds a patch: all of them, each type of operator, the longest nodes.
 */
export async function run(args: readonly string[]): Promise<BenchRow[]> {
  const [variant = "b0", threads = "2"] = args;
  const network = networkFromConfig(variantConfig(variant, { bands: BANDS, classes: CLASSES }));
  const graph = buildInferenceGraph(network, {
    height: SIZE,
    width: SIZE,
    dtype: "uint16",
    normalization: NORMALIZATION,
    probabilities: false,
  });
  const parameters = new Map(
    networkParameters(network).map((spec) => [spec.name, initializeParameter(spec, 0)]),
  );
  const events = await trace(graph, (name) => parameters.get(name), Number(threads));
  const nodes = events.filter(({ cat, name }) => cat === "Node" && name.endsWith("_kernel_time"));
  const operator = ({ args }: TraceEvent) => args.op_name ?? "other";
  return [
    ...ranking(nodes, () => "all operators"),
    ...ranking(nodes, operator),
    ...ranking(nodes, (event) => `${operator(event)} ${event.name.replace(/_kernel_time$/, "")}`)
      .slice(0, TOP_NODES),
  ];
}
