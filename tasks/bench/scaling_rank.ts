/**
 * One process of `tasks/bench/scaling.ts`: what a shared train step takes, and what of that is spent telling
 * the others. Process 0 prints a line of JSON.
 *
 *     mpiexec -n 2 deno run -A tasks/bench/scaling_rank.ts step b0 256 1 5 float32
 *     mpiexec -n 2 deno run -A tasks/bench/scaling_rank.ts sum 4 1048576 16777216
 */
import {
  adamw,
  type Communicator,
  createTrainStep,
  crossEntropy,
  type GradientPrecision,
  HalfSum,
  ndarray,
  networkFromConfig,
  openMpi,
  variantConfig,
} from "swath";
import { mpiLauncher } from "../../cli/train/processes.ts";
import { labelWeights } from "../../lib/train/label_weights.ts";
import { print } from "../print.ts";

const BANDS = 14;
const CLASSES = 10;

/** What steps took, in seconds, each the median of several. */
export interface StepTimes {
  /** A step. */
  readonly step: number;
  /** Of it, sums over processes, and waiting for the slowest of them. */
  readonly sums: number;
  /** Elements of the gradients. */
  readonly elements: number;
  /** Bytes of a sample as it is read. */
  readonly sampleBytes: number;
}

/** What a sum over processes took, in seconds, each the median of several. */
export interface SumTimes {
  /** Bytes of the numbers in single precision. */
  readonly bytes: number;
  readonly float32: number;
  readonly float16: number;
}

const launcher = mpiLauncher();
const communicator = openMpi(launcher === null ? {} : { launcher });
const [what, ...args] = Deno.args;
const result = what === "sum" ? await timeSums(args.map(Number)) : await timeSteps(args);
if (communicator.rank === 0) print(`${JSON.stringify(result)}\n`);
await communicator.close();

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

async function timeSums(sizes: readonly number[]): Promise<SumTimes[]> {
  const times: SumTimes[] = [];
  for (const bytes of sizes) {
    const data = new Float32Array(Math.max(1, bytes / 4)).fill(1e-3);
    const half = new HalfSum(communicator, data);
    const repeats = bytes > 1e7 ? 5 : 50;
    const timeOf = async (work: () => Promise<void>) => {
      const each: number[] = [];
      for (let i = 0; i < repeats; i++) {
        await communicator.barrier();
        each.push(await seconds(work));
      }
      return median(each);
    };
    const float32 = await timeOf(() => communicator.sum(data));
    data.fill(1e-3);
    times.push({ bytes, float32, float16: await timeOf(() => half.run()) });
  }
  return times;
}

async function timeSteps(args: readonly string[]): Promise<StepTimes> {
  const [variant = "b0", side = "256", batch = "1", count = "5", precision = "float32"] = args;
  const size = Number(side);
  const { timed, spent } = timedCommunicator();
  const step = await createTrainStep({
    network: networkFromConfig(variantConfig(variant, { bands: BANDS, classes: CLASSES })),
    batch: Number(batch),
    height: size,
    width: size,
    loss: crossEntropy(),
    optimizer: adamw(),
    seed: 0,
    device: "cpu",
    threads: 1,
    shared: {
      communicator: timed,
      synchronizeBatchNorm: false,
      gradientPrecision: precision as GradientPrecision,
      labelWeights: labelWeights(CLASSES, 255, null),
    },
  });
  const image = ndarray("float32", [Number(batch), BANDS, size, size]);
  image.data.forEach((_, i, data) => data[i] = Math.sin(i * 0.37));
  const labels = ndarray("uint8", [Number(batch), size, size]);
  labels.data.forEach((_, i, data) => data[i] = Math.floor(i / 97) % CLASSES);
  const steps: number[] = [];
  const sums: number[] = [];
  // The first step allocates.
  for (let number = 0; number <= Number(count); number++) {
    const before = spent();
    const settings = { step: number + 1, learningRate: 1e-4 };
    const time = await seconds(async () => {
      await step.run([{ image, labels }], settings);
    });
    if (number === 0) continue;
    steps.push(time);
    sums.push(spent() - before);
  }
  const elements = step.graphs.layout.length;
  await step.release();
  return {
    step: median(steps),
    sums: median(sums),
    elements,
    sampleBytes: size * size * (BANDS * 2 + 2),
  };
}

/** The processes, with a clock on what is told to others. */
function timedCommunicator(): { readonly timed: Communicator; readonly spent: () => number } {
  let total = 0;
  const clock =
    <Args extends readonly unknown[]>(call: (...args: Args) => Promise<void>) =>
    async (...args: Args) => {
      total += await seconds(() => call(...args));
    };
  const { rank, size, localSize, library } = communicator;
  return {
    spent: () => total,
    timed: {
      rank,
      size,
      localSize,
      library,
      sum: clock((data) => communicator.sum(data)),
      max: clock((data) => communicator.max(data)),
      broadcast: clock((data) => communicator.broadcast(data)),
      exchange: clock((send, receive) => communicator.exchange(send, receive)),
      gather: clock((send, receive) => communicator.gather(send, receive)),
      barrier: () => communicator.barrier(),
      abort: (code) => communicator.abort(code),
      close: () => communicator.close(),
    },
  };
}
