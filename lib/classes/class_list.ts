/**
 * Lists of classes: made from names, read from JSON, searched by name or number.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { readTextFile } from "../files/mod.ts";
import { abbreviateList, nearMiss } from "../text/mod.ts";
import type { ClassInfo } from "./classes.ts";
import { classPalette } from "./palette.ts";

/**
 * Classes with the default colours.
 *
 * @param names Names in order of class number.
 * @returns The classes.
 */
export function classesFromNames(names: readonly string[]): ClassInfo[] {
  const colors = classPalette(names.length);
  return names.map((name, index) => ({ name, color: colors[index]! }));
}

/**
 * Classes from the `id2label` of a transformers configuration.
 *
 * @param id2label Names by class number, `{"0": "water", …}`.
 * @param source File or model that it comes from, for errors.
 * @returns The classes in order, with the default colours.
 * @throws {InputError} If the numbers are not 0 to K−1, each once, or a name is not text.
 *
 * @example
 * ```ts
 * import { classesFromId2Label } from "swath";
 *
 * const classes = classesFromId2Label({ "1": "forest", "0": "water" }, "config.json");
 * if (classes[1]?.name !== "forest") throw new Error("ordered by number");
 * ```
 */
export function classesFromId2Label(
  id2label: Readonly<Record<string, unknown>>,
  source: string,
): ClassInfo[] {
  const count = Object.keys(id2label).length;
  for (const key of Object.keys(id2label)) {
    if (!/^(0|[1-9]\d*)$/.test(key) || Number(key) >= count) {
      throw new InputError(
        `Cannot use the label map "${source}" as its ${count} classes must be numbered 0 to ${
          count - 1
        }: found "${key}"`,
      );
    }
  }
  const names = Array.from({ length: count }, (_, index) => {
    return nameFrom(id2label[String(index)], index, source);
  });
  if (names.length === 0) {
    throw new InputError(`Cannot use the label map "${source}" as it is empty`);
  }
  return classesFromNames(names);
}

/**
 * Classes from the text of a JSON file, in any of the forms in use:
 * `["water", "forest"]`; `{"0": "water", "1": "forest"}`; a transformers configuration with
 * `id2label`; or `[{"name": "water", "color": "#0072b2"}, …]`, where colours may be left out.
 *
 * @param text The JSON text.
 * @param source File or URL that it comes from, for errors.
 * @returns The classes in order of their numbers.
 * @throws {InputError} If the text is none of these.
 *
 * @example
 * ```ts
 * import { parseClasses } from "swath";
 *
 * const classes = parseClasses('[{"name": "water", "color": "#0072B2"}, "forest"]', "classes.json");
 * if (classes[0]?.color !== "#0072b2") throw new Error("colours are lower case");
 * ```
 */
export function parseClasses(text: string, source: string): ClassInfo[] {
  let content: unknown;
  try {
    content = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    throw new InputError(`Cannot read the label map "${source}" as it is not JSON`, { cause });
  }
  if (Array.isArray(content)) return classesFromList(content, source);
  if (isRecord(content)) {
    const { id2label } = content;
    if (isRecord(id2label)) return classesFromId2Label(id2label, source);
    return classesFromId2Label(content, source);
  }
  throw new InputError(
    `Cannot use the label map "${source}" as it must be a list of names or an object of names by number`,
  );
}

/**
 * Read classes from a JSON file or URL; see {@linkcode parseClasses} for its forms.
 *
 * @param source Path, or an `http:` or `https:` URL.
 * @returns The classes in order of their numbers.
 * @throws {InputError} If it cannot be read or is no label map.
 */
export async function readClasses(source: string): Promise<ClassInfo[]> {
  return parseClasses(await readSourceText(source, "label map"), source);
}

/**
 * Find a class by its name or number.
 *
 * Names count before numbers, first as written and then without regard to case.
 *
 * @param classes The classes.
 * @param wanted Name, such as `building`, or number from 0.
 * @returns Index of the class.
 * @throws {InputError} If there is none, with the nearest name as a hint, or if there are several.
 *
 * @example
 * ```ts
 * import { classesFromNames, findClass } from "swath";
 *
 * const classes = classesFromNames(["water", "forest"]);
 * if (findClass(classes, "Forest") !== 1 || findClass(classes, "0") !== 0) throw new Error("lookup");
 * ```
 */
export function findClass(classes: readonly ClassInfo[], wanted: string): number {
  const names = classes.map(({ name }) => name);
  const numbersOf = (matches: (name: string) => boolean) =>
    names.flatMap((name, index) => matches(name) ? [index] : []);
  let found = numbersOf((name) => name === wanted);
  if (found.length === 0) {
    found = numbersOf((name) => name.toLowerCase() === wanted.toLowerCase());
  }
  if (found.length === 0 && /^\d+$/.test(wanted) && Number(wanted) < names.length) {
    found = [Number(wanted)];
  }
  const [index] = found;
  if (index === undefined) {
    const near = nearMiss(wanted, names);
    throw new InputError(
      `Cannot find class "${wanted}" among the ${names.length} classes: ${
        abbreviateList(names, 12)
      }`,
      near === null ? {} : { hint: `Did you mean "${near}"?` },
    );
  }
  if (found.length > 1) {
    throw new InputError(`Cannot tell which class "${wanted}" is as several have that name`, {
      hint: `Give its number: ${found.join(", ")}`,
    });
  }
  return index;
}

function classesFromList(list: readonly unknown[], source: string): ClassInfo[] {
  if (list.length === 0) {
    throw new InputError(`Cannot use the label map "${source}" as it is empty`);
  }
  const colors = classPalette(list.length);
  return list.map((item, index) => {
    if (!isRecord(item)) return { name: nameFrom(item, index, source), color: colors[index]! };
    const { name, color = colors[index]! } = item;
    return { name: nameFrom(name, index, source), color: colorFrom(color, index, source) };
  });
}

function nameFrom(value: unknown, index: number, source: string): string {
  if (typeof value === "string" && value.trim() !== "") return value;
  throw new InputError(
    `Cannot use the label map "${source}" as class ${index} has no name: found ${
      JSON.stringify(value)
    }`,
  );
}

function colorFrom(value: unknown, index: number, source: string): string {
  if (typeof value === "string" && /^#[0-9a-f]{6}$/i.test(value)) return value.toLowerCase();
  throw new InputError(
    `Cannot use the label map "${source}" as the colour of class ${index} must look like "#1f78b4": found ${
      JSON.stringify(value)
    }`,
  );
}

/**
 * Text of a file or URL.
 *
 * @param source Path, or an `http:` or `https:` URL.
 * @param what What it holds, for errors.
 * @throws {InputError} If it cannot be read.
 */
export async function readSourceText(source: string, what: string): Promise<string> {
  if (!/^https?:\/\//.test(source)) {
    return await readTextFile(source);
  }
  try {
    const response = await fetch(source);
    if (response.ok) return await response.text();
    await response.body?.cancel();
    throw new Error(`the server answers ${response.status} ${response.statusText}`.trimEnd());
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InputError(`Cannot fetch the ${what} "${source}" as ${reason}`, { cause });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
