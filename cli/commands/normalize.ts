/** `swath normalize`. @module */
import {
  BandStatistics,
  createAtomicFile,
  fitStatistics,
  formatJson,
  normalizeStream,
  readTextFile,
  type StreamItem,
} from "../../mod.ts";
import { defineCommand } from "../command.ts";
import { CommandError } from "../errors.ts";
import type { CommandIo } from "../io.ts";
import { chooseNormalization, type NormalizationChoice, scaleBands } from "../normalize/choose.ts";
import { outputOption, overwriteOption, streamFormatOption } from "../options.ts";
import {
  argument,
  flag,
  message,
  multiple,
  object,
  option,
  optional,
  withDefault,
} from "../optique.ts";
import { offsetOption, scaleOption } from "../scale.ts";
import { optionalInput, readPatches, writePatches } from "../stream.ts";
import { numberList, path, percentiles } from "../values.ts";

export default defineCommand({
  name: "normalize",
  summary: "Normalize the images of a patch stream, or fit the statistics to do so",
  description: [
    "A filter: images become float32, (stored / SCALE + OFFSET - mean) / std, and 0 where there is no " +
    "data. Mean and std come from --stats, which is a file that --fit wrote or a model, or from " +
    "--mean and --std. One number stands for all bands.",
    "infer applies a model's own statistics to a raw stream by itself; normalize is for other " +
    "statistics, and for programs that read the stream.",
    "With --fit, no stream goes out but statistics of the one that comes in, as JSON: count, min, max, " +
    "mean, std, percentiles and a histogram of each band, over pixels with data. --fit --merge adds " +
    "up the statistics in FILE…, and the stream if there is one.",
    "Statistics are of physical values: scale and offset that the scene states are its own, such as the " +
    "offset of Sentinel-2 since baseline 04.00. Bands in another number or order than the statistics', " +
    "and a scale ten times off, are errors; values that are 100 times off are warned of.",
  ],
  examples: [
    {
      note: "Fit statistics to the training scenes, and apply them",
      command: "swath tile train-*.tif | swath normalize --fit -o stats.json\n" +
        "swath tile scene.tif | swath normalize --stats stats.json > scene.tar",
    },
    {
      note: "Stretch the middle 96 % of the values onto 0 to 1",
      command: "swath tile scene.tif | swath normalize --stats stats.json --percentile 2,98",
    },
    {
      note: "Reflectance of Sentinel-2, since baseline 04.00",
      command: "swath tile scene.tif | swath normalize --scale 10000 --offset -0.1",
    },
    {
      note: "ImageNet's statistics, for 8-bit RGB",
      command:
        "swath tile photo.png | swath normalize --scale 255 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225",
    },
    {
      note: "Add up the statistics of several machines",
      command: "swath normalize --fit --merge part-*.json -o stats.json",
    },
  ],
  parser: object({
    files: multiple(
      argument(path("FILE"), { description: message`Statistics to add up, with --merge` }),
    ),
    stats: optional(
      option("--stats", path("FILE|MODEL"), {
        description: message`Statistics that --fit wrote, or a model that carries its own`,
      }),
    ),
    percentile: optional(
      option("--percentile", percentiles(), {
        description: message`Map these percentiles of --stats to 0 and 1, and limit what is beyond`,
      }),
    ),
    mean: optional(
      option("--mean", numberList("NUMBERS"), {
        description: message`What is subtracted from each band, after scaling`,
      }),
    ),
    std: optional(
      option("--std", numberList("NUMBERS"), {
        description: message`What each band is divided by after that`,
      }),
    ),
    scale: scaleOption(),
    offset: offsetOption(),
    fit: withDefault(
      flag("--fit", {
        description: message`Write statistics of the stream instead of normalizing`,
      }),
      false,
    ),
    merge: withDefault(
      flag("--merge", { description: message`Add up the statistics in the files, with --fit` }),
      false,
    ),
    output: optional(outputOption("Where --fit writes; standard output by default")),
    overwrite: overwriteOption(),
    format: streamFormatOption(),
  }),
  async run(options, io) {
    const { files, fit, merge, output = null, overwrite, format } = options;
    if (!merge && files.length > 0) {
      throw new CommandError(
        `Unexpected argument "${files[0]}"`,
        "The stream comes from standard input: swath tile SCENE | swath normalize …",
      );
    }
    if (!fit && (merge || output !== null)) {
      throw new CommandError(`${merge ? "--merge" : "--output"} goes with --fit`);
    }
    if (fit) {
      refuseTogether("--fit", options, ["stats", "percentile", "mean", "std"]);
      await writeStatistics(
        () => gatherStatistics(files, merge, options, io),
        output,
        overwrite,
        io,
      );
      return;
    }
    if (options.stats !== undefined) refuseTogether("--stats", options, ["mean", "std"]);
    const { choose, watchesRange } = await chooseNormalization(options, io);
    const normalized = normalizeStream(
      scaleBands(readPatches(io, "Normalizing"), options),
      choose,
      {
        history: io.commandLine,
        watchesRange,
        onWarning: io.warn,
      },
    );
    await writePatches(io, normalized, format);
  },
});

function refuseTogether(
  name: string,
  options: NormalizationChoice,
  others: readonly (keyof NormalizationChoice)[],
): void {
  const other = others.find((key) => options[key] !== undefined);
  if (other !== undefined) throw new CommandError(`${name} and --${other} exclude one another`);
}

/** Statistics of the files, and of the stream: which may be missing where there are files. */
async function gatherStatistics(
  files: readonly string[],
  merge: boolean,
  choice: NormalizationChoice,
  io: CommandIo,
): Promise<BandStatistics> {
  const fitStream = (items: AsyncIterable<StreamItem>) => fitStatistics(scaleBands(items, choice));
  const input = merge ? await optionalInput(io) : io.stdin();
  const parts = input === null ? [] : [await fitStream(readPatches(io, "Fitting", input))];
  for (const file of files) {
    const text = await readTextFile(file);
    parts.push(BandStatistics.parse(text, file));
  }
  const [total, ...rest] = parts;
  if (total === undefined) throw new CommandError("Missing statistics to add up");
  for (const part of rest) total.merge(part);
  return total;
}

/** The file is begun before the stream is read, so that it is not read in vain. */
async function writeStatistics(
  gather: () => Promise<BandStatistics>,
  output: string | null,
  overwrite: boolean,
  io: CommandIo,
): Promise<void> {
  if (output === null) {
    await io.write(report(await gather(), io));
    return;
  }
  using file = await createAtomicFile(output, { overwrite });
  io.onInterrupt(() => file.abort());
  await file.write(new TextEncoder().encode(report(await gather(), io)));
  await file.commit();
}

function report(statistics: BandStatistics, io: CommandIo): string {
  const summaries = statistics.summaries();
  if (summaries.every(({ count }) => count === 0)) {
    throw new CommandError("Cannot fit statistics as there are no valid pixels");
  }
  for (const { name, count, nonFinite, std } of summaries) {
    if (count === 0) io.warn(`band ${name} has no valid pixels`);
    else if (std === 0) io.warn(`band ${name} is constant`);
    if (nonFinite > 0) {
      io.warn(`band ${name}: NaN and infinite values left out: ${nonFinite}`);
    }
  }
  return `${formatJson(statistics)}\n`;
}
