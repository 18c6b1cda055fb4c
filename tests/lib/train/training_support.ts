/** Tiny trainings: data that can be learnt, and networks of some thousand parameters. */
import { createHash } from "node:crypto";
import {
  type NdArray,
  ndarray,
  parseTrainConfig,
  randomStream,
  type StreamItem,
  type TrainConfig,
  type TrainConfigInput,
} from "swath";
import { encode, makeSegment, type SegmentOptions } from "../stream/support.ts";

/** A SegFormer of about 6000 parameters. */
export const TINY_SETTINGS = {
  depths: [1, 1, 1, 1],
  hidden_sizes: [4, 8, 8, 8],
  num_attention_heads: [1, 1, 1, 1],
  decoder_hidden_size: 8,
};

/** Run in a temporary folder, which is removed. */
export async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "swath-train-" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Write a shard whose class is 1 where the first band is bright. */
export async function writeTrainingShard(
  path: string,
  { scene = "a", rows = 2, columns = 3, size = 32, ...rest }: SegmentOptions = {},
): Promise<string> {
  const random = randomStream(7, scene);
  const items = makeSegment({ scene, rows, columns, size, ...rest }).map(
    (item, place): StreamItem => {
      if (item.type !== "sample") return item;
      const image = item.sample.arrays.image as NdArray<"uint16">;
      const label = ndarray("uint8", [size, size]);
      const valid = ndarray("uint8", [size, size], new Uint8Array(size * size).fill(1));
      const first = place * image.data.length;
      for (let i = 0; i < image.data.length; i++) {
        const isBright = i < label.data.length && (i % size > size / 2) === (place % 2 === 0);
        image.data[i] = 1000 + (isBright ? 800 : 0) + random.integer(first + i, 100);
        if (i < label.data.length) label.data[i] = isBright ? 1 : 0;
      }
      return { ...item, sample: { ...item.sample, arrays: { image, label, valid } } };
    },
  );
  await Deno.writeFile(path, await encode(items));
  return path;
}

/** Training and validation shards in a folder, and a configuration for them. */
export async function tinyTraining(
  folder: string,
  changes: TrainConfigInput = {},
): Promise<TrainConfig> {
  return parseTrainConfig({
    settings: TINY_SETTINGS,
    train: [await writeTrainingShard(`${folder}/train.tar`, { scene: "a" })],
    val: [await writeTrainingShard(`${folder}/val.tar`, { scene: "b", rows: 1, columns: 2 })],
    batch_size: 2,
    epochs: 2,
    device: "cpu",
    threads: 1,
    ...changes,
  });
}

/** SHA-256 of the weights of a run's models. */
export async function weightsOf(run: string): Promise<Record<"best" | "last", string>> {
  const hash = async (name: string) =>
    createHash("sha256").update(await Deno.readFile(`${run}/${name}/model.safetensors`))
      .digest("hex");
  return { best: await hash("best"), last: await hash("last") };
}
