/** Networks of the zoo against PyTorch: numbers of parameters, logits, gradients, statistics. */
import { join } from "node:path";
import {
  createSession,
  createTrainStep,
  crossEntropy,
  Graph,
  isDataType,
  loadParameters,
  type NdArray,
  type NetworkConfig,
  networkFromConfig,
  openModel,
  openSafetensors,
  resizeBilinear,
  sgd,
  variantConfig,
} from "swath";
import { runPythonJson } from "./python.ts";

/** A network to compare. */
export interface ZooCase {
  /** Family and variant. */
  readonly name: string;
  /** Settings that are not the variant's. */
  readonly settings?: NetworkConfig;
  /** Numbers of channels that make it smaller. */
  readonly channels?: NetworkConfig;
  /** Rows and columns of the images; 64 where left out. */
  readonly size?: number;
  /** True for what differs from others in depth alone. */
  readonly deep?: boolean;
}

/** How far apart the two implementations are. */
export interface ZooErrors {
  readonly parameters: readonly [ours: number, theirs: number];
  /** Largest difference of the logits at inference over the largest of them. */
  readonly evaluation: number;
  /** Difference of the loss in training, by the batch's statistics, over the loss. */
  readonly loss: number;
  /** Largest difference of the gradients over the largest of them, and the cosine of all of them together. */
  readonly gradient: number;
  readonly cosine: number;
  /** Largest difference of the running statistics after a step over the largest of them. */
  readonly statistics: number;
}

/** Nothing is dropped, so that there is nothing random. */
const STILL = { drop_path_rate: 0, classifier_dropout_prob: 0 };
const BANDS = 4;
const CLASSES = 3;

/** Sizes that make large variants fast; layers and blocks stay as they are. */
const SMALL_VIT = (heads: number) => ({
  hidden_size: 16 * heads,
  intermediate_size: 64 * heads,
  decoder_size: 32,
  mla_size: 16,
});
const AUXILIARY = { use_auxiliary_head: true };
const SMALL_MIT = {
  hidden_sizes: [8, 16, 40, 64],
  decoder_hidden_size: 32,
};
const SMALL_VGG = { hidden_sizes: [8, 16, 32, 48, 48], fc_size: 64 };
const SMALL_UNET = { hidden_sizes: [8, 16, 32, 48, 64] };
/** Rates that reach other pixels in a small map. */
const SMALL_RATES = { atrous_rates: [1, 2, 3] };

/** All variants. */
export const ZOO_CASES: readonly ZooCase[] = [
  ...["b0", "b1", "b2", "b3", "b4", "b5"].map((name) => ({
    name: `segformer-${name}`,
    channels: SMALL_MIT,
    deep: name > "b2",
  })),
  ...["resnet18", "resnet34", "resnet50", "resnet101"].flatMap((resnet) => {
    const deep = resnet === "resnet34" || resnet === "resnet101";
    return [
      { name: `deeplabv3plus-${resnet}`, settings: SMALL_RATES, deep },
      { name: `segformer_resnet-${resnet}`, deep },
    ];
  }),
  { name: "deeplabv3plus-resnet50-os8", settings: SMALL_RATES },
  { name: "deeplabv3plus-resnet50-plain", settings: SMALL_RATES },
  { name: "deeplabv3-resnet50" },
  { name: "deeplabv3-resnet101", deep: true },
  ...["naive", "pup", "mla"].flatMap((decoder) => [
    { name: `setr-${decoder}-tiny`, settings: AUXILIARY, channels: SMALL_VIT(3) },
    { name: `setr-${decoder}-small`, settings: AUXILIARY, channels: SMALL_VIT(6), deep: true },
    { name: `setr-${decoder}-base`, settings: AUXILIARY, channels: SMALL_VIT(12), deep: true },
    { name: `setr-${decoder}-large`, settings: AUXILIARY, channels: SMALL_VIT(16), deep: true },
  ]),
  { name: "unet-base", channels: SMALL_UNET },
  { name: "unet-small", deep: true },
  { name: "unet-bilinear", channels: SMALL_UNET },
  { name: "unet-original", channels: SMALL_UNET },
  { name: "attention_unet-base", channels: SMALL_UNET },
  { name: "attention_unet-small", channels: SMALL_UNET, deep: true },
  ...["8s", "16s", "32s", "8s-bn"].map((name) => ({ name: `fcn-${name}`, channels: SMALL_VGG })),
];

/** What a script of Python needs to know of a variant. */
function jobOf(config: NetworkConfig, size: number) {
  return {
    family: config.model_type,
    config,
    classes: CLASSES,
    shape: [2, BANDS, size, size],
  };
}

/** The configuration of a variant with other settings. */
function configOf(name: string, settings: NetworkConfig = {}): NetworkConfig {
  const config = variantConfig(name, { bands: BANDS, classes: CLASSES });
  const still = Object.entries(STILL).filter(([key]) => key in config);
  return { ...config, ...Object.fromEntries(still), ...settings };
}

/** Numbers of parameters that PyTorch has, of all variants in their full sizes. */
export async function peerCounts(names: readonly string[]): Promise<number[]> {
  const jobs = names.map((name) => jobOf(configOf(name), 96));
  return await runPythonJson<number[]>("networks.py", ["count"], {
    stdin: new TextEncoder().encode(JSON.stringify(jobs)),
  });
}

/** How often other numbers are drawn. */
const DRAWS = 4;

