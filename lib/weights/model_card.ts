/**
 * What transformers' configuration has no field for and a map needs: band names, the normalization
 * that the network was trained with, the classes' colours, and where the weights come from.
 *
 * It lies under the key `swath` of `config.json`, which transformers carries along untouched. Class
 * names stay in transformers' own `id2label`, so that there is one place for them.
 *
 * @module
 */
import * as v from "valibot";
import { InputError } from "../errors.ts";
import { classesFromId2Label, type ClassInfo } from "../classes/mod.ts";
import type { Normalization } from "../normalization/mod.ts";
import { isJsonObject } from "./strict_json.ts";

/** Where weights come from. */
export interface Provenance {
  /** Model or file that training began with, such as `nvidia/mit-b5`; null for none. */
  readonly source: string | null;
  /** What users must know of its licence; null where nothing is known. */
  readonly licence: string | null;
  /** What made the model, such as the command line. */
  readonly history: readonly string[];
}

/** What a model says of itself beyond the network's own configuration. */
export interface ModelCard {
  /** Names of the bands that it takes, in order; null where it does not say. */
  readonly bands: readonly string[] | null;
  /** How stored numbers become its input; null where it does not say. */
  readonly normalization: Normalization | null;
  /** Classes in order; null where it names none. */
  readonly classes: readonly ClassInfo[] | null;
  /** Where its weights come from. */
  readonly provenance: Provenance;
  /** What its logits are divided by, so that probabilities mean what they say; 1 where left out. */
  readonly temperature?: number;
}

/** A card that says nothing, as models from elsewhere have. */
export const EMPTY_MODEL_CARD: ModelCard = {
  bands: null,
  normalization: null,
  classes: null,
  provenance: { source: null, licence: null, history: [] },
};

/** Version of the `swath` key. */
const CARD_VERSION = 1;

const finite = v.pipe(v.number(), v.finite());
const texts = v.array(v.string());
const numbers = v.array(finite);
const color = v.pipe(
  v.string(),
  v.regex(/^#[0-9a-f]{6}$/i, 'must look like "#1f78b4"'),
  v.toLowerCase(),
);

const NORMALIZATION = v.object({
  bands: texts,
  scale: numbers,
  offset: numbers,
  mean: numbers,
  std: v.array(v.pipe(finite, v.gtValue(0, "must be above 0"))),
  clip: v.nullable(v.tuple([finite, finite])),
});

const CARD = v.object({
  version: v.literal(CARD_VERSION, `must be ${CARD_VERSION}, the version that this swath reads`),
  bands: v.nullish(texts, null),
  normalization: v.nullish(NORMALIZATION, null),
  colors: v.nullish(v.array(color), null),
  temperature: v.nullish(v.pipe(finite, v.gtValue(0, "must be above 0")), 1),
  provenance: v.nullish(
    v.object({
      source: v.nullish(v.string(), null),
      licence: v.nullish(v.string(), null),
      history: v.nullish(texts, []),
    }),
    {},
  ),
});

/**
 * Read a model's card from its configuration.
 *
 * @param config Content of `config.json`.
 * @param path Where it comes from, for errors.
 * @returns The card; without a `swath` key it holds the classes of `id2label`, with default colours.
 * @throws {InputError} If a field has the wrong type, or lists do not have the same length; the
 * message names the field.
 *
 * @example
 * ```ts
 * import { readModelCard } from "swath";
 *
 * const card = readModelCard({ id2label: { "0": "water", "1": "forest" } }, "config.json");
 * if (card.classes?.[1]?.name !== "forest") throw new Error("classes come from id2label");
 * ```
 */
export function readModelCard(
  config: Readonly<Record<string, unknown>>,
  path: string,
): ModelCard {
  const fault = (field: string, what: string) =>
    new InputError(`Cannot use ${JSON.stringify(path)}: "swath${field}" ${what}`);
  const { id2label, swath } = config;
  const named = isJsonObject(id2label) ? classesFromId2Label(id2label, path) : null;
  if (swath === undefined) return { ...EMPTY_MODEL_CARD, classes: named };

  const result = v.safeParse(CARD, swath);
  if (!result.success) {
    const [issue] = result.issues;
    const field = v.getDotPath(issue);
    throw fault(field === null ? "" : `.${field}`, `is wrong: ${issue.message}`);
  }
  const { bands, normalization, colors, provenance, temperature } = result.output;
  if (normalization !== null) checkNormalization(normalization, bands, fault);
  if (colors !== null && colors.length !== (named?.length ?? 0)) {
    throw fault(".colors", `has ${colors.length} colours for ${named?.length ?? 0} classes`);
  }
  const classes = named?.map(({ name, color }, index) => ({
    name,
    color: colors?.[index] ?? color,
  }));
  return {
    bands: bands ?? normalization?.bands ?? null,
    normalization,
    classes: classes ?? null,
    provenance: {
      source: provenance.source ?? null,
      licence: provenance.licence ?? null,
      history: provenance.history ?? [],
    },
    ...(temperature !== 1 && temperature !== null && { temperature }),
  };
}

function checkNormalization(
  normalization: Normalization,
  bands: readonly string[] | null,
  fault: (field: string, what: string) => InputError,
): void {
  const count = normalization.bands.length;
  for (const key of ["scale", "offset", "mean", "std"] as const) {
    if (normalization[key].length !== count) {
      throw fault(
        `.normalization.${key}`,
        `has ${normalization[key].length} numbers for ${count} bands`,
      );
    }
  }
  if (bands !== null && bands.join("\n") !== normalization.bands.join("\n")) {
    throw fault(
      ".normalization.bands",
      `is ${normalization.bands.join(", ")}, and the model's bands are ${bands.join(", ")}`,
    );
  }
}

/**
 * Add a card to a network's configuration.
 *
 * @param config Configuration with transformers' names.
 * @param card The card.
 * @returns A configuration with `id2label`, `label2id` and `swath`.
 */
export function withModelCard(
  config: Readonly<Record<string, unknown>>,
  card: ModelCard,
): Record<string, unknown> {
  const { bands, normalization, classes, provenance, temperature = 1 } = card;
  const labels = classes === null ? {} : {
    id2label: Object.fromEntries(classes.map(({ name }, index) => [String(index), name])),
    label2id: Object.fromEntries(classes.map(({ name }, index) => [name, index])),
  };
  return {
    ...config,
    ...labels,
    swath: {
      version: CARD_VERSION,
      bands,
      normalization,
      colors: classes?.map(({ color }) => color) ?? null,
      ...(temperature !== 1 && { temperature }),
      provenance,
    },
  };
}
