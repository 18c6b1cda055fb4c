/**
 * JSON from files that others wrote: duplicate keys, which `JSON.parse` hides, and depths and sizes
 * that would exhaust memory are refused before anything is built.
 *
 * @module
 */

/** Limits of {@linkcode parseStrictJson}. */
export interface StrictJsonLimits {
  /** Objects and arrays within one another. */
  readonly depth: number;
  /** Keys of all objects together. */
  readonly keys: number;
}

/** What is wrong with a JSON text, to be put after the name of the file. */
export class JsonFault extends Error {
  override readonly name: string = "JsonFault";
}

/**
 * Parse JSON.
 *
 * @param text The text.
 * @param limits Depth and number of keys that are accepted.
 * @returns The value.
 * @throws {JsonFault} If the text is not JSON, repeats a key within an object, or is beyond the limits.
 */
export function parseStrictJson(text: string, limits: StrictJsonLimits): unknown {
  checkStructure(text, limits);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new JsonFault(`is not JSON: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}

/**
 * Walk over brackets and strings; everything else is left for `JSON.parse` to judge. Written out
 * rather than matched by a pattern, as V8's patterns overflow on strings of many megabytes.
 */
function checkStructure(text: string, limits: StrictJsonLimits): void {
  const open: Set<string>[] = [];
  let keys = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "{" || character === "[") {
      open.push(new Set());
      if (open.length > limits.depth) {
        throw new JsonFault(`nests objects more than ${limits.depth} deep`);
      }
    } else if (character === "}" || character === "]") {
      open.pop();
    } else if (character === '"') {
      const start = at;
      at = endOfString(text, at);
      if (!isFollowedByColon(text, at + 1)) continue;
      const key = decodeKey(text.slice(start, at + 1));
      const seen = open.at(-1);
      if (seen?.has(key)) throw new JsonFault(`has the key ${JSON.stringify(key)} twice`);
      seen?.add(key);
      if (++keys > limits.keys) throw new JsonFault(`has more than ${limits.keys} keys`);
    }
  }
}

/** Position of the quote that closes the string; the end of the text where none does. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}

function isFollowedByColon(text: string, start: number): boolean {
  let at = start;
  while (" \t\n\r".includes(text[at] ?? "-")) at++;
  return text[at] === ":";
}

/** Escapes make two spellings of one key. A bad escape is left for `JSON.parse` to judge. */
function decodeKey(quoted: string): string {
  try {
    return JSON.parse(quoted);
  } catch {
    return quoted;
  }
}

/** True for JSON objects. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