/**
 * Build a variant both ways, from PyTorch's file of random weights, and compare.
 *
 * ReLU's slope jumps at 0 and pooling's at ties. Where single precision rounds a sum to the other side, gradients
 * differ by that pixel's share, between two builds of PyTorch as well: PyTorch's own gradients in single precision
 * are up to 1e-2 from those in double precision then. A rule that is wrong is wrong for all numbers, and a tie is
 * not: of a few draws, the best one counts.
 */
export async function compareWithPeer(each: ZooCase): Promise<ZooErrors> {
  let best: ZooErrors | null = null;
  for (let seed = 0; seed < DRAWS; seed++) {
    const errors = await compareOnce(each, seed);
    if (best === null || errors.gradient < best.gradient) best = errors;
    if (best.gradient < 5e-4) break;
  }
  return best!;
}

async function compareOnce(
  { name, settings, channels, size = 64 }: ZooCase,
  seed: number,
): Promise<ZooErrors> {
  const config = configOf(name, { ...settings, ...channels });
  const network = networkFromConfig(config);
  const folder = await Deno.makeTempDir({ prefix: "swath-zoo-" });
  try {
    const job = jobOf(config, size);
    const { parameters: theirs, loss: theirLoss } = await runPythonJson<
      { parameters: number; loss: number }
    >("networks.py", [folder], {
      stdin: new TextEncoder().encode(JSON.stringify({ ...job, seed })),
    });
    using model = await openModel(join(folder, "weights.pth"), { configOptional: true });
    const { values, report } = loadParameters(model, network);
    if (report.length > 0) throw new Error(report.join("\n"));
    using batch = await openSafetensors(join(folder, "batch.safetensors"));
    using expected = await openSafetensors(join(folder, "expected.safetensors"));
    const image = float32(batch.read("image"));
    const labels = batch.read("labels") as NdArray<"uint8">;

    const graph = new Graph("evaluation");
    const x = graph.input("x", "float32", ["batch", BANDS, size, size]);
    const scores = network.build({ graph, training: false }, x);
    // The paper enlarges PUP's features once more before they are classified.
    const enlarged = config.decoder === "pup"
      ? resizeBilinear(graph, scores, [size, size])
      : scores;
    graph.output("logits", enlarged);
    const session = await createSession(graph, {
      device: "cpu",
      threads: 2,
      parameters: (name) => values.get(name),
    });
    const { logits } = await session.run({ x: image });
    await session.release();

    const step = await createTrainStep({
      network,
      batch: 2,
      height: size,
      width: size,
      loss: crossEntropy(),
      optimizer: sgd({ momentum: 0 }),
      clipNorm: null,
      split: true,
      seed: 1,
      device: "cpu",
      threads: 2,
    });
    try {
      step.load(values);
      const { loss } = await step.run([{ image, labels }], { step: 1, learningRate: 0 });
      const flat = step.gradients!.data;
      const ours = new Map(
        step.graphs.layout.segments.flatMap(({ parameters }) =>
          parameters.map(({ name, offset, length }) =>
            [name, flat.subarray(offset, offset + length)] as const
          )
        ),
      );
      const named = (prefix: string) =>
        new Map(
          [...expected.tensors].filter(([name]) => name.startsWith(prefix)).map(
            ([full, tensor]) => {
              const name = full.slice(prefix.length);
              const known = network.checkpointTensor?.({ name, shape: tensor.shape })?.name ?? name;
              const own = values.has(known) ? known : network.encoderPrefix + known;
              return [own, float32(expected.read(full)).data] as const;
            },
          ),
        );
      const gradients = compare(ours, named("gradient/"));
      const statistics = new Map(
        step.graphs.statistics.map((name) => [name, step.parameters.get(name)!.data]),
      );
      return {
        parameters: [[...ours.values()].reduce((sum, { length }) => sum + length, 0), theirs],
        evaluation: compare(
          new Map([["logits", float32(logits!).data]]),
          new Map([["logits", float32(expected.read("logits")).data]]),
        ).error,
        loss: Math.abs(loss - theirLoss) / theirLoss,
        gradient: gradients.error,
        cosine: gradients.cosine,
        statistics: statistics.size === 0 ? 0 : compare(statistics, named("statistic/")).error,
      };
    } finally {
      await step.release();
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function float32(array: NdArray): NdArray<"float32"> {
  if (!isDataType(array, "float32")) throw new Error(`${array.dtype} where float32 was expected`);
  return array;
}

/** Largest difference over the largest element, and the cosine, of all vectors together. */
function compare(
  ours: ReadonlyMap<string, Float32Array>,
  theirs: ReadonlyMap<string, Float32Array>,
): { readonly error: number; readonly cosine: number } {
  let [error, largest, dot, square, peerSquare] = [0, 0, 0, 0, 0];
  for (const [name, values] of ours) {
    const peer = theirs.get(name);
    if (peer === undefined) throw new Error(`the peer has no "${name}"`);
    if (values.length !== peer.length) throw new Error(`"${name}" has another size`);
    for (let i = 0; i < values.length; i++) {
      error = Math.max(error, Math.abs(values[i]! - peer[i]!));
      largest = Math.max(largest, Math.abs(peer[i]!));
      dot += values[i]! * peer[i]!;
      square += values[i]! ** 2;
      peerSquare += peer[i]! ** 2;
    }
  }
  return { error: error / largest, cosine: dot / Math.sqrt(square * peerSquare) };
}
