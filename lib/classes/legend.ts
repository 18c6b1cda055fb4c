/**
 * Legends: which colour and which name a value of a map has, from files that swath, QGIS and map
 * servers write, or from publishers of maps.
 *
 * A legend is sparse (ESA WorldCover's values are 10, 20, …); a list of classes has one for each
 * number from 0. {@linkcode classesFromLegend} makes the one from the other.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { nearMiss, xmlElements } from "../text/mod.ts";
import { classesFromNames, parseClasses, readSourceText } from "./class_list.ts";
import { type ClassInfo, IGNORE_LABEL } from "./classes.ts";
import { classPalette } from "./palette.ts";
import { SCHEME_NAMES, schemeLegend, type SchemeName } from "./schemes.ts";

/** What a legend says of one class. */
export interface LegendEntry {
  /** Value of its pixels; null where the legend goes by names alone. */
  readonly value: number | null;
  /** Its name; null where the legend goes by values alone. */
  readonly name: string | null;
  /** Colour as `#rrggbb`. */
  readonly color: string;
}

/**
 * Parse a legend: QGIS's layer style (`.qml`), a Styled Layer Descriptor (`.sld`), or JSON, which is
 * `{"10": "#006400"}`, `{"water": "#0064c8"}`, `[{"value": 10, "name": "trees", "color": "#006400"}]`, or
 * any form of {@linkcode parseClasses}.
 *
 * @param text Content of the file.
 * @param source File or URL that it comes from, for errors.
 * @returns The entries in the file's order.
 * @throws {InputError} If it is none of these, or a colour or value is wrong; it names the entry.
 *
 * @example
 * ```ts
 * import { parseLegend } from "swath";
 *
 * const qml = '<qgis><paletteEntry value="80" color="#0064C8" label="Water" alpha="255"/></qgis>';
 * const [water] = parseLegend(qml, "worldcover.qml");
 * if (water?.value !== 80 || water.color !== "#0064c8") throw new Error("a palette entry");
 * ```
 */
export function parseLegend(text: string, source: string): LegendEntry[] {
  const content = text.replace(/^\uFEFF/, "").trimStart();
  const entries = content.startsWith("<")
    ? legendFromXml(content, source)
    : legendFromJson(content, source);
  const values = entries.map(({ value }) => value).filter((value) => value !== null);
  const repeated = values.find((value, index) => values.indexOf(value) !== index);
  if (repeated !== undefined) {
    throw new InputError(
      `Cannot use the legend ${JSON.stringify(source)} as value ${repeated} is in it twice`,
    );
  }
  return entries;
}

/**
 * Read a legend by the name of a scheme, such as `worldcover`, or from a file or URL; see
 * {@linkcode parseLegend} for its forms.
 *
 * @param source Name, path or URL.
 * @throws {InputError} If it cannot be read or is no legend.
 */
export async function readLegend(source: string): Promise<LegendEntry[]> {
  const scheme = schemeNamed(source);
  return scheme === null
    ? parseLegend(await readSourceText(source, "legend"), source)
    : schemeLegend(scheme);
}

/** The scheme of that name, without regard to case; null where there is none. */
export function schemeNamed(name: string): SchemeName | null {
  const wanted = name.toLowerCase();
  return SCHEME_NAMES.find((scheme) => scheme === wanted) ?? null;
}

/**
 * A list of classes that has each entry at its value. Numbers between them get their number as a name.
 *
 * @param legend Entries with values.
 * @param source Where it comes from, for errors.
 * @throws {InputError} If an entry has no value, or one that no class can have.
 */
export function classesFromLegend(legend: readonly LegendEntry[], source: string): ClassInfo[] {
  const what = `Cannot name classes with the legend ${JSON.stringify(source)}`;
  const used = legend.filter(({ value }) => value !== IGNORE_LABEL);
  if (used.length === 0) throw new InputError(`${what} as it is empty`);
  for (const { value, name } of used) {
    if (value === null) throw new InputError(`${what}: ${JSON.stringify(name)} has no value`);
    if (value > IGNORE_LABEL) {
      throw new InputError(
        `${what}: value ${value} is no class: expected 0 to ${IGNORE_LABEL - 1}`,
      );
    }
  }
  const count = 1 + Math.max(...used.map(({ value }) => value!));
  const colors = classPalette(count);
  const classes = colors.map((color, index): ClassInfo => ({ name: String(index), color }));
  for (const { value, name, color } of used) {
    classes[value!] = { name: name ?? String(value), color };
  }
  return classes;
}

/**
 * The classes in a legend's colours.
 *
 * Entries go by name where legend and classes have names in common, without regard to case, and by value
 * where the legend or the classes have no names. Classes that the legend leaves out keep their colours.
 *
 * @param classes The classes; null where they have no names, and then the legend gives them as well.
 * @param legend The colours.
 * @param source Where the legend comes from, for errors.
 * @throws {InputError} If both have names and none in common.
 *
 * @example
 * ```ts
 * import { classesFromNames, recolorClasses } from "swath";
 *
 * const classes = classesFromNames(["Water", "Forest"]);
 * const [water] = recolorClasses(classes, [{ value: null, name: "water", color: "#0000ff" }], "a.json");
 * if (water?.color !== "#0000ff") throw new Error("by name");
 * ```
 */
