/** `swath upsample`. @module */
import { upsampleStream } from "../../mod.ts";
import { defineCommand } from "../command.ts";
import { minConfidenceOption, streamFormatOption } from "../options.ts";
import { flag, message, object, option, optional, withDefault } from "../optique.ts";
import { readPatches, writePatches } from "../stream.ts";
import { oneOf } from "../values.ts";

export default defineCommand({
  name: "upsample",
  summary: "Turn logits into class maps of the patches' size",
  description: [
    "Interpolates the logits of each patch bilinearly to its size, as PyTorch does with " +
    "align_corners=False, and takes the class of the largest one: pred, class numbers from 0. Of " +
    "equal ones the first class wins.",
  ],
  examples: [
    {
      note: "Map a scene",
      command:
        "swath tile scene.tif | swath infer model/ | swath upsample | swath stitch -o map.tif",
    },
    {
      note: "With the confidence of each pixel",
      command: "swath tile scene.tif | swath infer model/ | swath upsample --confidence | " +
        "swath stitch -o map.tif --confidence confidence.tif",
    },
  ],
  parser: object({
    confidence: withDefault(
      flag("--confidence", {
        description: message`Add the softmax probability of each pixel's class, float32`,
      }),
      false,
    ),
    minConfidence: minConfidenceOption(),
    keep: optional(
      option("--keep", oneOf("ARRAYS", ["logits"]), {
        description: message`Pass the logits on as well`,
      }),
    ),
    format: streamFormatOption(),
  }),
  async run({ confidence, minConfidence, keep, format }, io) {
    const items = upsampleStream(readPatches(io, "Upsampling"), {
      confidence,
      minConfidence,
      keepLogits: keep === "logits",
      history: [io.commandLine],
    });
    await writePatches(io, items, format);
  },
});
