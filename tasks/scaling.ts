/**
 * Predicts how training scales over nodes, from figures that `deno task bench scaling` has measured:
 *
 *     deno run -A tasks/scaling.ts scaling.json --network 100g --speed 20 --storage 5 --batch 4
 *
 * prints a table for 1 to 256 nodes of one process each; `--update docs/scaling.md` writes the tables of
 * that page anew, which tells the model.
 *
 * @module
 */
import type { ScalingFigures } from "./bench/scaling.ts";
import type { SumTimes } from "./bench/scaling_rank.ts";
import { print } from "./print.ts";

/** A network between nodes: seconds until a message arrives, and bytes a second. */
export interface NetworkFigures {
  readonly latency: number;
  readonly bandwidth: number;
}

/** Usual figures of MPI over common networks; what is measured here is `memory` and `tcp`. */
export const NETWORKS: Readonly<Record<string, NetworkFigures>> = {
  "1gbe": { latency: 50e-6, bandwidth: 0.117e9 },
  "10gbe": { latency: 25e-6, bandwidth: 1.1e9 },
  "25gbe": { latency: 15e-6, bandwidth: 2.8e9 },
  "100g": { latency: 2e-6, bandwidth: 11e9 },
};

/** What a job is like. */
export interface Job {
  /** Seconds of computing a sample. */
  readonly sampleSeconds: number;
  /** Samples of a process in each step. */
  readonly batch: number;
  /** Elements of the gradients. */
  readonly elements: number;
  /** True if gradients travel as float16. */
  readonly isHalf: boolean;
  /** Seconds a byte of float32 that converting to float16 and back, and adding up, takes. */
  readonly conversion: number;
  /** Bytes of a sample. */
  readonly sampleBytes: number;
  /** Seconds that a worker takes to make a sample. */
  readonly makingSeconds: number;
  /** Bytes a second that the storage gives to all nodes together. */
  readonly storage: number;
  /** How much steps vary: standard deviation over mean. */
  readonly jitter: number;
}

/** A step on so many nodes, in seconds. */
export interface StepPrediction {
  readonly nodes: number;
  /** Computing, of the slowest process. */
  readonly compute: number;
  /** Sums over processes. */
  readonly sums: number;
  /** Reading and making samples, which goes on meanwhile. */
  readonly input: number;
  readonly step: number;
  /** Samples a second, as a share of as many times those of one node. */
  readonly efficiency: number;
  /** What most of the loss is due to. */
  readonly limit: "none" | "sums" | "slowest process" | "storage" | "making samples";
}

/**
 * Seconds of a sum over processes. In single precision: halves are exchanged back and forth with ever more
 * distant partners (Rabenseifner, "Optimization of collective reduction operations", 2004). As float16: every
 * process sends each other one its part, then its sums.
 */
export function sumSeconds(
  { latency, bandwidth }: NetworkFigures,
  nodes: number,
  { elements, isHalf, conversion }: Pick<Job, "elements" | "isHalf" | "conversion">,
): number {
  if (nodes === 1) return 0;
  const bytes = 4 * elements;
  const rounds = Math.ceil(Math.log2(nodes));
  const share = (nodes - 1) / nodes;
  if (!isHalf) return 2 * rounds * latency + 2 * share * bytes / bandwidth;
  return (nodes - 1 + rounds) * latency + share * bytes / bandwidth + bytes * conversion;
}

/** Predict a step. */
export function predictStep(network: NetworkFigures, nodes: number, job: Job): StepPrediction {
  const alone = job.batch * job.sampleSeconds;
  const input = (count: number) => ({
    making: job.batch * job.makingSeconds,
    reading: count * job.batch * job.sampleBytes / job.storage,
  });
  const stepOf = (count: number) => {
    // The mean of the largest of n normal numbers grows like √(2 ln n).
    const compute = alone * (1 + job.jitter * Math.sqrt(2 * Math.log(count)));
    // Weights of the parts of a batch are summed first: one number.
    const weights = sumSeconds(network, count, { ...job, elements: 1, isHalf: false });
    const sums = weights + sumSeconds(network, count, job);
    const { making, reading } = input(count);
    return { compute, sums, making, reading, step: Math.max(compute + sums, making, reading) };
  };
  const one = stepOf(1);
  const { compute, sums, making, reading, step } = stepOf(nodes);
  const efficiency = one.step / step;
  const busy = compute + sums;
  const limit = reading > Math.max(busy, making)
    ? "storage"
    : making > busy
    ? "making samples"
    : efficiency > 0.98
    ? "none"
    : sums > compute - alone
    ? "sums"
    : "slowest process";
  return {
    nodes,
    compute,
    sums,
    input: Math.max(making, reading),
    step,
    efficiency,
    limit,
  };
}

