/**
 * What `train.yaml` may hold: each key's type, range, default and description. Messages are phrases
 * that continue "expected …"; `config.ts` puts them into sentences. The table of keys in the
 * documentation and the flags of `swath train` come from here.
 *
 * @module
 */
import * as v from "valibot";
import { type DeviceChoice, DEVICES } from "../runtime/mod.ts";
import { nearMiss } from "../text/mod.ts";

/** Losses that can be named under `loss`. */
export const LOSS_NAMES: readonly string[] = ["ce"];

/** More would be a slip of the pen. */
const MAX_COUNT = 1_000_000_000;
const MAX_EPOCHS = 1_000_000;

function isMapping(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

type Entries = Record<string, v.GenericSchema>;

/** A key with its default and description. */
function key<const Schema extends v.GenericSchema>(
  schema: Schema,
  fallback: v.InferInput<Schema>,
  description: string,
) {
  return v.pipe(v.optional(schema, fallback), v.description(description));
}

/**
 * A mapping whose keys are all known. The message of an unknown key has a second line, which becomes
 * the error's hint.
 */
function mapping<const Known extends Entries>(entries: Known) {
  return v.strictObject(entries, (issue) => {
    if (issue.expected !== "never") {
      return `a mapping with the keys ${Object.keys(entries).join(", ")}`;
    }
    const near = nearMiss(String(issue.input), Object.keys(entries));
    const hint = near === null ? "" : `Did you mean "${near}"? `;
    return `one of ${Object.keys(entries).join(", ")}\n${hint}`;
  });
}

/** One of several words. */
function choice<const Word extends string>(words: readonly Word[]) {
  return v.picklist(words, (issue) => choiceMessage(words, issue.input));
}

function choiceMessage(words: readonly string[], found: unknown): string {
  const near = typeof found === "string" ? nearMiss(found, words) : null;
  return `one of ${words.join(", ")}${near === null ? "" : `\nDid you mean "${near}"?`}`;
}

function integer(minimum: number, maximum = MAX_COUNT) {
  const expected = maximum === MAX_COUNT
    ? `a whole number >= ${minimum}`
    : `a whole number from ${minimum} to ${maximum}`;
  return v.pipe(
    v.number(expected),
    v.integer(expected),
    v.minValue(minimum, expected),
    v.maxValue(maximum, expected),
  );
}

/** A finite number in a range given as text and test, such as `> 0`. */
function real(range: string, isInRange: (value: number) => boolean) {
  const expected = `a finite number ${range}`;
  return v.pipe(v.number(expected), v.finite(expected), v.check(isInRange, expected));
}

const positive = real("> 0", (value) => value > 0);
const notNegative = real(">= 0", (value) => value >= 0);
const belowOne = real("from 0 to below 1", (value) => value >= 0 && value < 1);
const fraction = real("from 0 to 1", (value) => value >= 0 && value <= 1);
const insideUnit = real("above 0 and below 1", (value) => value > 0 && value < 1);
const flag = v.boolean("true or false");
const text = v.pipe(v.string("a text that is not empty"), v.nonEmpty("a text that is not empty"));
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

const lossSchema = v.pipe(
  // A record would take a list for a mapping.
  v.custom<Record<string, number>>(isMapping, "a mapping from losses to weights"),
  v.record(
    v.picklist(LOSS_NAMES, (issue) => choiceMessage(LOSS_NAMES, issue.input)),
    notNegative,
  ),
  v.check(
    (weights) => Object.values(weights).some((weight) => weight > 0),
    "a mapping from losses to weights, at least one of them above 0",
  ),
);

const classWeightsSchema = v.custom<readonly number[] | "balanced">(
  (value) =>
    value === "balanced" ||
    Array.isArray(value) && value.length > 0 &&
      value.every((weight) => typeof weight === "number" && weight >= 0 && weight < Infinity) &&
      value.some((weight) => weight > 0),
  'a list of finite numbers >= 0, not all of them 0, or "balanced"',
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
  loss: key(lossSchema, { ce: 1 }, "Weight of each loss in the sum."),
  class_weights: key(
    v.nullable(classWeightsSchema),
    null,
    "Weight of each class in the loss, in order; `balanced` for inverse frequency.",
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
