/**
 * The whole pipe on a real Sentinel-2 scene: a SegFormer trained with transformers on two dates maps
 * a third one as transformers does, and is scored as torchmetrics does. The scene lies beside the
 * repository, in `../shared/data`; the test is skipped where it does not.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openRaster } from "../../mod.ts";
import { ROOT, runShell } from "../support/shell.ts";
import { peerTest, runPython, runPythonJson } from "./python.ts";

const PACKAGES = ["torch", "transformers", "torchmetrics", "webdataset", "rasterio"];

const SCENES = join(ROOT, "../shared/data/s2-landcover");
const TRUTH = join(SCENES, "eolearn_LULC.tif");
const sceneOf = (date: string) => join(SCENES, `eolearn_S2L1C_${date}_u16.tif`);

/** Sentinel-2 stores reflectance × 10000; these files do not say so. */
const SCALE = 1e-4;

/** Land cover as numbered in the truth, where 0 has no data. */
const CLASSES = [
  { name: "no data", color: "#000000" },
  { name: "cultivated", color: "#f2d16b" },
  { name: "forest", color: "#1d5c3f" },
  { name: "grassland", color: "#b7dd8c" },
  { name: "shrubland", color: "#9c9a55" },
  { name: "water", color: "#3b76c4" },
  { name: "wetland", color: "#5fb3a8" },
  { name: "tundra", color: "#c9c2b2" },
  { name: "artificial", color: "#d1352f" },
];

/** What `real_scene.py` prints. */
interface Peer {
  readonly patches: number;
  readonly pixels: number;
  readonly agreeing: number;
  readonly scored: number;
  readonly scores: Readonly<Record<string, number>>;
  readonly iou: readonly (number | null)[];
  readonly dice: readonly (number | null)[];
}

/** What is read of `swath iou --format json`. */
type Scores = Readonly<Record<string, number>> & {
  readonly perClass: readonly {
    readonly class: number;
    readonly iou: number | null;
    readonly dice: number | null;
    readonly support: number;
    readonly predicted: number;
  }[];
};

/** Agreement that is asked for: pixels at which two classes score alike may fall either way. */
const LEAST_AGREEMENT = { transformers: 0.999, shortForm: 0.9999 } as const;

/** How the scene is cut, and into how many patches. */
const CUTS = [{ options: "", patches: 1 }, { options: "--size 64 --overlap 16", patches: 4 }];

if (exists(TRUTH)) {
  peerTest("a real scene is mapped as by transformers, scored as by torchmetrics", PACKAGES, test);
} else {
  const name =
    "a real scene is mapped as by transformers (skipped: no ../shared/data/s2-landcover)";
  Deno.test({ name, ignore: true, fn: test });
}

async function test(): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "swath-real-scene-" });
  try {
    const model = join(directory, "model");
    await trainModel(model);
    for (const { options, patches } of CUTS) {
      const { peer, scores, agreement } = await mapScene(directory, options);
      assert.equal(peer.patches, patches);
      assert.equal(peer.pixels, 101 * 100);
      atLeast(peer.agreeing / peer.pixels, LEAST_AGREEMENT.transformers, "transformers' map");
      atLeast(agreement, LEAST_AGREEMENT.shortForm, "the map without normalize");

      assert.equal(scores["pixels"], peer.scored);
      for (const [name, score] of Object.entries(peer.scores)) {
        assertClose(scores[name], score, name);
      }
      const present = scores.perClass.filter(({ support, predicted }) => support + predicted > 0);
      for (const { class: index, iou, dice } of present) {
        assertClose(iou, peer.iou[index]!, `IoU of class ${index}`);
        assertClose(dice, peer.dice[index]!, `Dice of class ${index}`);
      }
      // A map of nothing but forest, which is three quarters of the scene, has a kappa of 0.
      assert.ok(scores["kappa"]! > 0.3, `kappa is ${scores["kappa"]}`);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function trainModel(directory: string): Promise<void> {
  await runPython("train_segformer.py", [
    ...["--images", sceneOf("2015-07-11"), sceneOf("2015-08-30"), "--labels", TRUTH],
    ...["--classes", JSON.stringify(CLASSES), "--scale", String(SCALE), "--out", directory],
    ...["--steps", "300", "--batch", "4", "--crop", "64", "--rarity", "0.5"],
  ]);
}

/** Map and score the third date, and have Python do the same with the patches. */
async function mapScene(directory: string, options: string) {
  const { code, stdout, stderr } = await runShell(
    `set -e
    rm -f *.tif *.tar
    swath tile '${sceneOf("2015-09-09")}' ${options} | tee patches.tar |
      swath normalize --stats model | swath infer model | swath upsample | swath stitch -o map.tif
    swath tile '${sceneOf("2015-09-09")}' ${options} |
      swath infer model | swath upsample | swath stitch -o short.tif
    swath iou map.tif '${TRUTH}' --format json`,
    directory,
  );
  assert.equal(code, 0, stderr);
  const [map, short] = await Promise.all(
    ["map.tif", "short.tif"].map((file) => readClasses(join(directory, file))),
  );
  const agreeing = map!.filter((value, index) => value === short![index]).length;
  const peer = await runPythonJson<Peer>(
    "real_scene.py",
    [...["model", "patches.tar", "map.tif"].map((file) => join(directory, file)), TRUTH],
  );
  return { peer, scores: JSON.parse(stdout) as Scores, agreement: agreeing / map!.length };
}

async function readClasses(path: string): Promise<Uint8Array> {
  const raster = await openRaster(path);
  try {
    const { width, height } = raster.info;
    const { image } = await raster.read({ x: 0, y: 0, width, height });
    return image.data as Uint8Array;
  } finally {
    raster.close();
  }
}

function atLeast(share: number, least: number, what: string): void {
  assert.ok(share >= least, `${share} of the pixels agree with ${what}: expected ${least} or more`);
}

/** torchmetrics computes in float32. */
function assertClose(actual: number | null | undefined, expected: number, what: string): void {
  assert.ok(
    typeof actual === "number" && Math.abs(actual - expected) < 1e-6,
    `${what}: swath says ${actual}, torchmetrics ${expected}`,
  );
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
