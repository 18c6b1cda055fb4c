/**
 * Reading, merging and writing training configurations.
 *
 * @module
 */
import { dump, load, YAMLException } from "js-yaml";
import * as v from "valibot";
import { InputError } from "../errors.ts";
import { nearMiss } from "../text/mod.ts";
import { trainConfigSchema } from "./config_schema.ts";
import { camelKeys, snakeKeys } from "./key_case.ts";
import type { TrainConfig } from "./train_config.ts";

/** Values of some keys, not validated yet: what a file or the flags give. */
export type TrainConfigInput = Readonly<Record<string, unknown>>;

/** One key of the configuration, for tables and flags. */
export interface TrainConfigKey {
  /** Name, with dots where nested, such as `early_stopping.patience`. */
  readonly name: string;
  /** The `name` that it belongs to where `optimizer` or `schedule` have several; null for all. */
  readonly alternative: string | null;
  /** Its default as YAML. */
  readonly fallback: string;
  /** What it means, as a sentence in Markdown. */
  readonly description: string;
  /** What it holds, as far as its notation on a command line depends on it. */
  readonly kind: TrainConfigKind;
}

/** `names` and `numbers` are lists, `flag` is true or false, `value` is anything in YAML. */
export type TrainConfigKind = "text" | "number" | "flag" | "names" | "numbers" | "value";

/**
 * Parse the text of a `train.yaml`.
 *
 * @param text YAML 1.2: a mapping, or nothing at all.
 * @param source File that it comes from, for errors.
 * @returns The values given, not validated yet.
 * @throws {InputError} If it is not YAML, repeats a key, or is not a mapping.
 */
