/**
 * Makes `fixtures/segformer-landcover`, the small SegFormer that `deno task demo` maps with: trained
 * with transformers on scenes of `swath synth`. Needs Python with the packages of
 * `tests/peers/requirements.txt`; SWATH_PYTHON names the interpreter.
 *
 *     deno run -A tasks/fixture_model.ts
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { openRaster } from "../mod.ts";
import { print } from "./print.ts";

const OUTPUT = "fixtures/segformer-landcover";

/** Training scenes; the demo's seed is none of theirs. */
const SCENES = { size: 512, firstSeed: 101, count: 4 } as const;

/**
 * 470,000 parameters, which are less than 2 MB. The first stage has stride 2, so that logits come at half the resolution:
 * streets are one or two pixels wide.
 */
const NETWORK = {
  widths: [24, 48, 64, 96],
  strides: [2, 2, 2, 2],
  reductions: [8, 4, 2, 1],
  decoder: 96,
} as const;

const TRAINING = { steps: 700, batch: 8, crop: 64 } as const;

Deno.chdir(fileURLToPath(new URL("..", import.meta.url)));
const directory = await Deno.makeTempDir({ prefix: "swath-fixture-" });
try {
  await run(
    Deno.execPath(),
    ["run", "-A", "cli/main.ts", "synth", "landcover"],
    {
      size: [SCENES.size],
      seed: [SCENES.firstSeed],
      count: [SCENES.count],
      output: [join(directory, "{scene}.tif")],
      labels: [join(directory, "{scene}-labels.tif")],
    },
  );
  const scenes = Array.from(
    { length: SCENES.count },
    (_, index) => join(directory, `landcover-${SCENES.firstSeed + index}`),
  );
  const labels = scenes.map((scene) => `${scene}-labels.tif`);
  const truth = await openRaster(labels[0]!);
  await run(
    Deno.env.get("SWATH_PYTHON") ?? "python3",
    ["tests/peers/train_segformer.py"],
    {
      images: scenes.map((scene) => `${scene}.tif`),
      labels,
      classes: [JSON.stringify(truth.info.classes)],
      out: [OUTPUT],
      ...NETWORK,
      decoder: [NETWORK.decoder],
      steps: [TRAINING.steps],
      batch: [TRAINING.batch],
      crop: [TRAINING.crop],
    },
  );
  truth.close();
} finally {
  await Deno.remove(directory, { recursive: true });
}

/** Run a program that must end well. */
async function run(
  program: string,
  args: readonly string[],
  options: Readonly<Record<string, readonly (string | number)[]>>,
): Promise<void> {
  const flags = Object.entries(options).flatMap(([name, values]) => [
    `--${name}`,
    ...values.map(String),
  ]);
  print(`${[program, ...args, ...flags].join(" ")}\n`);
  const { success } = await new Deno.Command(program, { args: [...args, ...flags] }).spawn().status;
  if (!success) throw new Error(`${program} failed, as it says above`);
}
