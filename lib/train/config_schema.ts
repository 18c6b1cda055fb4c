/**
 * What `train.yaml` may hold: each key's type, range, default and description. Messages are phrases
 * that continue "expected …"; `config.ts` puts them into sentences. The table of keys in the
 * documentation and the flags of `swath train` come from here.
 *
 * @module
 */
import * as v from "valibot";
import { type DeviceChoice, DEVICES } from "../runtime/mod.ts";
import { CLASS_WEIGHT_RULES, type ClassWeightRule } from "./class_weights.ts";
import { lossSchema } from "./loss_schema.ts";
import {
  belowOne,
  choice,
  choiceMessage,
  flag,
  fraction,
  insideUnit,
  integer,
  isMapping,
  key,
  mapping,
  notNegative,
  positive,
  text,
} from "./schema_parts.ts";

const MAX_EPOCHS = 1_000_000;

const monitor = v.pipe(v.string("the name of a metric"), v.nonEmpty("the name of a metric"));
const mode = choice(["min", "max"]);

/** Names of which none comes twice. */
function names(what: string) {
  const item = "a text that is not empty";
  return v.pipe(
    v.array(v.pipe(v.string(item), v.nonEmpty(item)), `a list of ${what}`),
    v.check((list) => new Set(list).size === list.length, `a list of ${what} without repetitions`),
  );
}

/** One of several mappings that are told apart by `name`. */
function named<const Options extends v.VariantOptions<"name">>(
  words: readonly string[],
  options: Options,
) {
  return v.variant("name", options, (issue) => choiceMessage(words, issue.input));
}

export const optimizerSchema = named(["adamw", "sgd"], [
  mapping({
    name: v.literal("adamw"),
    betas: key(
      v.tuple([belowOne, belowOne], "a list of two numbers"),
      [0.9, 0.999],
      "Decay rates of the two moments.",
    ),
    eps: key(positive, 1e-8, "Added to the root of the second moment."),
  }),
  mapping({
    name: v.literal("sgd"),
    momentum: key(belowOne, 0.9, "Decay rate of the velocity."),
    nesterov: key(flag, false, "Look ahead along the velocity."),
  }),
]);

export const scheduleSchema = named(["constant", "one_cycle", "cosine", "plateau", "polynomial"], [
  mapping({ name: v.literal("constant") }),
  mapping({
    name: v.literal("one_cycle"),
    pct_start: key(fraction, 0.3, "Share of the steps in which the learning rate rises."),
    anneal_strategy: key(choice(["cos", "linear"]), "cos", "Shape of rise and fall."),
    three_phase: key(flag, false, "Fall as fast as it rose, then vanish in a third phase."),
    div_factor: key(positive, 25, "The learning rate starts at `learning_rate` over this."),
    final_div_factor: key(positive, 1e4, "The learning rate ends at its start over this."),
    cycle_momentum: key(
      flag,
      true,
      "Move the momentum (AdamW: the first beta) against the learning rate.",
    ),
    base_momentum: key(belowOne, 0.85, "Lowest momentum, where the learning rate is highest."),
    max_momentum: key(belowOne, 0.95, "Highest momentum."),
  }),
  mapping({
    name: v.literal("cosine"),
    t_max: key(v.nullable(integer(1)), null, "Steps of half a period; all steps where null."),
    eta_min: key(notNegative, 0, "Lowest learning rate."),
  }),
  mapping({
    name: v.literal("plateau"),
    monitor: key(monitor, "val_loss", "Metric to watch."),
    mode: key(mode, "min", "Whether smaller (`min`) or larger (`max`) is better."),
    factor: key(insideUnit, 0.1, "The learning rate is multiplied by this."),
    patience: key(integer(0), 10, "Epochs without improvement that are let pass."),
    threshold: key(notNegative, 1e-4, "Smallest change that counts as improvement."),
    threshold_mode: key(
      choice(["rel", "abs"]),
      "rel",
      "Whether `threshold` is a share of the best value or a difference from it.",
    ),
    cooldown: key(integer(0), 0, "Epochs after a reduction in which nothing is counted."),
    min_lr: key(notNegative, 0, "Lowest learning rate."),
    eps: key(notNegative, 1e-8, "A reduction smaller than this is left out."),
  }),
  mapping({
    name: v.literal("polynomial"),
    power: key(positive, 1, "Exponent; 1 is a straight line."),
    warmup_steps: key(integer(0), 0, "Steps in which the learning rate rises."),
    warmup_factor: key(fraction, 1e-6, "Share of `learning_rate` that warm-up starts from."),
    min_lr: key(notNegative, 0, "Learning rate at the end."),
  }),
]);

const augmentSchema = mapping({
  flip: key(flag, true, "Mirror, each way with probability 1/2."),
  turn: key(flag, true, "Turn by multiples of 90 degrees (180 where patches are not square)."),
  scale: key(
    v.pipe(
      v.tuple([positive, positive], "a list of two numbers"),
      v.check(([low, high]) => low <= high, "a list of two numbers, the smaller first"),
    ),
    [1, 1],
    "Range of the zoom factor, such as `[0.5, 2]`; the result is cut or filled to the patch size.",
  ),
  gain: key(belowOne, 0, "Each band's contrast changes by a factor of 1 - gain to 1 + gain."),
  offset: key(
    notNegative,
    0,
    "Each band's brightness moves by up to this many of its standard deviations.",
  ),
  band_dropout: key(belowOne, 0, "Probability that a band is replaced by its mean."),
});

