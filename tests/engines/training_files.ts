/** What a small training takes, as files. */
import { join } from "node:path";
import assert from "node:assert/strict";
import { openSafetensors, parseMetricsLog, readAllTensors } from "swath";
import { runShell } from "../support/shell.ts";

/** Files of a training, made once. */
export interface TrainingFiles extends AsyncDisposable {
  /** Their folder. */
  readonly folder: string;
  /** Path of a file in it. */
  file(name: string): string;
}

/** 16 samples to train on, 4 to validate, and a configuration whose results many processes can share. */
export async function trainingFiles(): Promise<TrainingFiles> {
  const folder = await Deno.makeTempDir({ prefix: "swath-engines-" });
  const { code, stderr } = await runShell(
    `swath synth landcover --size 256 --seed 5 -o scene.tif --labels truth.tif -q
swath synth landcover --size 128 --seed 6 -o other.tif --labels other-truth.tif -q
swath tile scene.tif --labels truth.tif --size 64 > train.tar
swath tile other.tif --labels other-truth.tif --size 64 > val.tar
cat > train.yaml <<'YAML'
settings:
  depths: [1, 1, 1, 1]
  hidden_sizes: [8, 16, 24, 32]
  num_attention_heads: [1, 1, 1, 1]
  decoder_hidden_size: 16
train: ${folder}/train.tar
val: ${folder}/val.tar
batch_size: 4
epochs: 13
max_steps: 50
device: cpu
threads: 1
# Biases before a batch normalization have no gradient but rounding errors.
optimizer: {name: adamw, eps: 1.0e-4}
sync_batch_norm: true
YAML
`,
    folder,
  );
  assert.equal(code, 0, stderr);
  return {
    folder,
    file: (name) => join(folder, name),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** Losses of the steps of a run. */
export async function lossesOf(run: string): Promise<number[]> {
  const path = join(run, "metrics.ndjson");
  return parseMetricsLog(await Deno.readTextFile(path), path)
    .flatMap((record) => "loss" in record ? [record["loss"] as number] : []);
}

/** Largest difference of two runs' losses and of their weights. */
export async function differences(a: string, b: string) {
  const [lossesA, lossesB] = [await lossesOf(a), await lossesOf(b)];
  assert.equal(lossesA.length, lossesB.length);
  const losses = Math.max(...lossesA.map((loss, step) => Math.abs(loss - lossesB[step]!)));
  using weightsA = await openSafetensors(join(a, "last/model.safetensors"));
  using weightsB = await openSafetensors(join(b, "last/model.safetensors"));
  const others = readAllTensors(weightsB);
  let weights = 0;
  for (const [name, { dtype, data }] of readAllTensors(weightsA)) {
    if (dtype !== "float32") continue;
    const other = others.get(name)!.data;
    for (let i = 0; i < data.length; i++) {
      weights = Math.max(weights, Math.abs(Number(data[i]) - Number(other[i])));
    }
  }
  return { losses, weights };
}