/** Latency and bandwidth that fit sums of two processes best, by relative error. */
export function fitNetwork(sums: readonly SumTimes[]): NetworkFigures {
  // t = 2·latency + bytes / bandwidth; both sides are divided by t.
  let [aa, ab, bb, a1, b1] = [0, 0, 0, 0, 0];
  for (const { bytes, float32 } of sums) {
    const [x, y] = [2 / float32, bytes / float32];
    aa += x * x;
    ab += x * y;
    bb += y * y;
    a1 += x;
    b1 += y;
  }
  const determinant = aa * bb - ab * ab;
  const latency = (a1 * bb - b1 * ab) / determinant;
  const slope = (b1 * aa - a1 * ab) / determinant;
  return { latency: Math.max(latency, 1e-7), bandwidth: 1 / Math.max(slope, 1e-12) };
}

/** Seconds a byte of float16's conversions: what the largest sum through memory takes, less the bytes' own way. */
export function fitConversion(sums: readonly SumTimes[]): number {
  const { latency, bandwidth } = fitNetwork(sums);
  const { bytes, float16 } = sums.at(-1)!;
  return Math.max(0, (float16 - 2 * latency) / bytes - 0.5 / bandwidth);
}

/** Rows and columns as a Markdown table. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  return line(heads) + line(heads.map(() => "---")) + rows.map(line).join("");
}

function milliseconds(seconds: number): string {
  return `${Number((seconds * 1e3).toPrecision(3))}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

const NODES = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** Options of the command line. */
function parse(args: readonly string[]) {
  const [path = "scaling.json"] = args.filter((argument, i) =>
    !argument.startsWith("--") && !args[i - 1]?.startsWith("--")
  );
  const value = (name: string, fallback: string) => {
    const place = args.indexOf(`--${name}`);
    return place < 0 ? fallback : args[place + 1] ?? fallback;
  };
  return {
    path,
    network: value("network", "10gbe"),
    speed: Number(value("speed", "1")),
    storage: Number(value("storage", "1")) * 1e9,
    batch: Number(value("batch", "1")),
    jitter: Number(value("jitter", "0.03")),
    precision: value("precision", "float32"),
    update: value("update", ""),
  };
}

/** Sums, measured and as the model has them. */
function sumsTable({ sums }: ScalingFigures): string {
  return table(
    ["way", "bytes", "measured, ms", "fitted, ms", "as float16, ms"],
    Object.entries(sums).flatMap(([way, times]) => {
      const network = fitNetwork(times);
      return times.map(({ bytes, float32, float16 }) => {
        const job = { elements: bytes / 4, isHalf: false, conversion: 0 };
        const fitted = sumSeconds(network, 2, job);
        return [
          way,
          `${bytes}`,
          milliseconds(float32),
          milliseconds(fitted),
          milliseconds(float16),
        ];
      });
    }),
  );
}

/** Steps of one and two processes, measured and predicted. */
function stepsTable(figures: ScalingFigures): string {
  const network = fitNetwork(figures.sums["memory"]!);
  const alone = { speed: 1, batch: 1, storage: Infinity, jitter: 0.03, precision: "float32" };
  return table(
    ["network", "1 process, 1/s", "2 processes, 1/s", "efficiency", "predicted"],
    Object.entries(figures.steps).map(([variant, { 1: one, 2: two }]) => [
      variant,
      (1 / one!.step).toPrecision(3),
      (2 / two!.step).toPrecision(3),
      percent(one!.step / two!.step),
      percent(predictStep(network, 2, jobOf(figures, variant, alone)).efficiency),
    ]),
  );
}

