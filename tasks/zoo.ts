/**
 * `deno task zoo [NETWORK…]`: a small variant of every family of networks, trained on streets made by rule and
 * used to map pictures that it has not seen, through the same commands. Prints a table, and draws one scene mapped
 * by every one beside the truth. Everything lands in `runs/zoo/`; what was trained there before is kept unless
 * its network is named. `epochs=N` trains for another time.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import {
  colorizeClasses,
  compositeBands,
  countParameters,
  mapFigure,
  type NdArray,
  ndarray,
  type NetworkConfig,
  networkFromConfig,
  networkParameters,
  openRaster,
  readModelConfig,
} from "../mod.ts";
import { print } from "./print.ts";
import { run } from "./run.ts";

const FOLDER = "runs/zoo";
/** The networks' settings and best epochs are chosen by `val`; `test` is looked at once they are. */
const SETS = {
  train: { seed: 1, count: 256 },
  val: { seed: 1001, count: 32 },
  test: { seed: 3001, count: 64 },
};
/** The scene of the picture, larger than those of the training. */
const SCENE = { seed: 2002, size: 256 };

/** What is trained. */
interface Recipe {
  /** What differs from the variant. Pedestrians are four pixels wide, so that all strides are small. */
  readonly network: NetworkConfig;
  readonly learningRate?: number;
  readonly batchSize?: number;
  readonly epochs?: number;
}

const LEARNING_RATE = 5e-3;
const BATCH_SIZE = 8;
const EPOCHS = 20;

/** A ResNet whose strides are half of the published ones. */
const RESNET = {
  stem_pooling: false,
  depths: [1, 1, 1, 1],
  embedding_size: 16,
  hidden_sizes: [24, 32, 48, 64],
};

const RECIPES: Readonly<Record<string, Recipe>> = {
  "fcn-8s-bn": {
    network: {
      depths: [1, 1, 2, 1, 1],
      strides: [1, 1, 2, 2, 2],
      hidden_sizes: [16, 24, 32, 48, 48],
      fc_size: 64,
    },
  },
  "unet-small": { network: { hidden_sizes: [12, 24, 48, 96] } },
  "attention_unet-small": { network: { hidden_sizes: [8, 16, 32, 64] } },
  "deeplabv3plus-resnet18": {
    network: {
      ...RESNET,
      output_stride: 8,
      decoder_size: 48,
      low_level_size: 24,
      atrous_rates: [2, 4, 6],
    },
  },
  "segformer_resnet-resnet18": { network: { ...RESNET, decoder_hidden_size: 64 } },
  "setr-pup-tiny": {
    network: {
      patch_size: 4,
      image_size: 64,
      hidden_size: 96,
      num_hidden_layers: 4,
      num_attention_heads: 3,
      intermediate_size: 192,
      decoder_size: 64,
    },
    learningRate: 2e-3,
    epochs: 40,
  },
  "segformer-b0": {
    network: {
      depths: [2, 2, 1, 1],
      strides: [2, 2, 2, 2],
      hidden_sizes: [24, 40, 64, 96],
      num_attention_heads: [1, 2, 2, 3],
      decoder_hidden_size: 96,
    },
    learningRate: 2e-3,
    batchSize: 4,
    epochs: 64,
  },
};

/** What came out for a network. */
interface Outcome {
  readonly name: string;
  readonly parameters: number;
  readonly stride: number;
  /** Mean IoU of the best epoch on pictures that chose it, on others, and of the map of the scene. */
  readonly valMeanIou: number;
  readonly testMeanIou: number;
  readonly sceneMeanIou: number;
  readonly minutes: number;
}

Deno.chdir(fileURLToPath(new URL("..", import.meta.url)));
const settings = new Map(
  Deno.args.filter((arg) => arg.includes("=")).map((arg) => arg.split("=") as [string, string]),
);
const named = Deno.args.filter((arg) => !arg.includes("="));
const unknown = named.find((name) => !(name in RECIPES));
if (unknown !== undefined) {
  print(`No network ${unknown}: there are ${Object.keys(RECIPES).join(", ")}\n`);
  Deno.exit(2);
}

await Deno.mkdir(FOLDER, { recursive: true });
for (const [name, { seed, count }] of Object.entries(SETS)) {
  await run(`swath synth roads --seed ${seed} --count ${count} > ${FOLDER}/${name}.tar`);
}
await run(
  `swath synth roads --size ${SCENE.size} --seed ${SCENE.seed} -o ${FOLDER}/scene.tif ` +
    `--labels ${FOLDER}/truth.tif --overwrite`,
);
const outcomes: Outcome[] = [];
for (const [name, recipe] of Object.entries(RECIPES)) {
  const report = `${FOLDER}/${name}.json`;
  const known = await Deno.readTextFile(report).catch(() => null);
  const wanted = named.length === 0 ? known === null : named.includes(name);
  if (!wanted && known === null) continue;
  const outcome: Outcome = wanted ? await trainAndMap(name, recipe) : JSON.parse(known!);
  await Deno.writeTextFile(report, JSON.stringify(outcome));
  outcomes.push(outcome);
}
printTable(outcomes);
await drawFigure(`${FOLDER}/maps.png`, outcomes);
print(`\n${FOLDER}/maps.png: the scene, the truth, and the maps\n`);

