/**
 * Accuracy of what is trained: the same small SegFormer on the same real Sentinel-2 scene with swath and
 * with transformers in PyTorch, over three seeds. Two dates are trained on, a third one is mapped.
 *
 *     deno task bench accuracy [EPOCHS [SEED…]]
 *
 * The scene lies beside the repository, in `../shared/data/s2-landcover`.
 */
import { join } from "node:path";
import { parseMetricsLog, parseTrainConfig, train } from "swath";
import { runPythonJson } from "../../tests/peers/python.ts";
import {
  cutRealScene,
  REAL_SCENE_CLASSES,
  REAL_SCENE_RECIPE,
  REAL_SCENE_SETTINGS,
} from "../../tests/support/real_scene.ts";
import { ROOT } from "../../tests/support/shell.ts";
import type { BenchRow } from "./bench_row.ts";

const SEEDS = ["0", "1", "2"];
/** The last epochs, whose mean says more than the best one, which is a matter of luck. */
const LAST_EPOCHS = 5;

/** Mean IoU of each epoch. */
async function trainHere(folder: string, epochs: number, seed: number): Promise<number[]> {
  const config = parseTrainConfig({
    ...REAL_SCENE_RECIPE,
    settings: REAL_SCENE_SETTINGS,
    train: `${folder}/train.tar`,
    val: `${folder}/val.tar`,
    epochs,
    seed,
    schedule: "one_cycle",
    drop_path: 0,
    dropout: 0,
    device: "cpu",
    save: { monitor: "val_miou", mode: "max" },
  });
  const out = `${folder}/run-${seed}`;
  await train(config, { out });
  return parseMetricsLog(await Deno.readTextFile(`${out}/metrics.ndjson`), out)
    .flatMap(({ val_miou }) => typeof val_miou === "number" ? [val_miou] : []);
}

/** Train with both. */
export async function run(args: readonly string[]): Promise<BenchRow[]> {
  const [epochsText = "60", ...given] = args;
  const epochs = Number(epochsText);
  const seeds = (given.length > 0 ? given : SEEDS).map(Number);
  const folder = await Deno.makeTempDir({ prefix: "swath-accuracy-" });
  try {
    await cutRealScene(folder);
    const own: number[][] = [];
    for (const seed of seeds) own.push(await trainHere(folder, epochs, seed));
    const job = {
      ...REAL_SCENE_RECIPE,
      settings: REAL_SCENE_SETTINGS,
      train: `${folder}/train.tar`,
      val: `${folder}/val.tar`,
      classes: REAL_SCENE_CLASSES.length,
      epochs,
      seeds,
    };
    const script = join(ROOT, "tasks/bench/accuracy.py");
    const peer = await runPythonJson<number[][]>(script, [JSON.stringify(job)]);
    return [...rowsOf("swath", seeds, own), ...rowsOf("PyTorch", seeds, peer)];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function rowsOf(
  name: string,
  seeds: readonly number[],
  runs: readonly (readonly number[])[],
): BenchRow[] {
  const last = runs.map((scores) => mean(scores.slice(-LAST_EPOCHS)));
  const row = (what: string, value: number): BenchRow => ({
    name: `${name}, ${what}`,
    value: 100 * value,
    unit: "% mIoU",
  });
  return [
    ...last.map((value, i) => row(`seed ${seeds[i]!}`, value)),
    row("mean of the last epochs", mean(last)),
    row("mean of the best epochs", mean(runs.map((scores) => Math.max(...scores)))),
  ];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
