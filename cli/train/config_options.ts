/**
 * The keys of a training's configuration as options: each has one, and what it says wins over the file.
 *
 * @module
 */
import {
  parseTrainFlags,
  type TrainConfigInput,
  type TrainConfigKey,
  trainConfigKeys,
  type TrainConfigKind,
} from "../../mod.ts";
import {
  flag,
  type Message,
  multiple,
  type NonEmptyString,
  object,
  option,
  optional,
  type Parser,
  string,
  text,
} from "../optique.ts";
import { path } from "../values.ts";

/** Keys whose values are shards, which may be given several times. */
const SHARD_KEYS: readonly string[] = ["train", "val", "test"];

const METAVARS: Readonly<Record<Exclude<TrainConfigKind, "flag">, NonEmptyString>> = {
  text: "TEXT",
  number: "NUMBER",
  names: "NAMES",
  numbers: "NUMBERS",
  value: "YAML",
};

/** What the parser found of an option. */
type Given = string | boolean | readonly string[] | undefined;

/** Keys by their name, those of several alternatives as one. */
function keysByName(): ReadonlyMap<string, TrainConfigKey> {
  const keys = new Map<string, TrainConfigKey>();
  for (const key of trainConfigKeys()) {
    // A loss replaces those of the file as a whole: its settings are part of --loss.
    if (!keys.has(key.name) && !key.name.startsWith("loss.")) keys.set(key.name, key);
  }
  return keys;
}

/** Parser of all options that stand for keys. */
export function configOptions(): Parser<"sync", Readonly<Record<string, Given>>, unknown> {
  const entries = [...keysByName().values()].flatMap((key): [string, KeyParser][] => {
    const name = key.name.replace(/[._]/g, "-");
    const description = describe(key);
    if (SHARD_KEYS.includes(key.name)) {
      const shards = option(`--${name}`, path("SHARDS", { extensions: [".tar"] }), { description });
      return [[key.name, multiple(shards)]];
    }
    if (key.kind !== "flag") {
      const metavar = METAVARS[key.kind];
      return [[key.name, optional(option(`--${name}`, string({ metavar }), { description }))]];
    }
    // The one that changes the default is listed; the other takes back what a file says.
    const isOn = key.fallback === "true";
    const on = flag(`--${name}`, { description, hidden: isOn });
    const off = flag(`--no-${name}`, { description, hidden: !isOn });
    return [[key.name, optional(on)], [`no ${key.name}`, optional(off)]];
  });
  return object("Configuration", Object.fromEntries(entries));
}

type KeyParser = Parser<"sync", Given, unknown>;

/** The configuration that the options spell, not validated yet. */
export function configFromOptions(given: Readonly<Record<string, Given>>): TrainConfigInput {
  const texts = new Map<string, string | readonly string[]>();
  for (const name of keysByName().keys()) {
    const value = given[name];
    if (value === true) texts.set(name, "true");
    else if (typeof value === "string") texts.set(name, value);
    else if (typeof value === "object" && value.length > 0) texts.set(name, value);
    if (given[`no ${name}`] === true) texts.set(name, "false");
  }
  return parseTrainFlags(texts);
}

/** Without the marks of Markdown, and with the default where it says something. */
function describe({ description, fallback, alternative, kind }: TrainConfigKey): Message {
  const words = description.replaceAll("`", "").replace(/\.$/, "");
  const owner = alternative === null ? "" : `${alternative}: `;
  const says = kind !== "flag" && !["null", "[]", "{}", "undefined", ""].includes(fallback);
  return [text(`${owner}${words}${says ? ` [default: ${fallback}]` : ""}`)];
}
