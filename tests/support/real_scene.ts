/**
 * The training on a real Sentinel-2 scene that tests and benchmarks speak of: a small SegFormer learns from two
 * dates and is validated on a third. The scene lies beside the repository, in `../shared/data`.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT, runShell } from "./shell.ts";

const SCENES = join(ROOT, "../shared/data/s2-landcover");
const DATES = { train: ["2015-07-11", "2015-08-30"], val: ["2015-09-09"] } as const;

/** True if the scene is there. */
export const HAS_REAL_SCENE = existsSync(SCENES);

/** Classes of the truth in the order of their numbers. */
export const REAL_SCENE_CLASSES = [
  "no data",
  "cultivated",
  "forest",
  "grassland",
  "shrubland",
  "water",
  "wetland",
  "tundra",
  "artificial surface",
];

/** What differs from SegFormer B0: 190,000 parameters are left. */
export const REAL_SCENE_SETTINGS = {
  depths: [1, 1, 1, 1],
  hidden_sizes: [16, 32, 64, 96],
  num_attention_heads: [1, 2, 4, 6],
  decoder_hidden_size: 64,
};

/** How it is trained, under the names of both the configuration and `tasks/bench/accuracy.py`. */
export const REAL_SCENE_RECIPE = {
  batch_size: 4,
  learning_rate: 2e-3,
  weight_decay: 0.01,
  clip_norm: 1,
  threads: 1,
};

/** Cut the dates to `train.tar`, with much overlap, and `val.tar`, plainly. */
export async function cutRealScene(folder: string): Promise<void> {
  for (const [name, dates] of Object.entries(DATES)) {
    const scenes = dates.map((date) => join(SCENES, `eolearn_S2L1C_${date}_u16.tif`)).join(" ");
    const stride = name === "train" ? "--stride 16" : "";
    const { code, stderr } = await runShell(
      `swath tile ${scenes} --labels ${join(SCENES, "eolearn_LULC.tif")} ` +
        `--classes '${REAL_SCENE_CLASSES}' --size 64 ${stride} > ${name}.tar`,
      folder,
    );
    if (code !== 0) throw new Error(stderr);
  }
}
