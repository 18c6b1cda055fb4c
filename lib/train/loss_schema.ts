/**
 * What `train.yaml` may hold under `loss`.
 *
 * @module
 */
import * as v from "valibot";
import { CLASS_SELECTIONS } from "../losses/mod.ts";
import {
  choice,
  flag,
  fraction,
  isMapping,
  key,
  mapping,
  notNegative,
  real,
} from "./schema_parts.ts";

/** What `boundary` measures. */
const BOUNDARY_FORMS = ["sobel", "laplacian", "distance"] as const;

const atLeastOne = real(">= 1", (value) => value >= 1);
const smooth = key(notNegative, 1e-6, "Added to both sides of the fraction.");
const classes = key(
  choice(CLASS_SELECTIONS),
  "present",
  "Mean over the classes that the labels of a batch have (`present`) or `all`.",
);

/** A loss: a number stands for its weight. */
function loss<const Settings extends Record<string, v.GenericSchema>>(
  settings: Settings,
  description: string,
) {
  const value = v.pipe(
    v.custom<number | Readonly<Record<string, unknown>>>(
      (value) => typeof value === "number" || isMapping(value),
      "a weight, or a mapping of a weight and settings",
    ),
    v.transform((value) => typeof value === "number" ? { weight: value } : value),
    mapping({ weight: key(notNegative, 1, "Weight in the sum."), ...settings }),
  );
  return v.pipe(v.optional(value), v.description(description));
}

const losses = {
  ce: loss({
    label_smoothing: key(fraction, 0, "Share of the target that is spread over all classes."),
  }, "Cross-entropy."),
  dice: loss({ smooth, classes }, "One minus the Dice coefficient of each class in the batch."),
  tversky: loss({
    alpha: key(notNegative, 0.3, "Weight of false positives."),
    beta: key(notNegative, 0.7, "Weight of false negatives."),
    gamma: key(atLeastOne, 1, "Exponent of each class's loss; above 1, hard classes count more."),
    smooth,
    classes,
  }, "One minus the Tversky index: Dice with weights for both kinds of error."),
  focal: loss({
    alpha: key(notNegative, 0.25, "Factor of the whole loss."),
    gamma: key(notNegative, 2, "Exponent of 1 - p, which makes pixels count less that are right."),
  }, "Focal loss: cross-entropy of the pixels that are not right yet."),
  lovasz: loss({
    per_image: key(flag, false, "Mean over images instead of over all pixels of the batch."),
    classes,
  }, "Lovász-softmax, a surrogate of one minus IoU."),
  boundary: loss({
    form: key(
      choice(BOUNDARY_FORMS),
      "sobel",
      "Cross-entropy weighted at edges of the labels (`sobel`, `laplacian`), or probability times " +
        "signed distance from the boundary (`distance`), which needs another loss beside it.",
    ),
    edge_weight: key(notNegative, 5, "Weight that pixels at edges have in addition to 1."),
  }, "Losses at the boundaries of labels."),
};

/** The schema of `loss`. */
export const lossSchema = v.pipe(
  mapping(losses, "a mapping from losses to weights"),
  v.check(
    (weights) => Object.values(weights).some((loss) => loss !== undefined && loss.weight > 0),
    "a mapping from losses to weights, at least one of them above 0",
  ),
);
