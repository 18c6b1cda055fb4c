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
import { conv2d, convTranspose2d, type Value } from "../onnx/mod.ts";
import { defineFamily } from "./family.ts";
import type { Forward } from "./forward.ts";
import type { NetworkPart } from "./network.ts";
import { VGG_ENTRIES, vggCheckpointTensor, type VggConfig, vggEncoder, vggParts } from "./vgg.ts";

/** Settings. */
export interface FcnConfig extends VggConfig {
  /** Stride of the finest map that has a say in the scores. */
  readonly score_stride: 8 | 16 | 32;
}

const PREFIX = "encoder.";

/** Twice the size: kernel 4, stride 2; n times: kernel 2n, stride n. */
function enlarge({ graph }: Forward, x: Value, name: string, factor: number): Value {
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
  { score_stride }: FcnConfig,
  classes: number,
): Value {
  const { graph } = forward;
  const score = (map: Value, name: string) => conv2d(graph, map, name, classes, { kernel: 1 });
  const scores = score(fc7, "score_fr");
  if (score_stride === 32) return enlarge(forward, scores, "upscore", 32);
  const sixteenth = graph.op("Add", [
    enlarge(forward, scores, "upscore2", 2),
    score(pools[3]!, "score_pool4"),
  ]);
  if (score_stride === 16) return enlarge(forward, sixteenth, "upscore16", 16);
  const eighth = graph.op("Add", [
    enlarge(forward, sixteenth, "upscore_pool4", 2),
    score(pools[2]!, "score_pool3"),
  ]);
  return enlarge(forward, eighth, "upscore8", 8);
}

function decoderParts({ score_stride }: FcnConfig): NetworkPart[] {
  const upscores = { 32: ["upscore."], 16: ["upscore2.", "upscore16."], 8: UPSCORES_OF_8S };
  const scores = { 32: [], 16: ["score_pool4."], 8: ["score_pool4.", "score_pool3."] };
  return [
    { name: "scores", prefixes: ["score_fr.", ...scores[score_stride]] },
    { name: "enlargement", prefixes: upscores[score_stride] },
  ];
}

const UPSCORES_OF_8S = ["upscore2.", "upscore_pool4.", "upscore8."];

/** The family. */
export const FCN = defineFamily<FcnConfig>({
  name: "fcn",
  title: "FCN",
  paper: "Long et al. 2015, https://arxiv.org/abs/1411.4038",
  architecture: "FCNForSemanticSegmentation",
  schema: v.object({
    ...VGG_ENTRIES,
    score_stride: v.optional(v.picklist([8, 16, 32]), 8),
  }),
  variants: {
    "8s": {},
    "16s": { score_stride: 16 },
    "32s": { score_stride: 32 },
    "8s-bn": { batch_norm: true },
  },
  network: (config, { classes }) => ({
    stride: 1,
    multiple: 32,
    inputWeight: `${PREFIX}features.0.weight`,
    encoderPrefix: PREFIX,
    checkpointTensor: (tensor) => vggCheckpointTensor(tensor, config, PREFIX),
    build(forward, x) {
      const maps = vggEncoder(forward, x, config, PREFIX);
      return forward.graph.scope("decoder", () => decode(forward, maps, config, classes));
    },
    parts: [...vggParts(config, PREFIX), ...decoderParts(config)],
  }),
});
