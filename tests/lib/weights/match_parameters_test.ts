import assert from "node:assert/strict";
import { describeMatch, InputError, matchParameters } from "swath";

const expected = [
  { name: "segformer.encoder.0.weight", shape: [4, 3] },
  { name: "segformer.encoder.1.weight", shape: [4, 4] },
  { name: "decode_head.classifier.weight", shape: [2, 4] },
  { name: "decode_head.classifier.bias", shape: [2] },
];

function file(tensors: Record<string, number[]>) {
  return new Map(Object.entries(tensors).map(([name, shape]) => [name, { shape }]));
}

function outcome(tensors: Record<string, number[]>, ignoreMismatchedSizes = false) {
  const match = matchParameters(expected, file(tensors), "model", {
    basePrefix: "segformer.",
    ignoreMismatchedSizes,
  });
  return {
    loaded: match.loaded.map(({ parameter, tensor }) => `${tensor} → ${parameter.name}`),
    missing: match.missing.map(({ name }) => name),
    mismatched: match.mismatched.map(({ parameter, shape }) => `${parameter.name} ${shape}`),
    unexpected: match.unexpected,
  };
}

const head = ["decode_head.classifier.weight", "decode_head.classifier.bias"];

Deno.test("an image classifier gives its encoder; its own classifier is not used", () => {
  assert.deepEqual(
    outcome({
      "segformer.encoder.0.weight": [4, 3],
      "segformer.encoder.1.weight": [4, 4],
      "classifier.weight": [1000, 4],
      "classifier.bias": [1000],
      "norm.num_batches_tracked": [],
    }),
    {
      loaded: [
        "segformer.encoder.0.weight → segformer.encoder.0.weight",
        "segformer.encoder.1.weight → segformer.encoder.1.weight",
      ],
      missing: head,
      mismatched: [],
      unexpected: ["classifier.weight", "classifier.bias"],
    },
  );
});

Deno.test("an encoder alone lacks the prefix", () => {
  assert.deepEqual(outcome({ "encoder.0.weight": [4, 3], "encoder.1.weight": [4, 4] }), {
    loaded: [
      "encoder.0.weight → segformer.encoder.0.weight",
      "encoder.1.weight → segformer.encoder.1.weight",
    ],
    missing: head,
    mismatched: [],
    unexpected: [],
  });
});

Deno.test("an encoder alone is filled from a larger network", () => {
  const match = matchParameters(
    [{ name: "encoder.0.weight", shape: [4, 3] }],
    file({ "segformer.encoder.0.weight": [4, 3], "decode_head.classifier.bias": [2] }),
    "model",
    { basePrefix: "segformer." },
  );
  assert.equal(match.loaded[0]?.tensor, "segformer.encoder.0.weight");
  assert.deepEqual(match.unexpected, ["decode_head.classifier.bias"]);
});

Deno.test("wrappers of training code are taken off, unless the names are meant so", () => {
  for (const wrapper of ["module.", "model."]) {
    const { loaded, unexpected } = outcome({
      [`${wrapper}segformer.encoder.0.weight`]: [4, 3],
      [`${wrapper}encoder.1.weight`]: [4, 4],
    });
    assert.equal(loaded.length, 2, wrapper);
    assert.deepEqual(unexpected, []);
  }
  const match = matchParameters(
    [{ name: "model.a", shape: [1] }],
    file({ "model.a": [1] }),
    "model",
  );
  assert.equal(match.loaded.length, 1);
});

Deno.test("a tensor of exactly the name wins over one that needs a prefix", () => {
  const { loaded, unexpected } = outcome({
    "encoder.0.weight": [4, 3],
    "segformer.encoder.0.weight": [4, 3],
  });
  assert.deepEqual(loaded, ["segformer.encoder.0.weight → segformer.encoder.0.weight"]);
  assert.deepEqual(unexpected, ["encoder.0.weight"]);
});

Deno.test("other shapes are an error that prints both, or are newly initialised", () => {
  const tensors = { "encoder.0.weight": [4, 14], "encoder.1.weight": [4, 4] };
  assert.throws(() => outcome(tensors), (error) => {
    assert(error instanceof InputError);
    assert.equal(
      error.message,
      'Cannot use the weights of "model" as a shape differs: segformer.encoder.0.weight is 4x14 ' +
        "in the file and 4x3 in the model",
    );
    assert.match(error.hint ?? "", /--ignore-mismatched-sizes/);
    return true;
  });
  assert.deepEqual(outcome(tensors, true).mismatched, ["segformer.encoder.0.weight 4,14"]);
  // 16 elements either way.
  assert.deepEqual(
    outcome({ "encoder.1.weight": [2, 8] }, true).mismatched,
    ["segformer.encoder.1.weight 2,8"],
  );
});

Deno.test("weights of another network are refused", () => {
  assert.throws(
    () => outcome({ "conv1.weight": [64, 3, 7, 7], "fc.bias": [1000] }),
    /none of its 2 tensors \(conv1\.weight, fc\.bias\) has the name of a parameter/,
  );
});

Deno.test("the report lists what is left over, with layers merged", () => {
  const match = matchParameters(
    expected,
    file({ "encoder.0.weight": [9, 9], "decode_head.classifier.bias": [2], "old.2.a": [1] }),
    "model",
    { basePrefix: "segformer.", ignoreMismatchedSizes: true },
  );
  assert.deepEqual(describeMatch(match, "nvidia/mit-b0"), [
    "nvidia/mit-b0: 1 parameters loaded",
    "  MISSING (not in the file, newly initialised): 2",
    "    segformer.encoder.1.weight",
    "    decode_head.classifier.weight",
    "  MISMATCH (of another shape, newly initialised): 1",
    "    segformer.encoder.0.weight: file 9x9, model 4x3",
    "  UNEXPECTED (in the file, not used): 1",
    "    old.2.a",
  ]);
  const layers = [0, 1, 2].map((index) => ({ name: `a.${index}.w`, shape: [1] }));
  const rest = matchParameters([...layers, { name: "b", shape: [1] }], file({ b: [1] }), "model");
  assert(describeMatch(rest, "m").includes("    a.{0, 1, 2}.w"));
  const whole = matchParameters(layers, file({ "a.0.w": [1], "a.1.w": [1], "a.2.w": [1] }), "m");
  assert.deepEqual(describeMatch(whole, "m"), []);
});