function networkOf({ sums }: ScalingFigures, name: string): NetworkFigures {
  const measured = Object.fromEntries(
    Object.entries(sums).map(([way, times]) => [way, fitNetwork(times)]),
  );
  const networks = { ...NETWORKS, ...measured };
  const network = networks[name];
  if (network !== undefined) return network;
  print(`No network ${name}: there are ${Object.keys(networks).join(", ")}\n`);
  Deno.exit(2);
}

function jobsOf(figures: ScalingFigures, options: ReturnType<typeof parse>): Map<string, Job> {
  return new Map(
    Object.keys(figures.steps).map((variant) => [variant, jobOf(figures, variant, options)]),
  );
}

/** Write the tables of a page anew, each below a comment that says what it is of. */
async function updatePage(path: string, figures: ScalingFigures): Promise<void> {
  const page = await Deno.readTextFile(path);
  const updated = page.replace(
    /(<!-- scaling: (.*?) -->\n\n)(?:\|.*\n)*/g,
    (_, comment: string, what: string) => {
      if (what === "sums") return comment + sumsTable(figures);
      if (what === "steps") return comment + stepsTable(figures);
      const options = parse(what.split(" "));
      const network = networkOf(figures, options.network);
      return comment + summary(network, jobsOf(figures, options));
    },
  );
  await Deno.writeTextFile(path, updated);
}

if (import.meta.main) {
  const options = parse(Deno.args);
  const figures: ScalingFigures = JSON.parse(await Deno.readTextFile(options.path));
  if (options.update !== "") {
    await updatePage(options.update, figures);
    Deno.exit(0);
  }
  print(`Sums of two processes, fitted:\n\n${sumsTable(figures)}`);
  print(`\nSteps here, one thread a process:\n\n${stepsTable(figures)}`);
  const network = networkOf(figures, options.network);
  const jobs = jobsOf(figures, options);
  print(`\nEfficiency, ${options.network}:\n\n${summary(network, jobs)}`);
  for (const [variant, job] of jobs) {
    const { latency, bandwidth } = network;
    print(
      `\n${variant}, ${options.batch} samples a process, ${options.speed} times the speed of a thread here, ` +
        `${options.network} (${(latency * 1e6).toPrecision(2)} µs, ${
          (bandwidth / 1e9).toPrecision(3)
        } GB/s), storage of ${options.storage / 1e9} GB/s:\n\n`,
    );
    print(table(
      ["nodes", "compute, ms", "sums, ms", "input, ms", "step, ms", "efficiency", "limited by"],
      NODES.map((nodes) => {
        const { compute, sums, input, step, efficiency, limit } = predictStep(network, nodes, job);
        return [
          `${nodes}`,
          ...[compute, sums, input, step].map(milliseconds),
          percent(efficiency),
          limit === "none" ? "" : limit,
        ];
      }),
    ));
  }
}

/** Efficiencies of all networks side by side, and what limits each at the end. */
function summary(
  network: NetworkFigures,
  jobs: ReadonlyMap<string, Job>,
): string {
  const rows = NODES.map((nodes) => [
    `${nodes}`,
    ...[...jobs.values()].map((job) => {
      const { efficiency, limit } = predictStep(network, nodes, job);
      return `${percent(efficiency)}${limit === "none" ? "" : `, ${limit}`}`;
    }),
  ]);
  return table(["nodes", ...jobs.keys()], rows);
}

function jobOf(
  figures: ScalingFigures,
  variant: string,
  { speed, batch, storage, jitter, precision }: Omit<
    ReturnType<typeof parse>,
    "path" | "network" | "update"
  >,
): Job {
  const one = figures.steps[variant]![1]!;
  return {
    sampleSeconds: (one.step - one.sums) / speed,
    batch,
    elements: one.elements,
    isHalf: precision === "float16",
    conversion: fitConversion(figures.sums["memory"]!),
    sampleBytes: figures.sampleBytes,
    makingSeconds: figures.sampleSeconds,
    storage,
    jitter,
  };
}