export function recolorClasses(
  classes: readonly ClassInfo[] | null,
  legend: readonly LegendEntry[],
  source: string,
): ClassInfo[] {
  if (classes === null) return classesFromLegend(legend, source);
  const key = (name: string) => name.trim().toLowerCase();
  const byName = new Map(
    legend.flatMap(({ name, color }) => name === null ? [] : [[key(name), color] as const]),
  );
  const byValue = new Map(legend.map(({ value, color }) => [value, color]));
  const isNamed = classes.some(({ name }, index) => name !== String(index));
  const shared = classes.some(({ name }) => byName.has(key(name)));
  if (isNamed && !shared && byName.size > 0) {
    const near = nearMiss(classes[0]!.name, [...byName.keys()]);
    throw new InputError(
      `Cannot take colours from the legend ${
        JSON.stringify(source)
      } as none of its names is that of a class: the classes are ${
        classes.slice(0, 5).map(({ name }) => name).join(", ")
      }${classes.length > 5 ? ", …" : ""}`,
      { hint: near === null ? "Names come from --classes" : `Is "${near}" one of them?` },
    );
  }
  return classes.map(({ name, color }, index) => ({
    name: isNamed || shared ? name : legend.find(({ value }) => value === index)?.name ?? name,
    color: (shared ? byName.get(key(name)) : byValue.get(index)) ?? color,
  }));
}

/** `<paletteEntry>` and `<item>` of QGIS, `<ColorMapEntry>` of a Styled Layer Descriptor. */
function legendFromXml(xml: string, source: string): LegendEntry[] {
  const entries = [
    ...[...xmlElements(xml, "paletteEntry"), ...xmlElements(xml, "item")].map(({ attributes }) => ({
      value: attributes.get("value"),
      name: attributes.get("label"),
      color: attributes.get("color"),
    })),
    ...xmlElements(xml, "ColorMapEntry").map(({ attributes }) => ({
      value: attributes.get("quantity"),
      name: attributes.get("label"),
      color: attributes.get("color"),
    })),
  ].filter(({ color, value }) => color !== undefined && value !== undefined);
  if (entries.length === 0) {
    throw new InputError(
      `Cannot use the legend ${
        JSON.stringify(source)
      } as it has no colours of values: expected <paletteEntry> (QGIS) or <ColorMapEntry> (SLD)`,
    );
  }
  return entries.map(({ value, name, color }) => ({
    value: valueFrom(value, source),
    name: name?.trim() || null,
    color: colorFrom(color, value ?? "", source),
  }));
}

function legendFromJson(text: string, source: string): LegendEntry[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw new InputError(
      `Cannot read the legend ${JSON.stringify(source)} as it is neither JSON nor XML`,
      { cause },
    );
  }
  if (isRecord(content) && Object.values(content).some(isColor)) {
    return Object.entries(content).map(([key, color]) =>
      /^\d+$/.test(key)
        ? { value: Number(key), name: null, color: colorFrom(color, key, source) }
        : { value: null, name: key, color: colorFrom(color, key, source) }
    );
  }
  if (Array.isArray(content) && content.some((item) => isRecord(item) && "value" in item)) {
    const colors = classPalette(content.length);
    return content.map((item, index) => {
      const { value, name = null, color = colors[index] } = isRecord(item) ? item : {};
      return {
        value: valueFrom(value, source),
        name: typeof name === "string" && name.trim() !== "" ? name : null,
        color: colorFrom(color, String(value), source),
      };
    });
  }
  if (Array.isArray(content) && content.length > 0 && content.every(isColor)) {
    return content.map((color, value) => ({
      value,
      name: null,
      color: colorFrom(color, String(value), source),
    }));
  }
  return parseClasses(text, source).map(({ name, color }, value) => ({ value, name, color }));
}

function valueFrom(value: unknown, source: string): number {
  const number = typeof value === "number" ? value : Number(String(value).trim() || NaN);
  if (Number.isInteger(number) && number >= 0 && number <= 65535) return number;
  throw new InputError(
    `Cannot use the legend ${JSON.stringify(source)}: value ${
      JSON.stringify(value)
    } is not a whole number from 0`,
  );
}

function colorFrom(color: unknown, entry: string, source: string): string {
  if (isColor(color)) return color.slice(0, 7).toLowerCase();
  throw new InputError(
    `Cannot use the legend ${JSON.stringify(source)}: the colour of ${
      JSON.stringify(entry)
    } must look like "#1f78b4": found ${JSON.stringify(color)}`,
  );
}

/** `#rrggbb`, or with an alpha behind it, which is passed over. */
function isColor(value: unknown): value is string {
  return typeof value === "string" && /^#[0-9a-f]{6}([0-9a-f]{2})?$/i.test(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Classes as a user names them: names separated by commas, the name of a scheme, or a file or URL with a
 * legend or label map.
 *
 * @param text What was given.
 * @returns The classes.
 * @throws {InputError} If it cannot be read, or is no list of classes.
 */
export async function readClassList(text: string): Promise<ClassInfo[]> {
  const isFile = /^https?:\/\//.test(text) || /\.(json|qml|sld|xml)$/i.test(text);
  if (!isFile && schemeNamed(text) === null) {
    const names = text.split(",").map((name) => name.trim());
    return classesFromNames(names);
  }
  return classesFromLegend(await readLegend(text), text);
}
