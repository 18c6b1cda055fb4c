/**
 * `deno task demo`: a labelled scene made by rule, mapped by a small SegFormer through the real pipe
 * between processes, scored against the truth, and drawn. Everything lands in `demo/`.
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

/** Seed of the scene; the model's training scenes have others. */
const SEED = 7;

/** Columns and rows of the scene. */
const SIZE = 768;

/** Bands drawn as red, green and blue: what eyes would see. */
const COMPOSITE = ["B04", "B03", "B02"] as const;

const started = performance.now();
Deno.chdir(fileURLToPath(new URL("..", import.meta.url)));
await Deno.mkdir("demo", { recursive: true });

print(heading("Make a labelled scene as Sentinel-2 would see it"));
await run(
  `swath synth landcover --size ${SIZE} --seed ${SEED} -o demo/scene.tif --labels demo/truth.tif --overwrite`,
);

const model = provideModel();

print(heading("Map it: four processes, and patches flowing from one to the next"));
await run(
  "swath tile demo/scene.tif --size 256 --overlap 64",
  `swath infer ${model}`,
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
# What the map holds
${swath} info demo/map.tif

# Blend overlapping patches instead of cropping them
${swath} tile demo/scene.tif --size 256 --overlap 64 |
  ${swath} infer ${model} |
  ${swath} stitch -o demo/blended.tif

# The patches as they flow
${swath} tile demo/scene.tif --size 256 | tar tvf -

# All commands
${swath} help
`);

/** The directory of a model that can map the scene. */
function provideModel(): string {
  return "fixtures/segformer-landcover";
}

/**
 * Run command lines of swath as a pipeline: each is a process of its own, and what one writes to its
 * standard output is the standard input of the next.
 *
 * @returns What the last one wrote.
 */
async function run(...commands: readonly string[]): Promise<string> {
  print(`$ ${commands.join(" |\n    ")}\n`);
  const processes = commands.map((command, index) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "cli/main.ts", ...command.split(" ").slice(1)],
      stdin: index === 0 ? "null" : "piped",
      stdout: "piped",
    }).spawn()
  );
  const pipes = processes.slice(1).map(({ stdin }, index) =>
    // Where a process leaves early, its exit code tells why.
    processes[index]!.stdout.pipeTo(stdin).catch(() => {})
  );
  const output = new Response(processes.at(-1)!.stdout).text();
  const statuses = await Promise.all(processes.map(({ status }) => status));
  await Promise.all(pipes);
  const failed = commands.filter((_, index) => !statuses[index]!.success);
  if (failed.length > 0) {
    print(`\nThe demo stopped, as this failed: ${failed.join(", ")}\n`);
    Deno.exit(1);
  }
  return await output;
}

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
    subtitle: `${SIZE} x ${SIZE} pixels of 10 m, ${bands.length} bands. ` +
      `Mean IoU ${meanIou!.toFixed(3)}, pixel accuracy ${pixelAccuracy!.toFixed(3)}`,
    panels: [
      { title: "Scene, in natural colours", picture: await drawScene(scene) },
      { title: "Truth", picture: await drawClasses(truth, classes) },
      { title: "Map", picture: await drawClasses(map, classes) },
    ],
    classes,
    // One pixel of the scene is one of the picture, which has two for each unit.
    panelSize: SIZE / 2,
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
