/** `swath infer`. @module */
import { createPredictor, inferStream, parseAugmentations } from "../../mod.ts";
import { defineCommand } from "../command.ts";
import { CommandError } from "../errors.ts";
import { openModelArgument, renameClasses } from "../model.ts";
import {
  batchOption,
  classesOption,
  deviceOption,
  modelArgument,
  streamFormatOption,
  threadsOption,
} from "../options.ts";
import { flag, message, object, option, optional, string, withDefault } from "../optique.ts";
import { readPatches, writePatches } from "../stream.ts";
import { nameList, path } from "../values.ts";

/** Arrays that may be kept besides the logits; the valid mask always is. */
const KEEPABLE = ["image", "label"];

export default defineCommand({
  name: "infer",
  summary: "Run a network over the patches of a stream",
  description: [
    "Adds logits to each patch: scores (K, H/stride, W/stride) of the K classes at the network's output " +
    "stride, which is 4 for SegFormer and stands in the stream's header. Labels and valid masks pass " +
    "through; the image is dropped unless it is kept.",
    "A raw stream is normalized inside the network's graph with the statistics that the model carries, so " +
    "that normalize is not needed; a normalized one is taken as it is. Bands must be the model's; " +
    "scale and offset are those that the scene states, unless they are ten times off. Pixels without data are given the mean of each band.",
    "Patches may have any size: they are padded inside to a multiple of what the network wants, and what " +
    "the padding becomes is cut off.",
  ],
  examples: [
    {
      note: "Map a scene",
      command:
        "swath tile scene.tif | swath infer model/ | swath upsample | swath stitch -o map.tif",
    },
    {
      note: "Blend overlapping patches",
      command: "swath tile scene.tif --overlap 64 | swath infer model/ | swath stitch -o map.tif",
    },
    {
      note: "Average over mirrored and turned patches",
      command: "swath tile scene.tif | swath infer model/ --tta flips,rot90 | " +
        "swath stitch -o map.tif",
    },
    {
      note: "Score it",
      command:
        "swath tile scene.tif --labels truth.tif | swath infer model/ | swath upsample | swath iou",
    },
  ],
  parser: object({
    model: modelArgument(),
    batch: batchOption(),
    probs: withDefault(
      flag("--probs", { description: message`Softmax probabilities instead of logits` }),
      false,
    ),
    tta: optional(
      option("--tta", string({ metavar: "HOW" }), {
        description:
          message`Average probabilities over positions and sizes, such as flips,rot90,scales=0.75:1:1.25; implies --probs`,
      }),
    ),
    keep: withDefault(
      option("--keep", nameList("ARRAYS"), {
        description: message`Arrays to pass on: image, label`,
      }),
      ["label"] as readonly string[],
    ),
    classes: classesOption(),
    device: deviceOption(),
    threads: threadsOption(),
    profile: optional(
      option("--profile", path("PREFIX"), {
        description: message`Write ONNX Runtime's profile (Chrome trace) to files that begin so`,
      }),
    ),
    format: streamFormatOption(),
  }),
  async run({ model: source, batch, probs: wantsProbs, tta, keep, classes, format, ...where }, io) {
    const unknown = keep.find((name) => !KEEPABLE.includes(name));
    if (unknown !== undefined) {
      throw new CommandError(
        `Cannot keep "${unknown}": expected ${KEEPABLE.join(" or ")}`,
        "The valid mask is always passed on",
      );
    }
    const augmentations = tta === undefined ? undefined : parseAugmentations(tta);
    const probs = wantsProbs || augmentations !== undefined;
    using model = await openModelArgument(io, source);
    const predictor = createPredictor(model, {
      probabilities: probs,
      concurrent: true,
      ...(augmentations !== undefined && { augmentations }),
      device: where.device,
      ...(where.threads !== undefined && { threads: where.threads }),
      ...(where.profile !== undefined && { profile: where.profile }),
    });
    model.close();
    try {
      const items = inferStream(readPatches(io, "Mapping"), predictor, {
        batch,
        keepImage: keep.includes("image"),
        probabilities: probs,
        classes: await renameClasses(predictor.classes, classes),
        history: [io.commandLine],
        warn: io.warn,
      });
      await writePatches(io, items, format);
      const { device, work: { patches, seconds } } = predictor;
      io.debug(
        device === null
          ? "computed nothing, as there were no patches"
          : `computed ${patches} patches on ${device} in ${seconds.toFixed(2)} s`,
      );
    } finally {
      await predictor.release();
    }
  },
});
