/** `swath iou`. @module */
import {
  ABSENT_POLICIES,
  bootstrapScores,
  computeScores,
  type EvaluateOptions,
  evaluateRasters,
  evaluateStream,
  type Evaluation,
  findClass,
  mergeEvaluations,
  MOST_TOLERANCE,
  openRaster,
  parseScores,
  positiveRate,
  readTextFile,
  reliabilityChart,
  scoresDocument,
} from "../../mod.ts";
import { requirePictureName, writeChart } from "../chart.ts";
import { namedClasses } from "../classes.ts";
import { defineCommand } from "../command.ts";
import { CommandError, EXIT } from "../errors.ts";
import type { CommandIo } from "../io.ts";
import {
  formatScore,
  formatScores,
  formatShare,
  type NamedPositiveRate,
} from "../iou/score_report.ts";
import {
  classesOption,
  formatOption,
  ignoreIndexOption,
  overwriteOption,
  seedOption,
} from "../options.ts";
import {
  argument,
  choice,
  flag,
  message,
  multiple,
  object,
  option,
  optional,
  string,
  withDefault,
} from "../optique.ts";
import { optionalInput, readPatches } from "../stream.ts";
import { TABLE_FORMATS } from "../table.ts";
import { decimalNumber, path, wholeNumber } from "../values.ts";

export default defineCommand({
  name: "iou",
  summary: "Score a map against the truth",
  description: [
    "Compares label and pred of the patch stream at standard input, or two rasters of one band that " +
    "lie on one another: first the map, then the truth. Pixels without data, and those whose label " +
    "is the ignore label, are left out. Where patches overlap, each pixel counts once.",
    "Prints IoU, Dice (F1), precision and recall of each class, and over all: mean IoU, mean Dice, " +
    "pixel accuracy, mean accuracy, frequency-weighted IoU, Cohen's kappa, Matthews' correlation and " +
    "the ADE20K score (mean of pixel accuracy and mean IoU). They are computed from exact counts over " +
    "all pixels together, never as means over patches. n/a stands for 0/0.",
    "With --boundary, also how well the boundaries lie: boundary IoU (Cheng et al., 2021; pixels of a class " +
    "at most so many pixels from another class) and boundary F1 (Csurka et al., 2013; share of contour " +
    "pixels that have one of the same class within so many pixels in the other map). No boundary runs " +
    "along pixels that are not scored, nor along the edge of the scene. A stream is scored as its map " +
    "is, across the borders of patches; samples must come in the scene's order. Parts of a scene " +
    "(tile --shard) do not see what lies across their borders.",
    "With --calibration, also whether probabilities mean what they say: expected calibration error over " +
    "15 bins, its largest bin, negative log-likelihood and Brier score, of a stream with logits.",
    "With --bootstrap, intervals that cover 95 %: scenes (of a set of pictures: " +
    "pictures) are drawn anew, with replacement, and their " +
    "scores computed again.",
    "With --merge, earlier results (--format json) are added up, together with the stream if there " +
    "is one.",
    "Output is a table on a terminal and JSON otherwise. The exit code is 1 where the mean IoU is " +
    "below --fail-under.",
  ],
  examples: [
    {
      note: "Score a model on a labelled scene",
      command:
        "swath tile scene.tif --labels truth.tif | swath infer model/ | swath upsample | swath iou",
    },
    { note: "Score a map", command: "swath iou map.tif truth.tif" },
    { note: "Watch a rare class", command: "swath iou map.tif truth.tif --class building" },
    { note: "Score boundaries to 2 pixels", command: "swath iou map.tif truth.tif --boundary 2" },
    {
      note: "See whether probabilities mean what they say",
      command: "swath tile scene.tif --labels truth.tif | swath infer model/ | " +
        "swath iou --calibration --reliability reliability.svg",
    },
    {
      note: "Fail below a mean IoU of 0.5",
      command: "swath iou map.tif truth.tif --fail-under 0.5",
    },
    {
      note: "Add up the scores of several machines",
      command: "swath iou --merge part-*.json --format markdown",
    },
  ],
  parser: object({
    files: multiple(
      argument(path("FILE"), {
        description:
          message`Map and truth; none to score the stream at standard input; results with --merge`,
      }),
    ),
    merge: withDefault(
      flag("--merge", { description: message`Add up the results in the files` }),
      false,
    ),
    class: optional(
      option("--class", string({ metavar: "CLASS" }), {
        description:
          message`Class, by name or number, whose rate of positive predictions is shown; warns where it collapses`,
      }),
    ),
    absent: withDefault(
      option("--absent", choice([...ABSENT_POLICIES], { metavar: "RULE", suggest: "nearest" }), {
        description:
          message`What a class counts that is in neither truth nor prediction: nothing, 0 or 1`,
      }),
      "skip" as const,
    ),
    ignoreIndex: ignoreIndexOption(),
    classes: classesOption(),
    format: formatOption(TABLE_FORMATS),
    boundary: optional(
      option("--boundary", wholeNumber("PIXELS", { min: 1, max: MOST_TOLERANCE }), {
        description: message`Score boundaries too, with this tolerance`,
      }),
    ),
    calibration: withDefault(
      flag("--calibration", { description: message`Score the probabilities too` }),
      false,
    ),
    reliability: optional(
      option("--reliability", path("FILE", { extensions: [".svg", ".png"] }), {
        description: message`Draw the reliability diagram, .svg or .png; implies --calibration`,
      }),
    ),
    overwrite: overwriteOption(),
    bootstrap: optional(
      option("--bootstrap", wholeNumber("DRAWS", { min: 1, max: 1_000_000 }), {
        description: message`Give 95 % intervals from so many draws of the scenes, such as 1000`,
      }),
    ),
    seed: seedOption(),
    failUnder: optional(
      option("--fail-under", decimalNumber("SCORE", { min: 0, max: 1 }), {
        description: message`Exit with code 1 where the mean IoU is lower`,
      }),
    ),
  }),
  async run({ files, merge, absent, classes, ignoreIndex, format, failUnder, ...wanted }, io) {
    const { reliability, boundary, bootstrap, seed, overwrite } = wanted;
    if (reliability !== undefined) requirePictureName(reliability);
    const options: EvaluateOptions = {
      ignoreLabel: ignoreIndex,
      classes: classes === undefined ? null : await namedClasses(classes),
      boundaryTolerance: boundary ?? null,
      calibration: wanted.calibration || reliability !== undefined,
      perScene: bootstrap !== undefined,
    };
    if (options.calibration && files.length > 0 && !merge) {
      throw new CommandError(
        "Cannot score the calibration of maps as they have no probabilities",
        "Score a stream with logits: `… | swath infer MODEL | swath iou --calibration`",
      );
    }
    const evaluation = merge ? await addUp(files, options, io) : await evaluate(files, options, io);
    const scores = computeScores(evaluation.matrix, { absent });
    const document = scoresDocument(evaluation, scores);
    const missing = missingOf(evaluation, options);
    if (missing !== null) throw new CommandError(...missing);
    const intervals = bootstrap === undefined
      ? null
      : bootstrapScores(evaluation.scenes!, { replicates: bootstrap, seed, absent });
    if (reliability !== undefined) {
      await writeChart(reliability, reliabilityChart(document.calibration!), overwrite);
    }
    const rate = wanted.class === undefined ? null : rateOf(evaluation, wanted.class);
    if (scores.pixels === 0) io.warn("no pixel has a label and a prediction");
    if (rate !== null) warnOfCollapse(rate, io);
    await io.write(
      formatScores(
        { document, positiveRate: rate, intervals },
        format ?? (io.stdoutIsTerminal ? "table" : "json"),
      ),
    );
    if (failUnder === undefined || (scores.meanIou ?? -1) >= failUnder) return EXIT.ok;
    io.info(`mean IoU ${formatScore(scores.meanIou)} is below ${failUnder}`);
    return EXIT.negative;
  },
});

