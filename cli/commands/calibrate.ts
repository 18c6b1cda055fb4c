/** `swath calibrate`. @module */
import { fitTemperature, readModelConfig, storeTemperature } from "../../mod.ts";
import { defineCommand } from "../command.ts";
import { ignoreIndexOption, jsonOption, modelArgument } from "../options.ts";
import { flag, message, object, withDefault } from "../optique.ts";
import { readPatches } from "../stream.ts";
import { formatFacts } from "../table.ts";

export default defineCommand({
  name: "calibrate",
  summary: "Fit a model's temperature to labelled patches",
  description: [
    "Reads the stream that infer makes of labelled patches with this model, finds the temperature that " +
    "makes the labels most likely (smallest negative log-likelihood; Guo et al., 2017), and stores it in " +
    "the model's config.json. infer then divides logits by it: probabilities mean what they say, and " +
    "no class of a single patch changes; blended patches and averages of --tta change a little.",
    "Use labels that the model was not trained on. A model that has a temperature already gets the " +
    "product of both, as its stream was made with the old one.",
  ],
  examples: [
    {
      note: "Calibrate a model",
      command:
        "swath tile scene.tif --labels truth.tif | swath infer model/ | swath calibrate model/",
    },
    {
      note: "See what it would be",
      command: "swath tile scene.tif --labels truth.tif | swath infer model/ | " +
        "swath calibrate model/ --dry-run --json",
    },
  ],
  parser: object({
    model: modelArgument(),
    ignoreIndex: ignoreIndexOption(),
    dryRun: withDefault(
      flag("--dry-run", {
        description: message`Print the temperature and leave the model as it is`,
      }),
      false,
    ),
    json: jsonOption(),
  }),
  async run({ model, ignoreIndex, dryRun, json }, io) {
    const { card } = await readModelConfig(model);
    const fit = await fitTemperature(readPatches(io, "Calibrating"), { ignoreLabel: ignoreIndex });
    const temperature = fit.temperature * (card.temperature ?? 1);
    if (!dryRun) await storeTemperature(model, temperature);
    const { before, after, pixels } = fit;
    await io.write(
      json ? `${JSON.stringify({ temperature, before, after, pixels })}\n` : formatFacts([
        ["temperature", temperature.toPrecision(5)],
        ["negative log-likelihood", `${before.toFixed(4)} before, ${after.toFixed(4)} after`],
        ["pixels", String(pixels)],
      ]),
    );
    if (!dryRun) io.info(`stored in ${model}`);
  },
});
