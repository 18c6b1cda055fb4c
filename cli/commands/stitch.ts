/** `swath stitch`. @module */
import {
  fileError,
  IGNORE_LABEL,
  mapArea,
  PROBABILITY_TYPES,
  qgisStyle,
  type StreamHeader,
  writeFileAtomic,
} from "../../mod.ts";
import { chosenClasses } from "../classes.ts";
import { defineCommand } from "../command.ts";
import { CommandError } from "../errors.ts";
import type { CommandIo } from "../io.ts";
import { flag, message, object, option, optional, withDefault } from "../optique.ts";
import { OutputNames } from "../output_names.ts";
import {
  classesOption,
  compressionOption,
  jsonOption,
  minConfidenceOption,
  outputOption,
  overwriteOption,
  paletteOption,
} from "../options.ts";
import { type MapFiles, SceneMap } from "../stitch/scene_map.ts";
import { formatSeams } from "../stitch/seam_table.ts";
import { readPatches } from "../stream.ts";
import { oneOf, path } from "../values.ts";

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
    "With --seam-report, it prints how much neighbouring patches disagree in the pixels that they " +
    "share, each taken by itself: the share of pixels whose class differs, and the mean change of " +
    "probability, which is the share of it that moves from one class to another; for a class, over the " +
    "pixels that either patch gives to it, and of its own probability. Large values call for a larger " +
    "overlap, or say that something is wrong with a patch.",
    "With --resume, finished rows are kept beside the map, in a file that ends with .partial, when the " +
    "run is broken off, even by a crash. The same pipe, begun with tile --resume-from, goes on below " +
    "them and ends with the same bytes; a map that is finished is left as it is. Rows of another scene, " +
    "grid or model, of other classes, files or --min-confidence, or of other options of the commands " +
    "before are refused, and damaged ones made again. So are those of a model with other weights, or of " +
    "a GeoTIFF with other pixels, under the old name; of files that are not compressed, that is not noticed.",
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
      note: "Keep the probabilities of all classes, and see how much the patches disagree",
      command: "swath tile scene.tif --overlap 64 | swath infer model/ | " +
        "swath stitch -o map.tif --probs probabilities.tif --seam-report",
    },
    {
      note: "Go on where a run was broken off; the first run is the same",
      command: "swath tile scene.tif --overlap 64 --resume-from map.tif | swath infer model/ | " +
        "swath stitch -o map.tif --resume",
    },
    {
      note: "In other colours, with a legend for QGIS",
      command: "swath tile scene.tif | swath infer model/ | swath upsample | " +
        "swath stitch -o map.tif --palette colors.json --qml",
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
    probs: optional(
      option("--probs", path("FILE"), {
        description:
          message`Also write the probabilities of all classes, a band each; from logits only`,
      }),
    ),
    probsType: optional(
      option("--probs-type", oneOf("TYPE", PROBABILITY_TYPES), {
        description: message`Type of --probs: uint8 (the default), in steps of 1/254, or float16`,
      }),
    ),
    minConfidence: minConfidenceOption(),
    seamReport: withDefault(
      flag("--seam-report", {
        description: message`Print how much overlapping patches disagree; from logits only`,
      }),
      false,
    ),
    json: jsonOption(),
    classes: classesOption(),
    palette: paletteOption(),
    qml: withDefault(
      flag("--qml", {
        description:
          message`Also write the style for QGIS beside the map, with the legend of its classes`,
      }),
      false,
    ),
    resume: withDefault(
      flag("--resume", {
        description:
          message`Keep finished rows if the run breaks off, and go on with those of an earlier one`,
      }),
      false,
    ),
    compression: compressionOption(),
    overwrite: overwriteOption(),
  }),
  async run({ output, confidence, probs, probsType, json, classes, palette, qml, ...rest }, io) {
    if (json && !rest.seamReport) throw new CommandError("--json goes with --seam-report");
    if (probsType !== undefined && probs === undefined) {
      throw new CommandError("--probs-type goes with --probs");
    }
    if (rest.resume && rest.overwrite) {
      throw new CommandError("--resume and --overwrite exclude one another");
    }
    if (rest.resume && rest.seamReport) {
      throw new CommandError(
        "--resume and --seam-report exclude one another",
        "A seam report needs all patches of a scene from one run",
      );
    }
    const how = { ...rest, probsType: probsType ?? "uint8" };
    const maps = new OutputNames(output);
    const filesOf = outputFiles(maps, output, confidence, probs);
    let current: { readonly map: SceneMap; readonly header: StreamHeader } | null = null;
    // The map being begun or written: its temporary file is there before `current` is.
    let opening: Promise<SceneMap | null> | null = null;
    io.onInterrupt(async () => {
      const map = await opening;
      map?.[Symbol.dispose]();
      reportKept(map, output, io);
    });
    const publish = async () => {
      if (current === null) return;
      await current.map.finish();
      io.info(describeMap(current.map, current.header));
      if (qml) {
        const style = qgisStyle(current.header.classes!);
        await writeFileAtomic(stylePath(current.map.path), style, {
          overwrite: rest.overwrite || rest.resume,
        });
      }
      const seams = current.map.seams();
      if (seams !== null) await io.write(formatSeams(seams, json ? "json" : "table"));
      current = null;
      opening = null;
    };
    try {
      for await (const item of readPatches(io, "Stitching")) {
        if (item.type === "header") {
          const header = {
            ...item.header,
            classes: await chosenClasses(item.header.classes, { classes, palette }),
          };
          const files = filesOf(header.scene?.name ?? "");
          if (qml) await checkStyle(files.output, header, rest.overwrite || rest.resume);
          opening = SceneMap.create(header, files, how);
          const map = await opening;
          if (map === null) io.info(`${files.output} is finished already`);
          current = map === null ? null : { map, header };
        } else if (item.type === "sample") {
          await current?.map.add(item.sample);
        } else if (maps.isPattern) {
          await publish();
        }
      }
      // A single map waits for the end of the stream, as what follows may be a second scene or damage.
      await publish();
    } finally {
      if (current !== null) {
        current.map[Symbol.dispose]();
        reportKept(current.map, output, io);
      }
    }
  },
});