/** What was asked for and results that were added up do not have. */
function missingOf(
  { boundary, calibration, scenes }: Evaluation,
  options: EvaluateOptions,
): [what: string, hint: string] | null {
  const without = (what: string, option: string): [string, string] => [
    `Cannot score ${what} as not all results have it`,
    `Make each of them with ${option}`,
  ];
  if (typeof options.boundaryTolerance === "number" && !boundary) {
    return without("boundaries", "--boundary");
  }
  if (options.calibration && !calibration) return without("the calibration", "--calibration");
  return options.perScene && !scenes ? without("scenes", "--bootstrap") : null;
}

async function evaluate(
  files: readonly string[],
  options: EvaluateOptions,
  io: CommandIo,
): Promise<Evaluation> {
  const [mapPath, truthPath] = files;
  if (mapPath === undefined) return await evaluateStream(readPatches(io, "Scoring"), options);
  if (truthPath === undefined || files.length > 2) {
    throw new CommandError(
      `Cannot score ${files.length} ${
        files.length === 1 ? "file" : "files"
      }: expected a map and its truth`,
      "Add up earlier results with --merge",
    );
  }
  const map = await openRaster(mapPath);
  try {
    const truth = await openRaster(truthPath);
    const progress = io.progress("Scoring", "rows");
    try {
      return await evaluateRasters(map, truth, { ...options, onProgress: progress.update });
    } finally {
      progress.finish();
      truth.close();
    }
  } finally {
    map.close();
  }
}

/** Results from files, and the stream if there is one. */
async function addUp(
  files: readonly string[],
  options: EvaluateOptions,
  io: CommandIo,
): Promise<Evaluation> {
  const evaluations: [source: string, evaluation: Evaluation][] = [];
  for (const file of files) {
    const text = await readTextFile(file);
    evaluations.push([file, parseScores(text, file)]);
  }
  const input = await optionalInput(io);
  if (input !== null) {
    const stream = readPatches(io, "Scoring", input);
    evaluations.push(["standard input", await evaluateStream(stream, options)]);
  }
  if (evaluations.length === 0) throw new CommandError("Missing results to add up");
  return mergeEvaluations(evaluations);
}

function rateOf({ matrix, classes }: Evaluation, wanted: string): NamedPositiveRate {
  const named = classes ??
    Array.from({ length: matrix.classCount }, (_, index) => ({ name: String(index), color: "" }));
  const index = findClass(named, wanted);
  return { class: index, name: named[index]!.name, ...positiveRate(matrix, index) };
}

function warnOfCollapse({ name, collapse, prediction, truth }: NamedPositiveRate, io: CommandIo) {
  if (collapse === null) return;
  const [predicted, actual] = [formatShare(prediction), formatShare(truth)];
  const what = {
    vanished: `class ${name} is never predicted, and is ${actual} of the truth`,
    scarce: `class ${name} is hardly predicted any more: ${predicted}, of the truth ${actual}`,
    everywhere: `class ${name} is predicted everywhere, and is ${actual} of the truth`,
    rampant: `class ${name} is predicted far too often: ${predicted}, of the truth ${actual}`,
  };
  io.warn(what[collapse]);
}
