import assert from "node:assert/strict";
import fc from "fast-check";
import {
  checkClasses,
  formatTrainConfig,
  InputError,
  mergeTrainConfig,
  parseTrainConfig,
  parseTrainFlags,
  parseTrainYaml,
  trainConfigKeys,
} from "swath";

function parse(yaml: string) {
  return parseTrainConfig(parseTrainYaml(yaml, "train.yaml"), "train.yaml");
}

/** A faulty file, the error, and its hint or a part of it. */
const FAULTS: [yaml: string, message: string, hint?: string][] = [
  [
    "learning_rat: 1",
    'Cannot use "train.yaml": unknown key "learning_rat"',
    'Did you mean "learning_rate"? Expected one of architecture, variant,',
  ],
  ["learningRate: 1", 'Cannot use "train.yaml": unknown key "learningRate"', "learning_rate"],
  ["__proto__: 1", 'Cannot use "train.yaml": unknown key "__proto__"'],
  [
    "batch_size: 0",
    'Cannot use "train.yaml": "batch_size" should be a whole number from 1 to 65536: found 0',
  ],
  [
    "epochs: -1",
    'Cannot use "train.yaml": "epochs" should be a whole number from 1 to 1000000: found -1',
  ],
  [
    "epochs: 1e9",
    'Cannot use "train.yaml": "epochs" should be a whole number from 1 to 1000000: found 1000000000',
  ],
  [
    "epochs: 1.5",
    'Cannot use "train.yaml": "epochs" should be a whole number from 1 to 1000000: found 1.5',
  ],
  [
    "learning_rate: .nan",
    'Cannot use "train.yaml": "learning_rate" should be a finite number > 0: found .nan',
  ],
  [
    "learning_rate: .inf",
    'Cannot use "train.yaml": "learning_rate" should be a finite number > 0: found .inf',
  ],
  [
    "learning_rate: '1e-3'",
    'Cannot use "train.yaml": "learning_rate" should be a finite number > 0: found "1e-3"',
  ],
  [
    "schedule: one_cycel",
    'Cannot use "train.yaml": "schedule.name" should be one of constant, one_cycle, cosine, plateau, polynomial: found "one_cycel"',
    'Did you mean "one_cycle"?',
  ],
  [
    "schedule: {name: cosine, pct_start: 1}",
    'Cannot use "train.yaml": unknown key "schedule.pct_start"',
    "Expected one of name, t_max, eta_min",
  ],
  [
    "optimizer: {name: adamw, betas: [0.9]}",
    'Cannot use "train.yaml": "optimizer.betas.1" should be a finite number from 0 to below 1: found nothing',
  ],
  ["loss: dise", 'Cannot use "train.yaml": unknown key "loss.dise"'],
  [
    "loss: {dice: big}",
    'Cannot use "train.yaml": "loss.dice" should be a weight, or a mapping of a weight and settings: found "big"',
  ],
  [
    "loss: {tversky: {gamma: 0.5}}",
    'Cannot use "train.yaml": "loss.tversky.gamma" should be a finite number >= 1: found 0.5',
  ],
  [
    "loss: {ce: 0}",
    'Cannot use "train.yaml": "loss" should be a mapping from losses to weights, at least one of them above 0: found {"ce":{"weight":0,"label_smoothing":0}}',
  ],
  [
    "loss: 3",
    'Cannot use "train.yaml": "loss" should be a mapping from losses to weights: found 3',
  ],
  [
    "augment: {scale: [2, 1]}",
    'Cannot use "train.yaml": "augment.scale" should be a list of two numbers, the smaller first: found [2,1]',
  ],
  [
    "augment: {flip: yes}",
    'Cannot use "train.yaml": "augment.flip" should be true or false: found "yes"',
  ],
  [
    "classes: [land, water]\nclass_weights: [1]",
    'Cannot use "train.yaml": "class_weights" should be 2 weights, one for each of land, water: found 1',
  ],
  [
    "class_weights: [1, -1]",
    'Cannot use "train.yaml": "class_weights" should be a list of finite numbers >= 0, not all of them 0, or one of "auto", "balanced": found [1,-1]',
  ],
  [
    "classes: [a, a]",
    'Cannot use "train.yaml": "classes" should be a list of class names without repetitions: found ["a","a"]',
  ],
  [
    "classes: [land, water]\nwatch: [watr]",
    'Cannot use "train.yaml": "watch" should be classes out of land, water: found "watr"',
    'Did you mean "water"?',
  ],
  [
    "bands: [B04, 8]",
    'Cannot use "train.yaml": "bands.1" should be a text that is not empty: found 8',
  ],
  [
    "device: gpu",
    'Cannot use "train.yaml": "device" should be one of auto, cuda, webgpu, cpu: found "gpu"',
  ],
  [
    "early_stopping: 5",
    'Cannot use "train.yaml": "early_stopping" should be a mapping with the keys monitor, mode, patience, min_delta: found 5',
  ],
  [
    "variant: b0\ncheckpoint: nvidia/mit-b0",
    'Cannot use "train.yaml": "variant" and "checkpoint" exclude one another, as the checkpoint has a variant: found "b0" and "nvidia/mit-b0"',
  ],
  [
    "unfreeze_at: 3",
    'Cannot use "train.yaml": "unfreeze_at" has no meaning unless "freeze_encoder" is true',
  ],
  [
    "train: '-'\nval: '-'",
    'Cannot use "train.yaml": "train" and "val" cannot both be standard input ("-")',
  ],
  ["- 1", 'Cannot read "train.yaml": expected a mapping of keys, found [1]'],
  ["a: [1\nb: 2", 'Cannot read "train.yaml": deficient indentation at line 2, column 1'],
  ["seed: 1\nseed: 2", 'Cannot read "train.yaml": duplicated mapping key at line 2, column 1'],
];

