/** Models that swath trains, opened by transformers. */
import assert from "node:assert/strict";
import {
  createPredictor,
  type NdArray,
  ndarray,
  openModel,
  openSafetensors,
  randomStream,
  train,
  writeSafetensors,
} from "swath";
import { tinyTraining, withFolder } from "../lib/train/training_support.ts";
import { peerTest, runPythonJson } from "./python.ts";

peerTest(
  "transformers opens best/ and last/ of a run, with the same logits",
  ["torch", "transformers", "safetensors"],
  () =>
    withFolder(async (folder) => {
      const config = await tinyTraining(folder, { epochs: 6, learning_rate: 0.01, ema: 0.5 });
      await train(config, { out: `${folder}/run` });
      const image = ndarray("float32", [1, 2, 64, 96]);
      const random = randomStream(3, "image");
      for (let i = 0; i < image.data.length; i++) image.data[i] = random.normal(i);
      await writeSafetensors(`${folder}/input.safetensors`, new Map([["image", image]]));
      for (const name of ["best", "last"]) {
        const output = `${folder}/${name}.safetensors`;
        const told = await runPythonJson("trained_model.py", [
          `${folder}/run/${name}`,
          `${folder}/input.safetensors`,
          output,
        ]);
        assert.deepEqual(told, { classes: ["water", "forest"], complaints: {} });
        using peer = await openSafetensors(output);
        using model = await openModel(`${folder}/run/${name}`);
        const predictor = createPredictor(model, { device: "cpu", threads: 1 });
        const [logits] = await predictor.predict(
          [{ image: ndarray("float32", [2, 64, 96], image.data) }],
          null,
        );
        await predictor.release();
        const expected = peer.read("logits") as NdArray<"float32">;
        assert.deepEqual([1, ...logits!.shape], expected.shape);
        const difference = logits!.data.reduce(
          (largest, value, i) => Math.max(largest, Math.abs(value - expected.data[i]!)),
          0,
        );
        assert.ok(difference < 1e-4, `${name}: logits differ by ${difference}`);
      }
    }),
);
