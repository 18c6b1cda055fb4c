/** `swath synth`. @module */
import {
  STREAM_VERSION,
  type StreamItem,
  type SyntheticScene,
  synthLandcover,
  synthRoads,
} from "../../mod.ts";
import { defineCommand } from "../command.ts";
import { CommandError } from "../errors.ts";
import type { CommandIo, Progress } from "../io.ts";
import {
  bandsOption,
  compressionOption,
  overwriteOption,
  seedOption,
  streamFormatOption,
} from "../options.ts";
import { argument, flag, message, object, option, optional, withDefault } from "../optique.ts";
import { OutputNames } from "../output_names.ts";
import { writePatches } from "../stream.ts";
import {
  BAND_PLACEHOLDER,
  bandsOf,
  checkSampleSize,
  sampleOf,
  type SceneFiles,
  SceneWriter,
} from "../synth/write_scene.ts";
import { oneOf, path, type Size, size, wholeNumber } from "../values.ts";

/** What can be made: the scenes, without their pixels, which are computed when they are written. */
const KINDS = {
  landcover: ({ width, height } = { width: 1024, height: 1024 }, seed, count) =>
    Array.from({ length: count }, (_, i) => synthLandcover({ width, height, seed: seed + i })),
  roads: ({ width, height } = { width: 128, height: 128 }, seed, count) =>
    synthRoads({ width, height, seed, count }),
} as const satisfies Record<
  string,
  (size: Size | undefined, seed: number, count: number) => SyntheticScene[]
>;

/** Of a scene's columns and rows. */
const MAX_EXTENT = 2 ** 20;

export default defineCommand({
  name: "synth",
  summary: "Make labelled scenes by rule",
  description: [
    "landcover is a scene as Sentinel-2 sees it: its 13 bands and the elevation, ten classes (fields, " +
    "forests, a river, roads, buildings), haze, noise and a corner without data, with CRS and " +
    "transform. Several have the seeds that follow --seed.",
    "roads are street pictures from a drone, red, green and blue: background, road, vehicle and " +
    "pedestrian.",
    "With -o, scenes are GeoTIFFs, in memory that does not depend on their size, and --labels writes " +
    "the class of each pixel. Otherwise a patch stream goes to standard output, each scene one sample " +
    "with image, label and valid. {scene} in the name of a file stands for the scene's name, such as " +
    "roads-1-0 (seed, index).",
    "{band} stands for the name of each band, which then has a file of its own; with --native, of " +
    "Sentinel-2's resolution: means over 2x2 or 6x6 pixels. tile takes them together as one scene.",
    "The same seed gives the same bytes.",
  ],
  examples: [
    {
      note: "A scene to map, and the truth",
      command: "swath synth landcover --size 1024 --seed 1 -o scene.tif --labels labels.tif",
    },
    {
      note: "Bands in files of their own at 10, 20 and 60 m",
      command: "mkdir granule && swath synth landcover --size 240 -o 'granule/{band}.tif' --native",
    },
    {
      note: "Training data",
      command: "swath synth roads --count 200 --seed 1 > roads.tar",
    },
    {
      note: "The same as files",
      command: "mkdir roads && swath synth roads --count 200 --seed 1 " +
        "-o 'roads/{scene}.tif' --labels 'roads/{scene}-labels.tif'",
    },
  ],
  parser: object({
    kind: argument(oneOf("KIND", Object.keys(KINDS) as (keyof typeof KINDS)[]), {
      description: message`What to make: landcover or roads`,
      errors: { endOfInput: message`Missing KIND` },
    }),
    size: optional(
      option("--size", size(), {
        description:
          message`Columns and rows, such as 512 or 640x512; by default 1024 for landcover, 128 for roads`,
      }),
    ),
    seed: seedOption(),
    count: withDefault(
      option("--count", wholeNumber("COUNT", { min: 1, max: 100_000 }), {
        description: message`How many scenes to make`,
      }),
      1,
    ),
    bands: bandsOption(),
    output: optional(
      option("-o", "--output", path("FILE"), {
        description:
          message`GeoTIFF to write; {scene} stands for the name of each scene, {band} for that of each band`,
      }),
    ),
    native: withDefault(
      flag("--native", {
        description: message`Bands in files of their own at Sentinel-2's 10, 20 and 60 m`,
      }),
      false,
    ),
    labels: optional(
      option("--labels", path("FILE"), {
        description: message`GeoTIFF of class numbers to write beside it`,
      }),
    ),
    compression: compressionOption(),
    overwrite: overwriteOption(),
    format: streamFormatOption(),
  }),
  async run({ kind, size, seed, count, bands, output, labels, format, ...how }, io) {
    for (const extent of [size?.width ?? 1, size?.height ?? 1]) {
      if (extent <= MAX_EXTENT) continue;
      throw new CommandError(
        `Cannot make ${extent} pixels in a row or column: at most ${MAX_EXTENT}`,
      );
    }
    const scenes = KINDS[kind](size, seed, count);
    const numbers = bandsOf(scenes[0]!, bands);
    if (how.native && output?.includes(BAND_PLACEHOLDER) !== true) {
      throw new CommandError(
        `--native goes with -o and ${BAND_PLACEHOLDER} in the name of the file`,
      );
    }
    if (output === undefined) {
      if (labels !== undefined) {
        throw new CommandError("--labels goes with -o: a patch stream holds its labels itself");
      }
      checkSampleSize(scenes[0]!, numbers);
      return await writePatches(io, streamOf(scenes, numbers, io), format);
    }
    const images = new OutputNames(output);
    const labelNames = labels === undefined ? null : new OutputNames(labels);
    const files = scenes.map(({ name }): SceneFiles => ({
      image: images.next(name),
      labels: labelNames?.next(name) ?? null,
      ...how,
    }));
    await writeScenes(scenes, numbers, files, io);
  },
});

async function writeScenes(
  scenes: readonly SyntheticScene[],
  bands: readonly number[],
  files: readonly SceneFiles[],
  io: CommandIo,
): Promise<void> {
  let current: SceneWriter | null = null;
  io.onInterrupt(() => current?.[Symbol.dispose]());
  const progress = io.progress("Making", "rows", scenes.length * scenes[0]!.height);
  let rows = 0;
  try {
    for (const [index, scene] of scenes.entries()) {
      using writer = await SceneWriter.create(scene, bands, files[index]!);
      current = writer;
      await writer.write((count) => progress.update(rows += count));
    }
  } finally {
    progress.finish();
  }
}

/** Scenes as independent images. */
async function* streamOf(
  scenes: readonly SyntheticScene[],
  bands: readonly number[],
  io: CommandIo,
): AsyncGenerator<StreamItem, void, undefined> {
  const { dtype, classes, ...first } = scenes[0]!;
  yield {
    type: "header",
    header: {
      swath: STREAM_VERSION,
      scene: null,
      grid: null,
      samples: scenes.length,
      bands: bands.map((band) => first.bands[band]!),
      dtype,
      normalization: null,
      classes,
      output: null,
      history: [io.commandLine],
    },
  };
  const progress: Progress = io.progress("Making", "scenes", scenes.length);
  try {
    for (const [index, scene] of scenes.entries()) {
      yield { type: "sample", sample: sampleOf(scene, bands) };
      progress.update(index + 1);
    }
  } finally {
    progress.finish();
  }
  yield { type: "end", end: { samples: scenes.length, skipped: 0 } };
}