for (const [yaml, message, hint] of FAULTS) {
  Deno.test(`config: ${yaml.replaceAll("\n", "; ")}`, () => {
    assert.throws(() => parse(yaml), (error) => {
      assert.ok(error instanceof InputError);
      assert.equal(error.message, message);
      if (hint !== undefined) assert.ok(error.hint?.includes(hint), error.hint);
      return true;
    });
  });
}

Deno.test("config: an empty file gives the defaults", () => {
  assert.deepEqual(parse(""), parse("# nothing\n\n  # at all\n"));
  const config = parse("");
  assert.equal(config.learningRate, 1e-3);
  assert.deepEqual(config.optimizer, { name: "adamw", betas: [0.9, 0.999], eps: 1e-8 });
  assert.deepEqual(config.save, { monitor: "val_loss", mode: "min", everySteps: null });
  assert.equal(config.earlyStopping, null);
});

Deno.test("config: values that look wrong and are not", () => {
  assert.equal(parse("learning_rate: 1e20").learningRate, 1e20);
  assert.equal(parse("learning_rate: 1e-3").learningRate, 1e-3);
  assert.deepEqual(parse("train: a.tar").train, ["a.tar"]);
  assert.deepEqual(parse("early_stopping: {}").earlyStopping, {
    monitor: "val_loss",
    mode: "min",
    patience: 5,
    minDelta: 0,
  });
  assert.equal(parse("augment: false").augment.flip, false);
  // The architecture's own names are not touched.
  assert.deepEqual(parse("settings: {hidden_sizes: [8]}").settings, { hidden_sizes: [8] });
});

Deno.test("config: flags over a file", () => {
  const file = parseTrainYaml(
    "epochs: 5\nschedule: {name: one_cycle, pct_start: 0.2}\noptimizer: sgd\nloss: {ce: 2}",
    "train.yaml",
  );
  const merge = (flags: Record<string, unknown>) => parseTrainConfig(mergeTrainConfig(file, flags));
  assert.equal(merge({}).epochs, 5);
  assert.equal(merge({ epochs: 7 }).epochs, 7);
  assert.deepEqual(merge({ schedule: "cosine" }).schedule, {
    name: "cosine",
    tMax: null,
    etaMin: 0,
  });
  const schedule = merge({ schedule: { three_phase: true } }).schedule;
  assert.ok(schedule.name === "one_cycle" && schedule.pctStart === 0.2 && schedule.threePhase);
  assert.deepEqual(merge({ optimizer: { nesterov: true } }).optimizer, {
    name: "sgd",
    momentum: 0.9,
    nesterov: true,
  });
  const ce = { weight: 1, labelSmoothing: 0 };
  assert.deepEqual(merge({ loss: "ce" }).loss, { ce });
  const dice = { weight: 0.5, smooth: 1e-6, classes: "present" };
  assert.deepEqual(merge(parseTrainFlags(new Map([["loss", "ce, dice:0.5"]]))).loss, { ce, dice });
  assert.deepEqual(merge({ loss: { dice: { weight: 0.5 } } }).loss, { dice });
});

Deno.test("config: class weights are checked once the classes are known", () => {
  const config = parse("class_weights: [1, 2, 3]");
  checkClasses(config, ["a", "b", "c"]);
  assert.throws(() => checkClasses(config, ["a", "b"]), {
    message:
      'Cannot use the configuration: "class_weights" should be 2 weights, one for each of a, b: found 3',
  });
});

Deno.test("config: what is written reads back as the same configuration", () => {
  fc.assert(fc.property(
    fc.record({
      learning_rate: fc.double({ min: 1e-300, max: 1e300, noNaN: true }),
      seed: fc.maxSafeNat(),
      architecture: fc.string({ minLength: 1 }),
      bands: fc.option(fc.uniqueArray(fc.string({ minLength: 1 }))),
      // As JSON has them: it knows no −0.
      settings: fc.dictionary(fc.string(), fc.jsonValue())
        .map((value) => JSON.parse(JSON.stringify(value))),
      schedule: fc.constantFrom("constant", "one_cycle", "cosine", "plateau", "polynomial"),
      optimizer: fc.constantFrom("adamw", "sgd"),
      early_stopping: fc.constantFrom(null, {}),
      class_weights: fc.constantFrom(null, "balanced", [0.25, 1e-7]),
    }, { requiredKeys: [] }),
    (input) => {
      const config = parseTrainConfig(input);
      const text = formatTrainConfig(config);
      const again = parseTrainConfig(parseTrainYaml(text, "config.yaml"), "config.yaml");
      assert.deepEqual(again, JSON.parse(JSON.stringify(config)));
      assert.equal(formatTrainConfig(again), text);
    },
  ));
});

Deno.test("config: every key is documented once", () => {
  const keys = trainConfigKeys();
  const names = keys.map(({ name, alternative }) => `${name} ${alternative ?? ""}`);
  assert.equal(new Set(names).size, names.length);
  assert.ok(keys.every(({ description }) => description.endsWith(".")));
  assert.deepEqual(keys.find(({ name }) => name === "optimizer.betas"), {
    name: "optimizer.betas",
    alternative: "adamw",
    fallback: "[0.9, 0.999]",
    description: "Decay rates of the two moments.",
    kind: "numbers",
  });
  assert.ok(keys.some(({ name }) => name === "early_stopping.patience"));
});