/** The style of a map, which QGIS finds by its name. */
function stylePath(map: string): string {
  return `${map.replace(/\.[^./\\]*$/, "")}.qml`;
}

/** Refuse a style that could not be written, before the map is begun. */
async function checkStyle(map: string, header: StreamHeader, replace: boolean): Promise<void> {
  if (header.classes === null) {
    throw new CommandError(
      "Cannot write a style for QGIS as the stream names no classes",
      "Name them with --classes",
    );
  }
  const path = stylePath(map);
  if (replace || !await exists(path)) return;
  throw new CommandError(`Cannot write "${path}" as it exists`, "Use --overwrite to replace it");
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw fileError(error, "write", path);
  }
}

/** Say how to go on with a map that was broken off. */
function reportKept(map: SceneMap | null, output: string, io: CommandIo): void {
  const kept = map?.kept ?? null;
  if (kept === null || kept.rows === 0) return;
  io.info(
    `kept ${kept.rows} of ${kept.of} rows in ${kept.path}; ` +
      `to go on: swath tile SCENE --resume-from ${output} … | swath stitch --resume`,
  );
}

/** Names the files of each scene. */
function outputFiles(
  maps: OutputNames,
  output: string,
  confidence: string | undefined,
  probs: string | undefined,
): (scene: string) => MapFiles {
  const taken = new Map([[output, "the map"]]);
  const further = (file: string | undefined, option: string, what: string) => {
    if (file === undefined) return null;
    const other = taken.get(file);
    if (other !== undefined) {
      throw new CommandError(`Cannot write ${other} and ${what} into one file, "${file}"`);
    }
    taken.set(file, what);
    const names = new OutputNames(file);
    if (names.isPattern === maps.isPattern) return names;
    throw new CommandError(`Either both -o and ${option} have {scene} in them, or none`);
  };
  const confidences = further(confidence, "--confidence", "the confidence");
  const probabilities = further(probs, "--probs", "the probabilities");
  return (scene) => ({
    output: maps.next(scene),
    confidence: confidences?.next(scene) ?? null,
    probs: probabilities?.next(scene) ?? null,
  });
}

/** Size and classes, the largest first. */
function describeMap({ path, counts }: SceneMap, header: StreamHeader): string {
  const { classes } = header;
  const { width, height } = mapArea(header);
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
