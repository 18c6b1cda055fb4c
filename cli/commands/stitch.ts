/** `swath stitch`. @module */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { IGNORE_LABEL, type StreamHeader } from "../../mod.ts";
import { defineCommand } from "../command.ts";
import { CommandError } from "../errors.ts";
import { OutputNames } from "../output_names.ts";
import { compressionOption, outputOption, overwriteOption } from "../options.ts";
import { SceneMap } from "../stitch/scene_map.ts";
import { readPatches } from "../stream.ts";
import { path } from "../values.ts";

/** Classes that the report names. */
const REPORTED_CLASSES = 6;

export default defineCommand({
  name: "stitch",
  summary: "Put the patches of a stream together into a map",
  description: [
    "Writes a Cloud-Optimized GeoTIFF of class numbers with the scene's CRS and transform, class names " +
    "and colours, overviews, and 255 where there is no data. It appears when the stream has come to its " +
    "end; if the stream breaks off, there is no map.",
    "Class maps (after upsample) are cropped to the middle of each patch and put side by side. Where " +
    "samples hold logits (after infer), overlapping patches are blended, upsampled once and then " +
    "decided, so that no seam shows.",
    "A stream of several scenes makes one map each: put {scene} into the names of the files.",
  ],
  examples: [
    {
      note: "Map a scene",
      command:
        "swath tile scene.tif | swath infer model/ | swath upsample | swath stitch -o map.tif",
    },
    {
      note: "Blend overlapping patches, and keep the confidence",
      command: "swath tile scene.tif --overlap 64 | swath infer model/ | " +
        "swath stitch -o map.tif --confidence confidence.tif",
    },
    {
      note: "Map several scenes",
      command:
        "swath tile 2023.tif 2024.tif | swath infer model/ | swath stitch -o '{scene}-map.tif'",
    },
  ],
  parser: object({
    output: outputOption("Map to write; {scene} stands for the name of each scene"),
    confidence: optional(
      option("--confidence", path("FILE"), {
        description:
          message`Also write the probability of the winning class, as float32; upsample must pass it on`,
      }),
    ),
    compression: compressionOption(),
    overwrite: overwriteOption(),
  }),
  async run({ output, confidence, ...how }, io) {
    const maps = new OutputNames(output);
    const confidences = confidence === undefined ? null : new OutputNames(confidence);
    if (confidences !== null && confidences.isPattern !== maps.isPattern) {
      throw new CommandError("Either both -o and --confidence have {scene} in them, or none");
    }
    if (output === confidence) {
      throw new CommandError(`Cannot write the map and the confidence into one file, "${output}"`);
    }
    let current: { readonly map: SceneMap; readonly header: StreamHeader } | null = null;
    io.onInterrupt(() => current?.map[Symbol.dispose]());
    const publish = async () => {
      if (current === null) return;
      await current.map.finish();
      io.info(describeMap(current.map, current.header));
      current = null;
    };
    try {
      for await (const item of readPatches(io, "Stitching")) {
        if (item.type === "header") {
          const { header } = item;
          const scene = header.scene?.name ?? "";
          const files = {
            output: maps.next(scene),
            confidence: confidences?.next(scene) ?? null,
          };
          current = { map: await SceneMap.create(header, { ...files, ...how }), header };
        } else if (item.type === "sample") {
          await current!.map.add(item.sample);
        } else if (maps.isPattern) {
          await publish();
        }
      }
      // A single map waits for the end of the stream, as what follows may be a second scene or damage.
      await publish();
    } finally {
      current?.map[Symbol.dispose]();
    }
  },
});

/** Size and classes, the largest first. */
function describeMap({ path, counts }: SceneMap, { scene, classes }: StreamHeader): string {
  const { width, height } = scene!;
  const share = (count: number) => `${(100 * count / (width * height)).toFixed(1)} %`;
  const present = Array.from(counts.subarray(0, IGNORE_LABEL), (count, value) => ({ count, value }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
  const parts = present.slice(0, REPORTED_CLASSES)
    .map(({ count, value }) => `${classes?.[value]?.name ?? `class ${value}`} ${share(count)}`);
  if (present.length > REPORTED_CLASSES) {
    parts.push(`${present.length - REPORTED_CLASSES} more classes`);
  }
  const missing = counts[IGNORE_LABEL]!;
  if (missing > 0) parts.push(`no data ${share(missing)}`);
  return `wrote ${path}, ${width}x${height} pixels: ${parts.join(", ")}`;
}
