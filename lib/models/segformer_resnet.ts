/**
 * SegFormer's decoder on a ResNet.
 *
 * Xie et al. 2021, https://arxiv.org/abs/2105.15203, table 1d, compare their all-MLP decoder on convolutional
 * encoders with the one on their own. Names of the encoder's parameters are torchvision's, those of the decoder
 * transformers'.
 *
 * @module
 */
import * as v from "valibot";
import { Graph, reshape } from "../onnx/mod.ts";
import { defineFamily, positive, probability } from "./family.ts";
import { mapShape } from "./layers.ts";
import { graphMultiplyAdds } from "./network_parameters.ts";
import {
  RESNET_ENTRIES,
  type ResnetConfig,
  resnetEncoder,
  resnetParts,
  RESNETS,
  resnetStride,
} from "./resnet.ts";
import { decoderMultiplyAdds } from "./segformer_cost.ts";
import { type DecoderConfig, decoderPartsOf, segformerDecodeHead } from "./segformer_decoder.ts";

const PREFIX = "encoder.";
/** Strides of the encoder's maps. */
const STRIDES = [4, 8, 16, 32] as const;

/** The family. */
export const SEGFORMER_RESNET = defineFamily<ResnetConfig & DecoderConfig>({
  name: "segformer_resnet",
  title: "SegFormer's decoder on ResNet",
  paper: "Xie et al. 2021, https://arxiv.org/abs/2105.15203",
  architecture: "SegformerResNetForSemanticSegmentation",
  schema: v.object({
    ...RESNET_ENTRIES,
    decoder_hidden_size: v.optional(positive, 256),
    classifier_dropout_prob: v.optional(probability, 0.1),
    initializer_range: v.optional(v.pipe(v.number(), v.minValue(0)), 0.02),
  }),
  variants: RESNETS,
  network: (config, { bands, classes }) => ({
    stride: resnetStride(config, STRIDES[0]),
    multiple: resnetStride(config, STRIDES[3]),
    inputWeight: `${PREFIX}conv1.weight`,
    encoderPrefix: PREFIX,
    build(forward, x) {
      const { graph } = forward;
      const maps = graph.scope("encoder", () => resnetEncoder(forward, x, config, PREFIX));
      const features = maps.map((map) => {
        const [batch, channels, height, width] = mapShape(map);
        const value = reshape(graph, map, [batch, channels, height * width]);
        return { value, height, width, channelsFirst: true };
      });
      return graph.scope("decoder", () => segformerDecodeHead(forward, features, config, classes));
    },
    multiplyAdds(height, width) {
      const graph = new Graph("encoder");
      const x = graph.input("x", "float32", ["batch", bands, height, width]);
      const maps = resnetEncoder({ graph, training: false }, x, config, PREFIX);
      graph.output("features", maps.at(-1)!);
      const sizes = STRIDES.map((published) => {
        const stride = resnetStride(config, published);
        return [height / stride, width / stride] as const;
      });
      return graphMultiplyAdds(graph) + decoderMultiplyAdds(config, sizes, classes);
    },
    parts: [...resnetParts(config, PREFIX), ...decoderPartsOf(STRIDES.length)],
  }),
});
