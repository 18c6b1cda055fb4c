/**
 * Parts of the schema of a configuration: keys, mappings, choices, and ranges of numbers.
 *
 * @module
 */
import * as v from "valibot";
import { nearMiss } from "../text/mod.ts";

/** More would be a slip of the pen. */
export const MAX_COUNT = 1_000_000_000;

export function isMapping(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

type Entries = Record<string, v.GenericSchema>;

/** A key with its default and description. */
export function key<const Schema extends v.GenericSchema>(
  schema: Schema,
  fallback: v.InferInput<Schema>,
  description: string,
) {
  return v.pipe(v.optional(schema, fallback), v.description(description));
}

/**
 * A mapping whose keys are all known. The message of an unknown key has a second line, which becomes
 * the error's hint.
 *
 * @param entries The keys.
 * @param expected What is expected in place of something that is no mapping.
 */
export function mapping<const Known extends Entries>(entries: Known, expected?: string) {
  return v.strictObject(entries, (issue) => {
    if (issue.expected !== "never") {
      return expected ?? `a mapping with the keys ${Object.keys(entries).join(", ")}`;
    }
    const near = nearMiss(String(issue.input), Object.keys(entries));
    const hint = near === null ? "" : `Did you mean "${near}"? `;
    return `one of ${Object.keys(entries).join(", ")}\n${hint}`;
  });
}

/** One of several words. */
export function choice<const Word extends string>(words: readonly Word[]) {
  return v.picklist(words, (issue) => choiceMessage(words, issue.input));
}

export function choiceMessage(words: readonly string[], found: unknown): string {
  const near = typeof found === "string" ? nearMiss(found, words) : null;
  return `one of ${words.join(", ")}${near === null ? "" : `\nDid you mean "${near}"?`}`;
}

export function integer(minimum: number, maximum = MAX_COUNT) {
  const expected = maximum === MAX_COUNT
    ? `a whole number >= ${minimum}`
    : `a whole number from ${minimum} to ${maximum}`;
  return v.pipe(
    v.number(expected),
    v.integer(expected),
    v.minValue(minimum, expected),
    v.maxValue(maximum, expected),
  );
}

/** A finite number in a range given as text and test, such as `> 0`. */
export function real(range: string, isInRange: (value: number) => boolean) {
  const expected = `a finite number ${range}`;
  return v.pipe(v.number(expected), v.finite(expected), v.check(isInRange, expected));
}

export const positive = real("> 0", (value) => value > 0);
export const notNegative = real(">= 0", (value) => value >= 0);
export const belowOne = real("from 0 to below 1", (value) => value >= 0 && value < 1);
export const fraction = real("from 0 to 1", (value) => value >= 0 && value <= 1);
export const insideUnit = real("above 0 and below 1", (value) => value > 0 && value < 1);
export const flag = v.boolean("true or false");
export const text = v.pipe(
  v.string("a text that is not empty"),
  v.nonEmpty("a text that is not empty"),
);