async function trainAndMap(name: string, recipe: Recipe): Promise<Outcome> {
  const [architecture, ...variant] = name.split("-");
  const config = {
    architecture,
    variant: variant.join("-"),
    settings: recipe.network,
    train: `${FOLDER}/train.tar`,
    val: `${FOLDER}/val.tar`,
    size: 64,
    batch_size: recipe.batchSize ?? BATCH_SIZE,
    epochs: Number(settings.get("epochs") ?? recipe.epochs ?? EPOCHS),
    learning_rate: recipe.learningRate ?? LEARNING_RATE,
    schedule: "one_cycle",
    loss: { ce: 1, dice: 1 },
    class_weights: [1, 1, 3, 8],
    dropout: 0,
    drop_path: 0,
    save: { monitor: "val_miou", mode: "max" },
    seed: 1,
  };
  // JSON is YAML.
  await Deno.writeTextFile(`${FOLDER}/${name}.yaml`, JSON.stringify(config, null, 2));
  const started = performance.now();
  await run(`swath train --config ${FOLDER}/${name}.yaml --out ${FOLDER}/${name} --overwrite`);
  const minutes = (performance.now() - started) / 60_000;
  const model = `${FOLDER}/${name}/best`;
  await run(
    `swath tile ${FOLDER}/scene.tif --size 128 --overlap 32`,
    `swath infer ${model}`,
    "swath upsample",
    `swath stitch -o ${FOLDER}/${name}.tif --overwrite`,
  );
  const scores = await run(`swath iou ${FOLDER}/${name}.tif ${FOLDER}/truth.tif --format json`);
  const scoresOf = (set: string) =>
    run(`swath test ${model} --data ${FOLDER}/${set}.tar --format json`);
  const trained = networkFromConfig((await readModelConfig(model)).config);
  return {
    name,
    parameters: countParameters(networkParameters(trained)),
    stride: trained.stride,
    valMeanIou: meanIou(await scoresOf("val")),
    testMeanIou: meanIou(await scoresOf("test")),
    sceneMeanIou: meanIou(scores),
    minutes,
  };
}

function meanIou(json: string): number {
  const { meanIou: value } = JSON.parse(json);
  if (typeof value !== "number") throw new Error(`no meanIou in ${json.slice(0, 200)}`);
  return value;
}

function printTable(outcomes: readonly Outcome[]): void {
  print(
    "\n| network | parameters | stride | val mIoU | test mIoU | mIoU of the scene | minutes |\n",
  );
  print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
  for (const outcome of outcomes) {
    const { name, parameters, stride, valMeanIou, testMeanIou, sceneMeanIou, minutes } = outcome;
    const cells = [
      name,
      parameters.toLocaleString("en"),
      stride,
      valMeanIou.toFixed(3),
      testMeanIou.toFixed(3),
      sceneMeanIou.toFixed(3),
      minutes.toFixed(1),
    ];
    print(`| ${cells.join(" | ")} |\n`);
  }
}

async function drawFigure(path: string, outcomes: readonly Outcome[]): Promise<void> {
  const truth = await readRaster(`${FOLDER}/truth.tif`);
  const scene = await readRaster(`${FOLDER}/scene.tif`);
  const classes = truth.classes!;
  const maps = await Promise.all(outcomes.map(async ({ name, sceneMeanIou }) => ({
    title: `${name}: ${sceneMeanIou.toFixed(3)}`,
    picture: colorizeClasses(plane((await readRaster(`${FOLDER}/${name}.tif`)).image), classes),
  })));
  const panels = [
    {
      title: "scene",
      picture: compositeBands(scene.image, { bands: [0, 1, 2], range: [0, 255], gamma: 1 }),
    },
    { title: "truth", picture: colorizeClasses(plane(truth.image), classes) },
    ...maps,
  ];
  const title = "One scene, mapped by every network, and the mean IoU";
  const png = await mapFigure({ title, panels, classes, columns: 3, panelSize: 320 });
  await Deno.writeFile(path, png);
}

/** All pixels of a raster that is small, and its classes. */
async function readRaster(path: string) {
  const raster = await openRaster(path);
  const { width, height, classes } = raster.info;
  const { image } = await raster.read({ x: 0, y: 0, width, height });
  raster.close();
  return { image, classes };
}

/** The only band of a class map. */
function plane({ shape, data }: NdArray): NdArray<"uint8"> {
  return ndarray("uint8", shape.slice(1), data as Uint8Array<ArrayBuffer>);
}
