/** Networks of the zoo against torchvision, segmentation-models-pytorch, transformers and the papers. */
import assert from "node:assert/strict";
import { countParameters, networkFromConfig, networkParameters, variantConfig } from "swath";
import { peerTest } from "./python.ts";
import { compareWithPeer, peerCounts, ZOO_CASES } from "./zoo.ts";

const PACKAGES = [
  "torch",
  "torchvision",
  "segmentation_models_pytorch",
  "transformers",
  "safetensors",
];

peerTest("every network has as many parameters as PyTorch's", PACKAGES, async () => {
  const names = ZOO_CASES.map(({ name }) => name);
  const ours = names.map((name) => {
    const network = networkFromConfig(variantConfig(name, { bands: 4, classes: 3 }));
    return [name, countParameters(networkParameters(network))];
  });
  const theirs = await peerCounts(names);
  assert.deepEqual(ours, names.map((name, index) => [name, theirs[index]]));
});

const everything = Deno.env.get("SWATH_SLOW_TESTS") === "1";
for (const each of ZOO_CASES.filter(({ deep }) => everything || !deep)) {
  peerTest(`${each.name} equals PyTorch's`, PACKAGES, async () => {
    const errors = await compareWithPeer(each);
    const [ours, theirs] = errors.parameters;
    assert.equal(ours, theirs);
    const text = JSON.stringify(errors);
    assert.ok(errors.evaluation < 1e-4, text);
    assert.ok(errors.loss < 1e-4, text);
    assert.ok(errors.gradient < 5e-4 && errors.cosine > 0.9999, text);
    assert.ok(errors.statistics < 1e-4, text);
  });
}
