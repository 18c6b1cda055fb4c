/** Weights of torchvision and transformers in networks of the zoo: every tensor finds its place. */
import assert from "node:assert/strict";
import {
  loadParameters,
  matchParameters,
  type Network,
  type NetworkConfig,
  networkFromConfig,
  networkParameters,
  openModel,
  openTorchFile,
  variantConfig,
} from "swath";
import { withDirectory } from "../lib/weights/helpers.ts";
import { peerTest, runPythonJson } from "./python.ts";

const PACKAGES = ["torch", "torchvision", "transformers", "safetensors"];

type Shapes = Readonly<Record<string, readonly number[]>>;

/** Names of a file's tensors that no parameter takes, and of encoder parameters that the file lacks. */
function leftOver(network: Network, shapes: Shapes) {
  const tensors = new Map(
    Object.entries(shapes).map(([name, shape]) => {
      const known = network.checkpointTensor?.({ name, shape });
      return [known?.name ?? name, { shape: known?.shape ?? shape }];
    }),
  );
  const { missing, unexpected } = matchParameters(networkParameters(network), tensors, "peer", {
    basePrefix: network.encoderPrefix,
  });
  const encoder = missing.map(({ name }) => name)
    .filter((name) => name.startsWith(network.encoderPrefix));
  return { unexpected: unexpected.toSorted(), encoder, missing: missing.length };
}

const CLASSIFIER = ["fc.bias", "fc.weight"];
/** Networks by the model whose weights they take, and what is left over of the latter. */
const CASES: readonly (readonly [peer: string, name: string, unexpected: readonly string[]])[] = [
  ["vgg16", "fcn-8s", ["classifier.6.bias", "classifier.6.weight"]],
  ["vgg16", "fcn-32s", ["classifier.6.bias", "classifier.6.weight"]],
  ["vgg16_bn", "fcn-8s-bn", ["classifier.6.bias", "classifier.6.weight"]],
  ...["resnet18", "resnet34", "resnet50", "resnet101"].flatMap((resnet) => [
    [resnet, `deeplabv3plus-${resnet}`, CLASSIFIER] as const,
    [resnet, `segformer_resnet-${resnet}`, CLASSIFIER] as const,
  ]),
  ["deeplabv3_resnet50", "deeplabv3-resnet50", []],
  ["deeplabv3_resnet101", "deeplabv3-resnet101", []],
];

peerTest(
  "pretrained weights find their places, and bands are adapted",
  PACKAGES,
  () =>
    withDirectory(async (directory) => {
      const peers = await runPythonJson<Record<string, Shapes>>("pretrained.py", [directory]);
      for (const [peer, name, unexpected] of CASES) {
        const network = networkFromConfig(variantConfig(name, { bands: 3, classes: 21 }));
        const left = leftOver(network, peers[peer]!);
        assert.deepEqual({ unexpected: left.unexpected, encoder: left.encoder }, {
          unexpected: [...unexpected],
          encoder: [],
        }, `${peer} in ${name}`);
        if (unexpected.length === 0) assert.equal(left.missing, 0, `${peer} in ${name}`);
      }

      // A file without a configuration, for other bands.
      const bands = ["B02", "B03", "B04", "B08"];
      const network = networkFromConfig(
        variantConfig("deeplabv3plus-resnet18", { bands: bands.length, classes: 5 }),
      );
      using model = await openModel(`${directory}/resnet18.pth`, { configOptional: true });
      const { values, uninitialised, report } = loadParameters(model, network, { bands });
      assert.ok(uninitialised.every(({ name }) => !name.startsWith("encoder.")));
      assert.ok(report.some((line) => /B04/.test(line)), report.join("\n"));
      using file = await openTorchFile(`${directory}/resnet18.pth`);
      const own = file.read("conv1.weight");
      const adapted = values.get("encoder.conv1.weight")!;
      assert.deepEqual(adapted.shape, [64, 4, 7, 7]);
      // Blue comes first in Sentinel-2's order, and last in that of pictures.
      for (let tap = 0; tap < 49; tap++) {
        assert.equal(adapted.data[tap], Math.fround(Number(own.data[2 * 49 + tap]) * 3 / 4));
      }

      // transformers' ViT: its configuration gives the sizes.
      using vit = await openModel(`${directory}/vit`);
      const config: NetworkConfig = {
        ...variantConfig("setr-mla-tiny", { bands: 3, classes: 5 }),
        ...Object.fromEntries(
          [
            "hidden_size",
            "num_hidden_layers",
            "num_attention_heads",
            "intermediate_size",
            "image_size",
          ]
            .map((key) => [key, vit.config[key]]),
        ),
      };
      const setr = networkFromConfig(config);
      const loaded = loadParameters(vit, setr);
      assert.ok(loaded.uninitialised.every(({ name }) => !name.startsWith("vit.")));
      assert.deepEqual(leftOver(setr, peers.vit!).unexpected, [
        "classifier.bias",
        "classifier.weight",
      ]);
    }),
);
