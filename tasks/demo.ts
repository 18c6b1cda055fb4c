/**
 * `deno task demo`: a small SegFormer is trained on a scene made by rule; another scene is mapped with it
 * through the real pipe between processes, scored against its truth, drawn, and put into a report.
 * Everything lands in `demo/`.
 *
 * Each command line is printed as it would be typed, and run as it is printed.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { print } from "./print.ts";
import { run } from "./run.ts";

/** The scenes that are learnt from. */
const TRAINING = { firstSeed: 101, count: 4, size: 512 } as const;

/** The scene that is mapped; its seed is none of theirs. */
const MAPPED = { seed: 7, size: 768 } as const;

/** Directory of the model. */
const MODEL = "demo/run/best";

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
  "swath upsample --confidence",
  "swath stitch -o demo/map.tif --confidence demo/confidence.tif --overwrite",
);

print(heading("Score it"));
print(`${await run("swath iou demo/map.tif demo/truth.tif --format table")}`);

print(heading("Draw it"));
await run(
  "swath render demo/scene.tif demo/truth.tif demo/map.tif --captions Scene,Truth,Map " +
    `--title 'Land cover mapped by swath' --size ${MAPPED.size} -o demo/map.png --overwrite`,
);

print(heading("Sum it up by zones, and put it all into one page"));
await run(
  "swath stats demo/map.tif --zones tasks/demo_zones.geojson -o demo/zones.geojson --overwrite",
);
await run(
  "swath report demo/map.tif demo/run --scene demo/scene.tif --truth demo/truth.tif " +
    "--confidence demo/confidence.tif --zones demo/zones.geojson --title 'Land cover mapped by swath' -o demo/report.html --overwrite",
);

const swath = howToRunSwath();
print(`${heading(`Done in ${secondsSince(started)}. Open demo/report.html in a browser, or go on`)}
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
