/** `swath test`. @module */
import { scoresDocument } from "../../mod.ts";
import { defineCommand } from "../command.ts";
import { formatScores } from "../iou/score_report.ts";
import { openModelArgument } from "../model.ts";
import {
  batchOption,
  deviceOption,
  formatOption,
  ignoreIndexOption,
  modelArgument,
  threadsOption,
} from "../options.ts";
import { message, multiple, object, option, text } from "../optique.ts";
import { TABLE_FORMATS } from "../table.ts";
import { evaluateModel } from "../train/evaluate_model.ts";
import { path } from "../values.ts";

export default defineCommand({
  name: "test",
  summary: "Score a model on labelled patches",
  description: [
    "Maps the samples of shards with a model and compares the maps with their labels: the scores of " +
    "`swath infer MODEL | swath upsample | swath iou`, in one process.",
    "Output is a table on a terminal and JSON otherwise.",
  ],
  examples: [
    {
      note: "Score the best model of a run on data that it has not seen",
      command: "swath test runs/first/best --data shards/test.tar",
    },
    {
      note: "As a table for a report",
      command: "swath test runs/first/best --data 'shards/test-*.tar' --format markdown",
    },
  ],
  parser: object({
    model: modelArgument(),
    data: multiple(
      option("--data", path("SHARDS", { extensions: [".tar"] }), {
        description: message`Labelled shards: path, glob, or - for standard input; may be repeated`,
      }),
      { min: 1, errors: { tooFew: message`Missing --data ${text("SHARDS")}` } },
    ),
    batch: batchOption(),
    ignoreIndex: ignoreIndexOption(),
    device: deviceOption(),
    threads: threadsOption(),
    format: formatOption(TABLE_FORMATS),
  }),
  async run({ model: source, data, batch, ignoreIndex, device, threads = null, format }, io) {
    using model = await openModelArgument(io, source);
    const evaluation = await evaluateModel(io, model, {
      shards: data,
      batch,
      ignoreIndex,
      device,
      threads,
    });
    const document = scoresDocument(evaluation);
    if (document.pixels === 0) io.warn("no pixel has a label and a prediction");
    await io.write(
      formatScores(
        { document, positiveRate: null, intervals: null },
        format ?? (io.stdoutIsTerminal ? "table" : "json"),
      ),
    );
  },
});
