/**
 * JSON for people: indented, with lists of numbers on one line.
 *
 * @module
 */

/**
 * Write a value as indented JSON, lists that hold no objects on one line.
 *
 * @param value What `JSON.stringify` takes.
 * @returns The text, without a final newline.
 *
 * @example
 * ```ts
 * import { formatJson } from "swath";
 *
 * const text = formatJson({ window: [0, 0, 512, 512] });
 * if (text !== '{\n  "window": [0, 0, 512, 512]\n}') throw new Error(text);
 * ```
 */
export function formatJson(value: unknown): string {
  return format(JSON.parse(JSON.stringify(value)), "");
}

function format(value: unknown, indent: string): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const deeper = `${indent}  `;
  const lines = (open: string, items: string[], close: string) =>
    items.length === 0
      ? open + close
      : `${open}\n${items.map((item) => deeper + item).join(",\n")}\n${indent}${close}`;
  if (!Array.isArray(value)) {
    const members = Object.entries(value).map(([key, member]) =>
      `${JSON.stringify(key)}: ${format(member, deeper)}`
    );
    return lines("{", members, "}");
  }
  if (value.some((item) => typeof item === "object" && item !== null)) {
    return lines("[", value.map((item) => format(item, deeper)), "]");
  }
  return `[${value.map((item) => JSON.stringify(item)).join(", ")}]`;
}