export function parseTrainYaml(text: string, source: string): TrainConfigInput {
  if (text.replace(/^\s*#.*$/gm, "").trim() === "") return {};
  let value: unknown;
  try {
    value = load(text);
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const at = error.mark === undefined
      ? ""
      : ` at line ${error.mark.line + 1}, column ${error.mark.column + 1}`;
    throw new InputError(`Cannot read ${JSON.stringify(source)}: ${error.reason}${at}`, {
      cause: error,
    });
  }
  if (!isMapping(value)) {
    throw new InputError(
      `Cannot read ${JSON.stringify(source)}: expected a mapping of keys, found ${show(value)}`,
    );
  }
  return value;
}

/**
 * Lay some values over others, such as flags over a file.
 *
 * Mappings are merged key by key, all others replaced. Where `optimizer` or `schedule` get another
 * name, the settings of the one before are dropped. `optimizer: sgd`, `schedule: cosine` and
 * `loss: ce` stand for `{name: sgd}`, `{name: cosine}` and `{ce: 1}`; `ce,dice:0.5` on a command line, and
 * `[ce, "dice:0.5"]`, for `{ce: 1, dice: 0.5}`.
 *
 * @param base Values.
 * @param over Values that win.
 * @returns All of them.
 *
 * @example
 * ```ts
 * import { mergeTrainConfig, parseTrainConfig } from "swath";
 *
 * const file = { epochs: 5, schedule: { name: "one_cycle", pct_start: 0.2 } };
 * const config = parseTrainConfig(mergeTrainConfig(file, { schedule: "cosine" }));
 * if (config.schedule.name !== "cosine" || config.epochs !== 5) throw new Error("not merged");
 * ```
 */
export function mergeTrainConfig(base: TrainConfigInput, over: TrainConfigInput): TrainConfigInput {
  const merged = expandShorthands(base);
  for (const [name, value] of Object.entries(expandShorthands(over))) {
    const before = merged[name];
    const mergeable = isMapping(before) && isMapping(value) && name !== "loss" &&
      (value["name"] === undefined || value["name"] === before["name"]);
    merged[name] = mergeable ? { ...before, ...value } : value;
  }
  return merged;
}

/**
 * Validate a configuration and fill in the defaults.
 *
 * @param input Values of some keys.
 * @param source File that they come from, for errors; null for several or none.
 * @returns The whole configuration.
 * @throws {InputError} If a key is unknown, a value has the wrong type or range, or values contradict
 * one another. The message names the key, what was found and what was expected.
 *
 * @example
 * ```ts
 * import { InputError, parseTrainConfig } from "swath";
 *
 * try {
 *   parseTrainConfig({ learning_rat: 1e-4 }, "train.yaml");
 * } catch (error) {
 *   if (!(error instanceof InputError) || !error.hint?.includes('"learning_rate"')) throw error;
 * }
 * ```
 */
export function parseTrainConfig(
  input: TrainConfigInput,
  source: string | null = null,
): TrainConfig {
  const result = v.safeParse(trainConfigSchema, expandShorthands(input), { abortEarly: true });
  if (!result.success) throw issueError(result.issues[0], source);
  const config: TrainConfig = camelKeys(result.output);
  checkConsistency(config, source);
  return config;
}

/**
 * Check what can only be checked once the classes are known.
 *
 * @param config The configuration.
 * @param classes Names of the classes, in order.
 * @param source File that the configuration comes from, for errors; null for several or none.
 * @throws {InputError} If there are not as many class weights as classes, or a class to watch is
 * unknown.
 */
export function checkClasses(
  config: TrainConfig,
  classes: readonly string[],
  source: string | null = null,
): void {
  const { classWeights: weights, watch } = config;
  if (Array.isArray(weights) && weights.length !== classes.length) {
    throw invalid(source, "class_weights", {
      expected: `${classes.length} weights, one for each of ${classes.join(", ")}`,
      found: `${weights.length}`,
    });
  }
  for (const name of watch) {
    if (classes.includes(name)) continue;
    const near = nearMiss(name, classes);
    throw invalid(source, "watch", {
      expected: `classes out of ${classes.join(", ")}`,
      found: show(name),
      hint: near === null ? undefined : `Did you mean "${near}"?`,
    });
  }
}

/**
 * A configuration as `train.yaml`, with every key, in a fixed order: equal configurations give equal
 * texts, and the text read again gives an equal configuration.
 *
 * @param config The configuration.
 */
export function formatTrainConfig(config: TrainConfig): string {
  const values = snakeKeys(config);
  const ordered = Object.keys(trainConfigSchema.entries).map((name) => [name, values[name]]);
  // Short lists read best on one line: `betas: [0.9, 0.999]`.
  return dump(Object.fromEntries(ordered), { noRefs: true, lineWidth: -1, flowLevel: 2 });
}

/**
 * Values of keys that are written as on a command line: lists separated by commas, mappings in YAML.
 *
 * @param texts Texts by the keys' names, with dots where nested; several for keys that list paths.
 * @returns The values, not validated yet.
 * @throws {InputError} If a text is no YAML where it has to be.
 *
 * @example
 * ```ts
 * import { parseTrainConfig, parseTrainFlags } from "swath";
 *
 * const flags = new Map([["learning_rate", "6e-5"], ["schedule", "one_cycle"], ["bands", "B04,B08"]]);
 * const { learningRate, bands } = parseTrainConfig(parseTrainFlags(flags));
 * if (learningRate !== 6e-5 || bands?.length !== 2) throw new Error("two bands");
 * ```
 */
export function parseTrainFlags(
  texts: ReadonlyMap<string, string | readonly string[]>,
): TrainConfigInput {
  let input: TrainConfigInput = {};
  // Parents come before what is nested in them.
  for (const { name, kind } of trainConfigKeys()) {
    const text = texts.get(name);
    if (text === undefined) continue;
    const value = typeof text === "string" ? flagValue(name, kind, text) : text;
    const nested = name.split(".")
      .reduceRight<unknown>((inner, member) => ({ [member]: inner }), value);
    input = mergeTrainConfig(input, nested as TrainConfigInput);
  }
  return input;
}

function flagValue(name: string, kind: TrainConfigKind, text: string): unknown {
  const isBracketed = /^\s*[[{]/.test(text);
  if (kind === "text") return text;
  if (kind === "names" && !isBracketed) return text.split(",").map((item) => item.trim());
  const isList = kind === "numbers" || (kind === "value" && text.includes(","));
  try {
    return load(isList && !isBracketed ? `[${text}]` : text);
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    throw new InputError(`Cannot use ${show(text)} for "${name}": ${error.reason}`, {
      cause: error,
    });
  }
}

/** The keys of a configuration with their defaults and descriptions, nested ones after their parent. */
export function trainConfigKeys(): readonly TrainConfigKey[] {
  return keysOf(trainConfigSchema, "");
}

/** What the shorthands stand for; see {@linkcode mergeTrainConfig}. */
function expandShorthands(input: TrainConfigInput): Record<string, unknown> {
  const expanded: Record<string, unknown> = { ...input };
  for (const name of ["optimizer", "schedule"]) {
    const value = expanded[name];
    if (typeof value === "string") expanded[name] = { name: value };
  }
  const { loss } = expanded;
  if (typeof loss === "string") expanded["loss"] = lossesOf([loss]);
  else if (Array.isArray(loss) && loss.every((item) => typeof item === "string")) {
    expanded["loss"] = lossesOf(loss);
  }
  if (expanded["augment"] === false) expanded["augment"] = { flip: false, turn: false };
  for (const name of ["train", "val", "test"]) {
    if (typeof expanded[name] === "string") expanded[name] = [expanded[name]];
  }
  return expanded;
}

/** `ce` and `ce:2` as mappings. */
function lossesOf(texts: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(texts.map((text) => {
    const [, name, weight] = /^\s*([^:]*?)\s*(?::(.*))?$/s.exec(text)!;
    return [name!, weight === undefined ? 1 : Number(weight)];
  }));
}

function checkConsistency(config: TrainConfig, source: string | null): void {
  const contradiction = (message: string) =>
    new InputError(`Cannot use ${quote(source)}: ${message}`);
  if (config.variant !== null && config.checkpoint !== null) {
    throw contradiction(
      `"variant" and "checkpoint" exclude one another, as the checkpoint has a variant: found ${
        show(config.variant)
      } and ${show(config.checkpoint)}`,
    );
  }
  if (config.unfreezeAt !== null && !config.freezeEncoder) {
    throw contradiction('"unfreeze_at" has no meaning unless "freeze_encoder" is true');
  }
  if (
    config.optimizer.name === "sgd" && config.optimizer.nesterov && config.optimizer.momentum === 0
  ) {
    throw contradiction('"optimizer.nesterov" needs a momentum above 0');
  }
  if (config.classes !== null) checkClasses(config, config.classes, source);
  if (config.train.includes("-") && config.val.includes("-")) {
    throw contradiction('"train" and "val" cannot both be standard input ("-")');
  }
}

function issueError(issue: v.BaseIssue<unknown>, source: string | null): InputError {
  const [expected = "", hint] = issue.message.split("\n");
  const path = v.getDotPath(issue) ?? "";
  if (issue.type === "strict_object" && issue.expected === "never") {
    return new InputError(`Cannot use ${quote(source)}: unknown key "${path}"`, {
      hint: `${hint ?? ""}Expected ${expected}`,
    });
  }
  return invalid(source, path, { expected, found: show(issue.input), hint });
}

function invalid(
  source: string | null,
  path: string,
  { expected, found, hint }: {
    readonly expected: string;
    readonly found: string;
    readonly hint?: string | undefined;
  },
): InputError {
  return new InputError(
    `Cannot use ${quote(source)}: "${path}" should be ${expected}: found ${found}`,
    hint === undefined ? {} : { hint },
  );
}

function quote(source: string | null): string {
  return source === null ? "the configuration" : JSON.stringify(source);
}

/** A value as it would stand in the file, in short. */
function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "number") {
    return Number.isNaN(value) ? ".nan" : Math.abs(value) === Infinity ? ".inf" : String(value);
  }
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What the schema of a key is made of, as far as this module looks into it. */
interface SchemaNode {
  readonly type: string;
  readonly default?: unknown;
  readonly wrapped?: SchemaNode;
  readonly pipe?: readonly SchemaNode[];
  readonly entries?: Readonly<Record<string, SchemaNode>>;
  readonly options?: readonly unknown[];
  readonly literal?: unknown;
}

function keysOf(node: SchemaNode, prefix: string): TrainConfigKey[] {
  if (node.wrapped !== undefined) return keysOf(node.wrapped, prefix);
  if (node.type === "variant") {
    return (node.options as SchemaNode[]).flatMap((option) => keysOf(option, prefix));
  }
  const entries = node.entries ??
    node.pipe?.find(({ entries }) => entries !== undefined)?.entries ?? {};
  const alternative = entries["name"]?.literal;
  return Object.entries(entries).flatMap(([name, entry]) => {
    const description = v.getDescription(entry as unknown as v.GenericSchema);
    if (description === undefined) return [];
    return [
      {
        name: `${prefix}${name}`,
        alternative: typeof alternative === "string" ? alternative : null,
        fallback: dump(entry.default, { flowLevel: 0 }).trim(),
        description,
        kind: kindOf(entry),
      },
      ...keysOf(entry, `${prefix}${name}.`),
    ];
  });
}

function kindOf(node: SchemaNode): TrainConfigKind {
  if (node.wrapped !== undefined) return kindOf(node.wrapped);
  const kinds: Readonly<Record<string, TrainConfigKind>> = {
    string: "text",
    picklist: "text",
    number: "number",
    boolean: "flag",
    array: "names",
    tuple: "numbers",
  };
  return kinds[node.type] ?? "value";
}
