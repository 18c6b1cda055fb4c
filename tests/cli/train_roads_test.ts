/**
 * Streets from a drone, learnt from pictures that `synth` makes: a short form of the example in docs/training.md,
 * by the command line alone.
 */
import assert from "node:assert/strict";
import { parseMetricsLog } from "swath";
import { withFolder } from "../lib/train/training_support.ts";
import { runShell } from "../support/shell.ts";

const SCRIPT = `set -e
swath synth roads --size 64 --count 40 --seed 1 > roads.tar
swath split roads.tar --val 0.2 --block 64 --out shards
cat > roads.yaml <<YAML
settings: {depths: [1, 1, 1, 1], strides: [2, 2, 2, 2], hidden_sizes: [8, 16, 24, 32],
  num_attention_heads: [1, 2, 3, 4], decoder_hidden_size: 32}
train: shards/train.tar
val: shards/val.tar
batch_size: 4
epochs: 10
learning_rate: 5.0e-3
schedule: one_cycle
loss: {ce: 1, dice: 1}
device: cpu
threads: 1
YAML
swath train --config roads.yaml --out run --quiet
`;

Deno.test("train: roads are told from their surroundings after a few epochs", async () => {
  await withFolder(async (folder) => {
    const { code, stderr } = await runShell(SCRIPT, folder);
    assert.equal(code, 0, stderr);
    const path = `${folder}/run/metrics.ndjson`;
    const epochs = parseMetricsLog(await Deno.readTextFile(path), path)
      .filter((record) => "val_miou" in record);
    assert.equal(epochs.length, 10);
    const [first, last] = [epochs[0]!, epochs.at(-1)!];
    assert.ok(Number(last["val_loss"]) < Number(first["val_loss"]), JSON.stringify([first, last]));
    assert.ok(Number(last["val_iou/road"]) > 0.85, JSON.stringify(last));
    assert.ok(Number(last["val_iou/background"]) > 0.9, JSON.stringify(last));
  });
});
