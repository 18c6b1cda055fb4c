/**
 * What several processes gain and cost: a train step in 1 and 2 processes of one thread each, sums over
 * processes, through shared memory and through TCP, and reading of samples. From these figures
 * `tasks/scaling.ts` predicts larger jobs.
 *
 *     deno task bench scaling [VARIANTS [SIZE [STEPS]]]     such as: b0,b2,b5 512 5
 *
 * Needs MPICH (`mpiexec.mpich`); TCP is measured where Open MPI is installed. The figures are also written to
 * scaling.json in the working directory, or where SWATH_SCALING says.
 */
import { createBatchMaker, openDataSet } from "swath";
import { findProgram } from "../../tests/engines/engine.ts";
import type { BenchRow } from "./bench_row.ts";
import type { StepTimes, SumTimes } from "./scaling_rank.ts";

/** Bytes of the sums that are timed; the last ones are gradients of B0, B2 and B5. */
const SUM_BYTES = [4, 4096, 262_144, 4_194_304, 14_936_064, 109_559_808, 338_546_688];

/** What was measured, as `tasks/scaling.ts` reads it. */
export interface ScalingFigures {
  /** Steps by variant and by number of processes. */
  readonly steps: Readonly<Record<string, Readonly<Record<string, StepTimes>>>>;
  /** The same with gradients that travel as float16, by two processes. */
  readonly halfSteps: Readonly<Record<string, StepTimes>>;
  /** Sums of two processes by the way they take: `memory`, `tcp`. */
  readonly sums: Readonly<Record<string, readonly SumTimes[]>>;
  /** Seconds that a worker takes to make a sample of `sampleBytes`. */
  readonly sampleSeconds: number;
  readonly sampleBytes: number;
}

const RANK = new URL("./scaling_rank.ts", import.meta.url).pathname;

async function inProcesses<T>(
  launcher: readonly string[],
  processes: number,
  args: readonly string[],
): Promise<T> {
  const [program, ...rest] = [
    ...launcher,
    "-n",
    `${processes}`,
    Deno.execPath(),
    "run",
    "-A",
    RANK,
    ...args,
  ];
  const { success, stdout, stderr } = await new Deno.Command(program!, { args: rest }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(decoder.decode(stderr) || decoder.decode(stdout));
  return JSON.parse(decoder.decode(stdout));
}

/** Seconds to make a sample: 14 bands of uint16, normalized and varied, from a shard in the page cache. */
async function timeSamples(side: number): Promise<{ seconds: number; bytes: number }> {
  const folder = await Deno.makeTempDir();
  try {
    const main = new URL("../../cli/main.ts", import.meta.url).pathname;
    const scene = `${folder}/scene.tif`;
    const swath = (...args: string[]) =>
      new Deno.Command(Deno.execPath(), { args: ["run", "-A", main, ...args] }).output();
    await swath(
      "synth",
      "landcover",
      "--size",
      `${2 * side}`,
      "-o",
      scene,
      "--labels",
      `${scene}.l`,
    );
    const { stdout } = await swath("tile", scene, "--labels", `${scene}.l`, "--size", `${side}`);
    await Deno.writeFile(`${folder}/a.tar`, stdout);
    const set = await openDataSet([`${folder}/a.tar`]);
    using maker = createBatchMaker({
      set,
      bands: null,
      normalization: null,
      ignoreIndex: 255,
      height: side,
      width: side,
      batchSize: 1,
      random: {
        seed: 0,
        size: null,
        augment: { flip: true, turn: true, scale: [1, 1], gain: 0.1, offset: 0.1, bandDropout: 0 },
      },
    });
    const times: number[] = [];
    for (let index = 0; index < 24; index++) {
      const started = performance.now();
      await maker.make(index);
      times.push((performance.now() - started) / 1000);
    }
    return {
      seconds: times.toSorted((a, b) => a - b)[12]!,
      bytes: stdout.length / set.samples.length,
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * Measure.
 *
 * @param args Variants separated by commas (b0), rows and columns of an image (256), steps (5).
 */
export async function run(args: readonly string[]): Promise<BenchRow[]> {
  const [variants = "b0", side = "256", count = "5"] = args;
  const mpich = findProgram("mpiexec.mpich");
  if (mpich === null) throw new Error("mpiexec.mpich is not installed: apt-get install mpich");
  const steps: Record<string, Record<string, StepTimes>> = {};
  const halfSteps: Record<string, StepTimes> = {};
  for (const variant of variants.split(",")) {
    const step = (processes: number, precision: string) =>
      inProcesses<StepTimes>([mpich], processes, ["step", variant, side, "1", count, precision]);
    steps[variant] = { 1: await step(1, "float32"), 2: await step(2, "float32") };
    halfSteps[variant] = await step(2, "float16");
  }
  const sizes = ["sum", ...SUM_BYTES.map(String)];
  const sums: Record<string, SumTimes[]> = { memory: await inProcesses([mpich], 2, sizes) };
  const openMpi = findProgram("mpiexec.openmpi");
  if (openMpi !== null) {
    const tcp = [openMpi, "--allow-run-as-root", "--oversubscribe", "--mca", "btl", "self,tcp"];
    sums["tcp"] = await inProcesses(tcp, 2, sizes);
  }
  const sample = await timeSamples(Number(side));
  const figures: ScalingFigures = {
    steps,
    halfSteps,
    sums,
    sampleSeconds: sample.seconds,
    sampleBytes: sample.bytes,
  };
  const path = Deno.env.get("SWATH_SCALING") ?? "scaling.json";
  await Deno.writeTextFile(path, `${JSON.stringify(figures, null, 2)}\n`);
  return [
    ...Object.entries(steps).flatMap(([variant, { 1: one, 2: two }]): BenchRow[] => [
      { name: `${variant}, 1 process`, value: 1 / one!.step, unit: "1/s" },
      {
        name: `${variant}, 2 processes`,
        value: 2 / two!.step,
        unit: "1/s",
        ratio: 2 * one!.step / two!.step,
      },
      { name: `${variant}, 2 processes, sums`, value: two!.sums * 1e3, unit: "ms" },
      {
        name: `${variant}, 2 processes, sums float16`,
        value: halfSteps[variant]!.sums * 1e3,
        unit: "ms",
      },
    ]),
    ...Object.entries(sums).flatMap(([way, times]) =>
      times.map(({ bytes, float32, float16 }): BenchRow => ({
        name: `sum of ${bytes} bytes by ${way}; ratio: float32 to float16`,
        value: float32 * 1e3,
        unit: "ms",
        ratio: float32 / float16,
      }))
    ),
    { name: `making a sample of ${side}x${side}`, value: sample.seconds * 1e3, unit: "ms" },
  ];
}
