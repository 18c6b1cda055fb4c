/**
 * The whole pipe `tile | infer | stitch` of SegFormer B0 on scenes of 14 bands: its time, the share of it
 * that the network computes, and the most memory that each process has.
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

/** Most resident memory in bytes of the commands of this bench that run now, by their verb. */
function residentMemory(): Map<string, number> {
  const found = new Map<string, number>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const words = Deno.readTextFileSync(`/proc/${name}/cmdline`).split("\0");
      const verb = words[words.indexOf(MAIN) + 1];
      if (verb === undefined || !words.includes(MAIN) || words[0] === "sh") continue;
      const [, kilobytes] = /^VmHWM:\s+(\d+)/m.exec(
        Deno.readTextFileSync(`/proc/${name}/status`),
      ) ?? [];
      if (kilobytes !== undefined) found.set(verb, Number(kilobytes) * 1024);
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
  const peaks = new Map<string, number>();
  const poll = setInterval(() => {
    for (const [verb, bytes] of residentMemory()) {
      peaks.set(verb, Math.max(bytes, peaks.get(verb) ?? 0));
    }
  }, POLL_MS);
  const { success, stderr } = await child.output();
  clearInterval(poll);
  const seconds = (performance.now() - started) / 1000;
  const text = new TextDecoder().decode(stderr);
  const [, patches, computing] = /computed (\d+) patches on \S+ in ([\d.]+) s/.exec(text) ?? [];
  if (!success || computing === undefined) throw new Error(`the pipe failed:\n${text}`);
  return { seconds, patches: Number(patches), computing: Number(computing), peaks };
}

/**
 * Measure the pipe.
 *
 * @param args Overlap of patches in pixels, and sizes of scenes.
 * @returns Seconds, shares and memory; memory also as a ratio to that of the first scene.
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
      const { seconds, patches, computing, peaks } = await runPipe(folder, `${size}.tif`, overlap);
      const name = `${size}, overlap ${overlap}`;
      rows.push(
        { name: `${name}: ${patches} patches`, value: seconds, unit: "s" },
        { name: `${name}: inference`, value: 100 * computing / seconds, unit: "% of the time" },
      );
      for (const stage of STAGES) {
        const bytes = peaks.get(stage);
        if (bytes === undefined) throw new Error(`${stage} was not seen`);
        if (!first.has(stage)) first.set(stage, bytes);
        rows.push({
          name: `${name}: memory of ${stage}`,
          value: bytes / 1e6,
          unit: "MB",
          ratio: bytes / first.get(stage)!,
        });
      }
    }
    return rows;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
