/**
 * What a model directory holds.
 *
 * @module
 */
import {
  abbreviateList,
  bytesPerElement,
  elementCount,
  type ModelCard,
  type OpenModel,
} from "../../mod.ts";
import { formatFacts } from "../table.ts";

/** A model. */
export interface ModelSummary {
  readonly source: string;
  /** Kind of network, such as `SegformerForSemanticSegmentation`; null where it does not say. */
  readonly architecture: string | null;
  readonly card: ModelCard;
  readonly weights: {
    readonly format: string;
    readonly tensors: number;
    readonly elements: number;
    readonly bytes: number;
    readonly dtypes: readonly string[];
  };
  readonly config: Readonly<Record<string, unknown>>;
}

/** Look into a model; its weights are counted, not read. */
export function summarizeModel(model: OpenModel): ModelSummary {
  const tensors = [...model.weights.tensors.values()];
  const counts = tensors.map(({ shape }) => elementCount(shape));
  const { architectures } = model.config;
  const architecture: unknown = Array.isArray(architectures) ? architectures[0] : null;
  return {
    source: model.source,
    architecture: typeof architecture === "string" ? architecture : null,
    card: model.card,
    weights: {
      format: model.weights.format,
      tensors: tensors.length,
      elements: counts.reduce((sum, count) => sum + count, 0),
      bytes: tensors.reduce((sum, { dtype }, i) => sum + counts[i]! * bytesPerElement(dtype), 0),
      dtypes: [...new Set(tensors.map(({ dtype }) => dtype))],
    },
    config: model.config,
  };
}

/** A model in words. */
export function describeModel(summary: ModelSummary): string {
  const { architecture, card, weights } = summary;
  const { bands, normalization, classes, provenance } = card;
  const names = (list: readonly string[]) => `${list.length}: ${abbreviateList(list, 16)}`;
  const facts: [string, string][] = [
    ["architecture", architecture ?? "unknown"],
    [
      "weights",
      `${weights.format}, ${weights.tensors} tensors, ${
        weights.elements.toLocaleString("en")
      } elements of ${weights.dtypes.join(", ")}, ${(weights.bytes / 1e6).toFixed(1)} MB`,
    ],
    ["bands", bands === null ? "not named" : names(bands)],
    ["classes", classes === null ? "not named" : names(classes.map(({ name }) => name))],
    ["normalization", normalization === null ? "none of its own" : "mean and std of each band"],
  ];
  if (provenance.source !== null) facts.push(["made from", provenance.source]);
  if (provenance.licence !== null) facts.push(["licence", provenance.licence]);
  provenance.history.forEach((line, i) => facts.push([i === 0 ? "history" : "", line]));
  return formatFacts(facts);
}
