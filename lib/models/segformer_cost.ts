/**
 * Multiply-adds of SegFormer as its paper draws it.
 *
 * @module
 */
import type { SegformerConfig } from "./segformer_config.ts";

/** Rows and columns of each stage's map. */
export function stageSizes(
  config: SegformerConfig,
  height: number,
  width: number,
): [rows: number, columns: number][] {
  let stride = 1;
  return config.strides.map((step) => {
    stride *= step;
    return [Math.ceil(height / stride), Math.ceil(width / stride)];
  });
}

/** Products of convolutions, linear layers and attention of the encoder for one image. */
export function encoderMultiplyAdds(
  config: SegformerConfig,
  height: number,
  width: number,
): number {
  let sum = 0;
  let inputs = config.num_channels;
  for (const [stage, [rows, columns]] of stageSizes(config, height, width).entries()) {
    const tokens = rows * columns;
    const channels = config.hidden_sizes[stage]!;
    const ratio = config.sr_ratios[stage]!;
    const hidden = Math.floor(channels * config.mlp_ratios[stage]!);
    const keys = Math.floor(rows / ratio) * Math.floor(columns / ratio);
    const reduction = ratio === 1 ? 0 : keys * channels * channels * ratio * ratio;
    const projections = 2 * (tokens + keys) * channels * channels;
    const attention = 2 * tokens * keys * channels;
    const feedForward = 2 * tokens * channels * hidden + 9 * tokens * hidden;
    sum += tokens * channels * inputs * config.patch_sizes[stage]! ** 2 +
      config.depths[stage]! * (reduction + projections + attention + feedForward);
    inputs = channels;
  }
  return sum;
}

/** Products of the decoder as published, with the wide concatenated map. */
export function decoderMultiplyAdds(
  config: Pick<SegformerConfig, "hidden_sizes" | "decoder_hidden_size">,
  sizes: readonly (readonly [rows: number, columns: number])[],
  classes: number,
): number {
  const decoder = config.decoder_hidden_size;
  const projections = sizes.reduce(
    (sum, [rows, columns], stage) => sum + rows * columns * config.hidden_sizes[stage]! * decoder,
    0,
  );
  const [rows, columns] = sizes[0]!;
  return projections +
    rows * columns * (sizes.length * decoder * decoder + decoder * classes);
}
