/**
 * FCN: the first fully convolutional network, VGG16 whose class scores are enlarged by transposed
 * convolutions.
 *
 * Long, Shelhamer, Darrell: "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015,
 * https://arxiv.org/abs/1411.4038. FCN-32s enlarges the scores of `fc7` at once; FCN-16s and FCN-8s add those
 * of `pool4` and `pool3` on the way. Names of parameters are those of the authors' Caffe models. Kernels are
 * learnt from a bilinear start.
 *
 * The authors pad the image by 100 pixels and crop the result; here `fc6` is padded and every layer keeps the
 * lattice, so that nothing has to be cropped.
 *
 * @module
 */
import * as v from "valibot";
import { InputError } from "../errors.ts";
import { conv2d, convTranspose2d, type Value } from "../onnx/mod.ts";
import { defineFamily } from "./family.ts";
import type { Forward } from "./forward.ts";
import type { NetworkPart } from "./network.ts";
import { VGG_ENTRIES, vggCheckpointTensor, type VggConfig, vggEncoder, vggParts } from "./vgg.ts";

/** Settings. */
export interface FcnConfig extends VggConfig {
  /** Finer maps whose scores are added: none for FCN-32s, `pool4` for FCN-16s, `pool3` too for FCN-8s. */
  readonly skips: 0 | 1 | 2;
}

const PREFIX = "encoder.";

/** Refuse what could not be enlarged again to the image's size. */
function checkFcn({ strides }: FcnConfig): void {
  if (strides.length !== 5 || strides.some((stride) => stride > 2)) {
    throw new InputError(
      `Cannot build FCN as "strides" must have 5 entries, each 1 or 2: ` +
        `current value is [${strides.join(", ")}]`,
    );
  }
}

/** Twice the size: kernel 4, stride 2; n times: kernel 2n, stride n. */
function enlarge({ graph }: Forward, x: Value, name: string, factor: number): Value {
  if (factor === 1) return x;
  return convTranspose2d(graph, x, name, x.shape[1] as number, {
    kernel: 2 * factor,
    stride: factor,
    padding: factor / 2,
    bias: false,
    init: { kind: "bilinear" },
  });
}

/** Scores of the coarsest map, to which those of finer ones are added. */
function decode(
  forward: Forward,
  { pools, fc7 }: ReturnType<typeof vggEncoder>,
  { skips, strides }: FcnConfig,
  classes: number,
): Value {
  const { graph } = forward;
  const [last, fourth] = [strides[4]!, strides[3]!];
  const third = product(strides.slice(0, 3));
  const score = (map: Value, name: string) => conv2d(graph, map, name, classes, { kernel: 1 });
  const scores = score(fc7, "score_fr");
  if (skips === 0) return enlarge(forward, scores, "upscore", third * fourth * last);
  const sixteenth = graph.op("Add", [
    enlarge(forward, scores, "upscore2", last),
    score(pools[3]!, "score_pool4"),
  ]);
  if (skips === 1) return enlarge(forward, sixteenth, "upscore16", third * fourth);
  const eighth = graph.op("Add", [
    enlarge(forward, sixteenth, "upscore_pool4", fourth),
    score(pools[2]!, "score_pool3"),
  ]);
  return enlarge(forward, eighth, "upscore8", third);
}

function decoderParts({ skips }: FcnConfig): NetworkPart[] {
  const scores = ["score_fr.", "score_pool4.", "score_pool3."];
  return [
    { name: "scores", prefixes: scores.slice(0, 1 + skips) },
    { name: "enlargement", prefixes: UPSCORES[skips] },
  ];
}

/** Names of the transposed convolutions by number of skips. */
const UPSCORES = [
  ["upscore."],
  ["upscore2.", "upscore16."],
  ["upscore2.", "upscore_pool4.", "upscore8."],
] as const;

function product(factors: readonly number[]): number {
  return factors.reduce((total, factor) => total * factor, 1);
}

/** The family. */
export const FCN = defineFamily<FcnConfig>({
  name: "fcn",
  title: "FCN",
  paper: "Long et al. 2015, https://arxiv.org/abs/1411.4038",
  architecture: "FCNForSemanticSegmentation",
  schema: v.object({
    ...VGG_ENTRIES,
    skips: v.optional(v.picklist([0, 1, 2]), 2),
  }),
  variants: {
    "8s": {},
    "16s": { skips: 1 },
    "32s": { skips: 0 },
    "8s-bn": { batch_norm: true },
  },
  network: (config, { classes }) => ({
    stride: 1,
    multiple: product(config.strides),
    inputWeight: `${PREFIX}features.0.weight`,
    encoderPrefix: PREFIX,
    checkpointTensor: (tensor) => vggCheckpointTensor(tensor, config, PREFIX),
    build(forward, x) {
      checkFcn(config);
      const maps = vggEncoder(forward, x, config, PREFIX);
      return forward.graph.scope("decoder", () => decode(forward, maps, config, classes));
    },
    parts: [...vggParts(config, PREFIX), ...decoderParts(config)],
  }),
});
