/**
 * `deno task demo`: a small SegFormer is trained on a scene made by rule; another scene is mapped with it
 * through the real pipe between processes, scored against its truth, and drawn. Everything lands in `demo/`.
 *
 * Each command line is printed as it would be typed, and run as it is printed.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import {
  type ClassInfo,
  colorizeClasses,
  compositeBands,
  computeScores,
  evaluateRasters,
  mapFigure,
  type NdArray,
  ndarray,
  openRaster,
  type RasterPixels,
  type RasterReader,
} from "../mod.ts";
import { print } from "./print.ts";
import { run } from "./run.ts";

/** The scenes that are learnt from. */
const TRAINING = { firstSeed: 101, count: 4, size: 512 } as const;

/** The scene that is mapped; its seed is none of theirs. */
const MAPPED = { seed: 7, size: 768 } as const;

/** Directory of the model. */
const MODEL = "demo/run/best";

/** Bands drawn as red, green and blue: what eyes would see. */
const COMPOSITE = ["B04", "B03", "B02"] as const;

const started = performance.now();
Deno.chdir(fileURLToPath(new URL("..", import.meta.url)));
await Deno.mkdir("demo", { recursive: true });

print(heading("Make labelled scenes as Sentinel-2 would see them, to learn from"));
await run(
  `swath synth landcover --size ${TRAINING.size} --seed ${TRAINING.firstSeed} ` +
    `--count ${TRAINING.count} -o demo/{scene}.tif --labels demo/{scene}-truth.tif --overwrite`,
);

print(heading("Cut them into patches, and keep some ground apart to validate on"));
const scenes = Array.from(
  { length: TRAINING.count },
  (_, i) => `demo/landcover-${TRAINING.firstSeed + i}`,
);
await run([
  "swath tile",
  ...scenes.map((scene) => `${scene}.tif`),
  ...scenes.map((scene) => `--labels ${scene}-truth.tif`),
  "--size 64 > demo/patches.tar",
].join(" "));
await run("swath split demo/patches.tar --val 0.2 --block 128 --out demo/shards --overwrite");

print(heading("Train a small SegFormer, which takes about a minute"));
print(`$ cat tasks/demo.yaml\n${await Deno.readTextFile("tasks/demo.yaml")}\n`);
print(await run("swath train --config tasks/demo.yaml --out demo/run --overwrite"));

print(heading("Make another scene"));
await run(
  `swath synth landcover --size ${MAPPED.size} --seed ${MAPPED.seed} -o demo/scene.tif ` +
    "--labels demo/truth.tif --overwrite",
);

print(heading("Map it: four processes, and patches flowing from one to the next"));
await run(
  "swath tile demo/scene.tif --size 256 --overlap 64",
  `swath infer ${MODEL}`,
  "swath upsample",
  "swath stitch -o demo/map.tif --overwrite",
);

print(heading("Score it"));
print(`${await run("swath iou demo/map.tif demo/truth.tif --format table")}`);

print(heading("Draw it"));
await drawFigure("demo/map.png");
print("demo/map.png: scene, truth and map side by side\n");

const swath = howToRunSwath();
print(`${heading(`Done in ${secondsSince(started)}. Look at demo/map.png, or go on`)}
# How training went
${swath} plot demo/run

# What the map holds
${swath} info demo/map.tif

# Blend overlapping patches instead of cropping them
${swath} tile demo/scene.tif --size 256 --overlap 64 |
  ${swath} infer ${MODEL} |
  ${swath} stitch -o demo/blended.tif

# The patches as they flow
${swath} tile demo/scene.tif --size 256 | tar tvf -

# All commands
${swath} help
`);

async function drawFigure(path: string): Promise<void> {
  const [scene, truth, map] = await Promise.all([
    openRaster("demo/scene.tif"),
    openRaster("demo/truth.tif"),
    openRaster("demo/map.tif"),
  ]);
  const { bands } = scene.info;
  const classes = map.info.classes!;
  const { meanIou, pixelAccuracy } = computeScores((await evaluateRasters(map, truth)).matrix);
  const png = await mapFigure({
    title: "Land cover mapped by swath",
    subtitle: `${MAPPED.size} x ${MAPPED.size} pixels of 10 m, ${bands.length} bands. ` +
      `Mean IoU ${meanIou!.toFixed(3)}, pixel accuracy ${pixelAccuracy!.toFixed(3)}`,
    panels: [
      { title: "Scene, in natural colours", picture: await drawScene(scene) },
      { title: "Truth", picture: await drawClasses(truth, classes) },
      { title: "Map", picture: await drawClasses(map, classes) },
    ],
    classes,
    // One pixel of the scene is one of the picture, which has two for each unit.
    panelSize: MAPPED.size / 2,
  });
  for (const raster of [scene, truth, map]) raster.close();
  await Deno.writeFile(path, png);
}

async function drawScene(scene: RasterReader): Promise<NdArray<"uint8">> {
  const bands = COMPOSITE.map((name) => scene.info.bands.findIndex((band) => band.name === name));
  const { image, valid } = await readAll(scene, bands);
  return compositeBands(image, { bands: [0, 1, 2], valid });
}

async function drawClasses(
  raster: RasterReader,
  classes: readonly ClassInfo[],
): Promise<NdArray<"uint8">> {
  const { image } = await readAll(raster);
  const [, height, width] = image.shape as [number, number, number];
  return colorizeClasses(
    ndarray("uint8", [height, width], image.data as Uint8Array<ArrayBuffer>),
    classes,
  );
}

/** All pixels of a raster that is small. */
async function readAll(raster: RasterReader, bands?: readonly number[]): Promise<RasterPixels> {
  const { width, height } = raster.info;
  return await raster.read({ x: 0, y: 0, width, height }, bands);
}

/** What starts swath from here: Deno may be a package that npx fetched, and not on PATH. */
function howToRunSwath(): string {
  const isPackage = Deno.execPath().includes("node_modules");
  return `${isPackage ? `npx -y deno@${Deno.version.deno}` : "deno"} task --quiet swath`;
}

function heading(text: string): string {
  return `\n== ${text}\n`;
}

function secondsSince(start: number): string {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}
