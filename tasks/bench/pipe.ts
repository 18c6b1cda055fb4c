/**
 * The whole pipe `tile | infer | stitch` of SegFormer B0 on scenes of 14 bands: its time, the share of it
 * in which the network computes at least one patch, and the most memory and the processor time that each
 * process has taken.
 *
 *     deno task bench pipe [OVERLAP] [WIDTHxHEIGHT…]
 *
 * Scenes are 2048×2048, 8192×8192 and 10980×21960 where no sizes are given. They are made of the blocks
 * of a small one. Memory is read from `/proc`, so that it takes Linux.
 */
import { fileURLToPath } from "node:url";
import type { BenchRow } from "./bench_row.ts";
import { enlargeTiff } from "./enlarge_tiff.ts";
import {
  createGeoTiff,
  EMPTY_MODEL_CARD,
  initializeParameter,
  networkFromConfig,
  networkParameters,
  saveModel,
  synthLandcover,
  variantConfig,
} from "swath";

const SIZES = ["2048x2048", "8192x8192", "10980x21960"];
const SMALL = 2048;
const CLASSES = 10;
const POLL_MS = 50;
const STAGES = ["tile", "infer", "stitch"] as const;
const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

/** A scene of deflated blocks, pixel by pixel, as scene.tif. */
async function makeScene(folder: string): Promise<void> {
  const scene = synthLandcover({ width: SMALL, height: SMALL, seed: 1 });
  const { width, height, dtype, bands, nodata, georeference } = scene;
  using writer = await createGeoTiff(`${folder}/scene.tif`, {
    width,
    height,
    dtype,
    bands,
    nodata,
    georeference,
    classes: null,
    overviews: "none",
  });
  for (let row = 0; row < SMALL; row += 512) await writer.writeRows(scene.rows(row, 512).image);
  await writer.finish();
}

/** B0 with parameters as they are drawn: what it maps does not matter. */
async function makeModel(folder: string): Promise<void> {
  const { bands } = synthLandcover({ width: 64, height: 64, seed: 1 });
  const names = bands.map(({ name }) => name);
  const config = variantConfig("b0", { bands: names.length, classes: CLASSES });
  const parameters = networkParameters(networkFromConfig(config));
  const all = (value: number) => names.map(() => value);
  const normalization = {
    bands: names,
    scale: bands.map(({ scale }) => scale),
    offset: all(0),
    mean: all(0.2),
    std: all(0.1),
    clip: null,
  };
  await saveModel(`${folder}/model`, {
    config,
    card: { ...EMPTY_MODEL_CARD, bands: names, normalization },
    tensors: new Map(parameters.map((spec) => [spec.name, initializeParameter(spec, 0)])),
  });
}

/** What a process has taken so far. */
interface Usage {
  /** Most resident memory in bytes. */
  readonly memory: number;
  /** Processor time in seconds. */
  readonly seconds: number;
}

/** Linux counts processor time in hundredths of a second. */
const TICKS = 100;

/** What the commands that a shell has started have taken, by their verb. */
function usageBelow(shell: number): Map<string, Usage> {
  const found = new Map<string, Usage>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const words = Deno.readTextFileSync(`/proc/${name}/cmdline`).split("\0");
      const verb = words[words.indexOf(MAIN) + 1];
      const status = Deno.readTextFileSync(`/proc/${name}/status`);
      const [, parent] = /^PPid:\s+(\d+)/m.exec(status) ?? [];
      const [, kilobytes] = /^VmHWM:\s+(\d+)/m.exec(status) ?? [];
      if (verb === undefined || Number(parent) !== shell || kilobytes === undefined) continue;
      // Behind the name, which may have spaces: the 12th and 13th are user's and system's time.
      const times = Deno.readTextFileSync(`/proc/${name}/stat`).split(") ")[1]!.split(" ");
      const seconds = (Number(times[11]) + Number(times[12])) / TICKS;
      found.set(verb, { memory: Number(kilobytes) * 1024, seconds });
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}

/** Run the pipe. */
async function runPipe(folder: string, scene: string, overlap: string) {
  const swath = `"${Deno.execPath()}" run -A "${MAIN}"`;
  const line = `${swath} tile "${folder}/${scene}" --overlap ${overlap} | ` +
    `${swath} infer "${folder}/model" --verbose | ` +
    `${swath} stitch -o "${folder}/map.tif" --overwrite`;
  const started = performance.now();
  const child = new Deno.Command("sh", { args: ["-c", line], stderr: "piped" }).spawn();
  // Both only grow.
  const taken = new Map<string, Usage>();
  const poll = setInterval(() => {
    for (const [verb, now] of usageBelow(child.pid)) taken.set(verb, now);
  }, POLL_MS);
  const { success, stderr } = await child.output();
  clearInterval(poll);
  const seconds = (performance.now() - started) / 1000;
  const text = new TextDecoder().decode(stderr);
  const [, patches, computing] = /computed (\d+) patches on \S+ in ([\d.]+) s/.exec(text) ?? [];
  if (!success || computing === undefined) throw new Error(`the pipe failed:\n${text}`);
  return { seconds, patches: Number(patches), computing: Number(computing), taken };
}

/**
 * Measure the pipe.
 *
 * @param args Overlap of patches in pixels, and sizes of scenes.
 * @returns Seconds, shares, processor time and memory; memory also as a ratio to that of the first scene.
 */
export async function run(args: readonly string[]): Promise<BenchRow[]> {
  const [overlap = "0", ...sizes] = args;
  const folder = await Deno.makeTempDir();
  try {
    await makeScene(folder);
    await makeModel(folder);
    const rows: BenchRow[] = [];
    const first = new Map<string, number>();
    for (const size of sizes.length === 0 ? SIZES : sizes) {
      const [width, height] = size.split("x").map(Number);
      await enlargeTiff(`${folder}/scene.tif`, `${folder}/${size}.tif`, width!, height!);
      const { seconds, patches, computing, taken } = await runPipe(folder, `${size}.tif`, overlap);
      const name = `${size}, overlap ${overlap}`;
      rows.push(
        { name: `${name}: ${patches} patches`, value: seconds, unit: "s" },
        { name: `${name}: inference`, value: 100 * computing / seconds, unit: "% of the time" },
      );
      for (const stage of STAGES) {
        const own = taken.get(stage);
        if (own === undefined) throw new Error(`${stage} was not seen`);
        if (!first.has(stage)) first.set(stage, own.memory);
        rows.push({
          name: `${name}: processor time of ${stage}`,
          value: 1000 * own.seconds / patches,
          unit: "ms a patch",
        }, {
          name: `${name}: memory of ${stage}`,
          value: own.memory / 1e6,
          unit: "MB",
          ratio: own.memory / first.get(stage)!,
        });
      }
    }
    return rows;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