const earlyStoppingSchema = mapping({
  monitor: key(monitor, "val_loss", "Metric to watch."),
  mode: key(mode, "min", "Whether smaller (`min`) or larger (`max`) is better."),
  patience: key(integer(1), 5, "Epochs without improvement after which training stops."),
  min_delta: key(notNegative, 0, "Smallest change that counts as improvement."),
});

const saveSchema = mapping({
  monitor: key(monitor, "val_loss", "Metric that decides which model is `best`."),
  mode: key(mode, "min", "Whether smaller (`min`) or larger (`max`) is better."),
  every_steps: key(
    v.nullable(integer(1)),
    null,
    "Steps between two writes of `last`, besides the one at each epoch.",
  ),
});

const classWeightsSchema = v.custom<readonly number[] | ClassWeightRule>(
  (value) =>
    CLASS_WEIGHT_RULES.some((rule) => rule === value) ||
    Array.isArray(value) && value.length > 0 &&
      value.every((weight) => typeof weight === "number" && weight >= 0 && weight < Infinity) &&
      value.some((weight) => weight > 0),
  'a list of finite numbers >= 0, not all of them 0, or one of "auto", "balanced"',
);

/** The schema of a whole configuration. */
export const trainConfigSchema = mapping({
  architecture: key(text, "segformer", "Family of networks."),
  variant: key(v.nullable(text), null, "Size within the family, such as `b0`."),
  settings: key(
    v.custom<Record<string, unknown>>(isMapping, "a mapping of settings"),
    {},
    "Settings of the architecture that differ from the variant's, such as `depths`.",
  ),
  checkpoint: key(
    v.nullable(text),
    null,
    "Model directory or hub id to start from; random weights where null.",
  ),
  train: key(names("paths"), [], "Shards to train on: paths, globs, or `-` for standard input."),
  val: key(names("paths"), [], "Shards to validate on."),
  test: key(names("paths"), [], "Shards that the best model is scored on at the end."),
  bands: key(v.nullable(names("band names")), null, "Bands to use, in order; all where null."),
  classes: key(v.nullable(names("class names")), null, "Classes; those of the data where null."),
  size: key(
    v.nullable(integer(1, 65_536)),
    null,
    "Pixels of a side that the network sees, cut at random; whole patches where null.",
  ),
  batch_size: key(
    integer(1, 65_536),
    4,
    "Samples of a batch; processes that train together share them.",
  ),
  accumulate: key(integer(1, 65_536), 1, "Batches whose gradients are summed for one step."),
  epochs: key(integer(1, MAX_EPOCHS), 20, "Times that the training data is gone through."),
  max_steps: key(v.nullable(integer(1)), null, "Steps after which training ends in any case."),
  learning_rate: key(
    positive,
    1e-3,
    "Highest learning rate. 6e-5 is usual for fine-tuning a pretrained SegFormer.",
  ),
  head_learning_rate_factor: key(positive, 1, "The head learns at `learning_rate` times this."),
  weight_decay: key(notNegative, 0.01, "Decoupled weight decay; none on norms and biases."),
  clip_norm: key(v.nullable(positive), 1, "Largest global norm of the gradients; null for none."),
  optimizer: key(optimizerSchema, { name: "adamw" }, "What turns gradients into changes."),
  schedule: key(scheduleSchema, { name: "constant" }, "How the learning rate moves."),
  loss: key(
    lossSchema,
    { ce: 1 },
    "Weight of each loss in the sum, such as `{ce: 1, dice: 0.5}`; a mapping in place of a number gives settings, such " +
      "as `{focal: {weight: 1, gamma: 3}}`.",
  ),
  class_weights: key(
    v.nullable(classWeightsSchema),
    null,
    "Weight of each class in the losses of pixels (`ce`, `focal`, `boundary`), in order; `auto` for median " +
      "frequency, `balanced` for inverse frequency in the training data.",
  ),
  ignore_index: key(integer(0, 255), 255, "Label that losses and metrics leave out."),
  augment: key(augmentSchema, {}, "How samples are varied; `false` for not at all."),
  drop_path: key(belowOne, 0.1, "Highest probability that a residual branch is dropped."),
  dropout: key(belowOne, 0.1, "Probability that a channel of the head is dropped."),
  freeze_encoder: key(flag, false, "Leave the encoder as it is."),
  unfreeze_at: key(
    v.nullable(integer(1, MAX_EPOCHS)),
    null,
    "Epoch (the first is 0) from which a frozen encoder learns too.",
  ),
  checkpoint_activations: key(
    flag,
    false,
    "Compute the activations of each block again for its gradient: a third slower, in less memory.",
  ),
  ema: key(v.nullable(insideUnit), null, "Decay rate of the averaged weights, such as 0.999."),
  seed: key(integer(0, Number.MAX_SAFE_INTEGER), 0, "Seed of everything random."),
  device: key(
    choice<DeviceChoice>(["auto", ...DEVICES]),
    "auto",
    "Where to compute; `auto` is the fastest device that works.",
  ),
  threads: key(v.nullable(integer(1, 1024)), null, "Threads of the CPU; all cores where null."),
  sync_batch_norm: key(
    flag,
    false,
    "Processes that share a batch normalize it by the statistics of all of it, not each its own part.",
  ),
  gradient_precision: key(
    choice(["float32", "float16"]),
    "float32",
    "How gradients travel between processes; `float16` halves the bytes.",
  ),
  early_stopping: key(
    v.nullable(earlyStoppingSchema),
    null,
    "When to stop before the last epoch; `{}` for the defaults.",
  ),
  save: key(saveSchema, {}, "Which checkpoints to keep."),
  watch: key(
    names("class names"),
    [],
    "Classes whose rate of predictions is watched for collapse.",
  ),
});
