/**
 * Parsers of the values of options and arguments.
 *
 * @module
 */
import {
  type Bounds as GroundBounds,
  formatBytes,
  type PixelWindow,
  type SceneShard,
} from "../mod.ts";
import {
  choice,
  type Message,
  message,
  type NonEmptyString,
  type Suggestion,
  text,
  type ValueParser,
} from "./optique.ts";

/** Which files a shell offers. */
export interface PathCompletion {
  /** Kind of path; any where left out. */
  readonly type?: "file" | "directory" | "any";
  /** File extensions such as `.tif`; all where left out. */
  readonly extensions?: readonly string[];
}

/** Extensions of the rasters that can be read. */
export const RASTER_EXTENSIONS: readonly string[] = [".tif", ".tiff", ".png", ".jpg", ".jpeg"];

/** Extensions of the files with names and colours of classes. */
export const LEGEND_EXTENSIONS: readonly string[] = [".json", ".qml", ".sld"];

/**
 * A value parser made of one function.
 *
 * @param metavar What stands for the value in the help, such as `WxH`.
 * @param placeholder Any value of the type.
 * @param read Returns the value, or undefined where the text is not one.
 * @param expected What the error says was expected.
 * @param format Back to text, for defaults in the help.
 */
function valueOf<T>(
  metavar: NonEmptyString,
  placeholder: T,
  read: (input: string) => T | undefined,
  expected: string,
  format: (value: T) => string = String,
): ValueParser<"sync", T> {
  return {
    mode: "sync",
    metavar,
    placeholder,
    format,
    parse(input) {
      const value = read(input);
      if (value !== undefined) return { success: true, value };
      return { success: false, error: expectation(expected, input) };
    },
  };
}

function expectation(expected: string, input: string): Message {
  return message`expected ${text(expected)}, but got ${input}`;
}

/** A path, completed by the shell. An empty one is refused. */
export function path(
  metavar: NonEmptyString,
  completion: PathCompletion = {},
): ValueParser<"sync", string> {
  return {
    ...valueOf(metavar, "", (input) => input === "" ? undefined : input, "a path"),
    *suggest(prefix): Iterable<Suggestion> {
      yield {
        kind: "file",
        type: completion.type ?? "any",
        pattern: prefix,
        ...(completion.extensions === undefined ? {} : { extensions: completion.extensions }),
      };
    },
  };
}

/** One of a few words. */
export function oneOf<const Word extends string>(
  metavar: NonEmptyString,
  words: readonly Word[],
): ValueParser<"sync", Word> {
  return choice(words, {
    metavar,
    suggest: { maxSuggestions: 1 },
    // The parser's own message lists the words in the language of the system.
    errors: { invalidChoice: (input) => expectation(`one of ${words.join(", ")}`, input) },
  });
}

/** A number in decimal notation, not NaN or infinite. */
function readNumber(text: string): number | undefined {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim())) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** Bounds of a number. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

function within(value: number, { min = -Infinity, max = Infinity }: Bounds): boolean {
  return value >= min && value <= max;
}

function describeBounds({ min, max }: Bounds): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (min !== undefined) return ` of at least ${min}`;
  return max === undefined ? "" : ` of at most ${max}`;
}

/** A whole number, such as `512`. */
export function wholeNumber(
  metavar: NonEmptyString,
  bounds: Bounds = {},
): ValueParser<"sync", number> {
  return valueOf(
    metavar,
    bounds.min ?? 0,
    (input) => {
      const value = /^[+-]?\d+$/.test(input) ? Number(input) : NaN;
      return Number.isSafeInteger(value) && within(value, bounds) ? value : undefined;
    },
    `a whole number${describeBounds(bounds)}`,
  );
}

/** A number, such as `0.5` or `1e-4`. */
export function decimalNumber(
  metavar: NonEmptyString,
  bounds: Bounds = {},
): ValueParser<"sync", number> {
  return valueOf(
    metavar,
    bounds.min ?? 0,
    (input) => {
      const value = readNumber(input);
      return value !== undefined && within(value, bounds) ? value : undefined;
    },
    `a number${describeBounds(bounds)}`,
  );
}

/** Numbers separated by commas, such as `0.485,0.456,0.406`. */
export function numberList(
  metavar: NonEmptyString,
  bounds: Bounds = {},
): ValueParser<"sync", readonly number[]> {
  return valueOf<readonly number[]>(
    metavar,
    [],
    (input) => {
      const values = input.split(",").map(readNumber);
      return values.every((value) => value !== undefined && within(value, bounds))
        ? values as number[]
        : undefined;
    },
    `numbers${describeBounds(bounds)} separated by commas`,
    (values) => values.join(","),
  );
}

/** Names separated by commas, such as `B04,B03,B02` or `1,2,3`; none of them empty. */
export function nameList(metavar: NonEmptyString): ValueParser<"sync", readonly string[]> {
  return valueOf<readonly string[]>(
    metavar,
    [],
    (input) => {
      const names = input.split(",").map((name) => name.trim());
      return names.every((name) => name !== "") ? names : undefined;
    },
    "names separated by commas",
    (names) => names.join(","),
  );
}

/** Names of classes separated by commas, or what has them: a file, a URL, a scheme. */
export function classList(): ValueParser<"sync", string> {
  const names = nameList("NAMES|FILE");
  return {
    ...valueOf(
      "NAMES|FILE",
      "",
      (input) => names.parse(input).success ? input : undefined,
      "names separated by commas, or a file",
    ),
    *suggest(prefix): Iterable<Suggestion> {
      yield { kind: "file", type: "file", pattern: prefix, extensions: LEGEND_EXTENSIONS };
    },
  };
}

/** Columns and rows. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Columns and rows, such as `512` for a square or `640x512`. */
export function size(metavar: NonEmptyString = "SIZE"): ValueParser<"sync", Size> {
  return valueOf<Size>(
    metavar,
    { width: 1, height: 1 },
    (input) => {
      const match = /^(\d{1,7})(?:x(\d{1,7}))?$/i.exec(input);
      const width = Number(match?.[1] ?? 0);
      const height = Number(match?.[2] ?? width);
      return width > 0 && height > 0 ? { width, height } : undefined;
    },
    "a size such as 512 or 640x512, sides from 1 to 9999999",
    ({ width, height }) => width === height ? `${width}` : `${width}x${height}`,
  );
}

/** A rectangle of pixels: first column, first row, columns, rows, such as `1000,2000,512,512`. */
export function pixelWindow(): ValueParser<"sync", PixelWindow> {
  return valueOf<PixelWindow>(
    "X,Y,W,H",
    { x: 0, y: 0, width: 1, height: 1 },
    (input) => {
      if (!/^\d{1,9}(,\d{1,9}){3}$/.test(input)) return undefined;
      const [x = 0, y = 0, width = 0, height = 0] = input.split(",").map(Number);
      return width > 0 && height > 0 ? { x, y, width, height } : undefined;
    },
    "first column, first row, columns and rows, such as 1000,2000,512,512",
    ({ x, y, width, height }) => `${x},${y},${width},${height}`,
  );
}

/** A rectangle on the ground: least x and y, then most x and y, such as `600000,5190000,610000,5200000`. */
export function groundBounds(): ValueParser<"sync", GroundBounds> {
  return valueOf<GroundBounds>(
    "W,S,E,N",
    [0, 0, 1, 1],
    (input) => {
      const [west, south, east, north, ...others] = input.split(",").map(readNumber);
      if (west === undefined || south === undefined || others.length > 0) return undefined;
      if (east === undefined || north === undefined) return undefined;
      return west < east && south < north ? [west, south, east, north] : undefined;
    },
    "west, south, east and north, such as 600000,5190000,610000,5200000",
    (bounds) => bounds.join(","),
  );
}

/** A coordinate reference system, such as `EPSG:4326`. */
export function crs(): ValueParser<"sync", string> {
  return valueOf(
    "CRS",
    "EPSG:4326",
    (input) => input.trim() === "" ? undefined : input.trim(),
    "a CRS such as EPSG:4326",
  );
}

/** One of several parts, such as `2/4`. */
export function shard(): ValueParser<"sync", SceneShard> {
  return valueOf<SceneShard>(
    "I/N",
    { number: 1, count: 1 },
    (input) => {
      const [, number = 0, count = 0] = (/^(\d{1,6})\/(\d{1,6})$/.exec(input) ?? []).map(Number);
      return number >= 1 && number <= count ? { number, count } : undefined;
    },
    "the number of a part, from 1, and how many there are, such as 2/4",
    ({ number, count }) => `${number}/${count}`,
  );
}

/** How far neighbouring patches overlap. */
export interface Overlap {
  readonly value: number;
  readonly unit: "pixels" | "percent";
}

/** An overlap in pixels, such as `64`, or as a share of the patch, such as `12.5%`. */
export function overlap(): ValueParser<"sync", Overlap> {
  return valueOf<Overlap>(
    "OVERLAP",
    { value: 0, unit: "pixels" },
    (input) => {
      if (/^\d{1,7}$/.test(input)) return { value: Number(input), unit: "pixels" };
      const value = /^\d{1,2}(\.\d+)?%$/.test(input) ? Number.parseFloat(input) : undefined;
      return value === undefined ? undefined : { value, unit: "percent" };
    },
    "pixels such as 64, or a share of the patch below 100% such as 12.5%",
    ({ value, unit }) => unit === "percent" ? `${value}%` : `${value}`,
  );
}

/** Bytes in 1024ths of one another, by their letter. */
const BYTE_UNITS: Readonly<Record<string, number>> = {
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
};

/** A number of bytes, such as `512M` or `2GiB`. */
export function byteCount(
  metavar: NonEmptyString,
  { min }: { readonly min: number },
): ValueParser<"sync", number> {
  return valueOf<number>(
    metavar,
    min,
    (input) => {
      const [, number = "", unit = ""] = /^(\d{1,6}(?:\.\d{1,3})?)([kmgt])(?:i?b)?$/i.exec(input) ??
        [];
      const bytes = Math.round(Number(number) * (BYTE_UNITS[unit.toLowerCase()] ?? NaN));
      return number !== "" && bytes >= min ? bytes : undefined;
    },
    `a number of bytes such as 512M or 2G, at least ${formatBytes(min)}`,
    (bytes) => `${bytes / BYTE_UNITS.m!}M`,
  );
}

/** A header of HTTP requests. */
export interface HttpHeader {
  readonly name: string;
  readonly value: string;
}

/** A header of HTTP requests, such as `Authorization: Bearer TOKEN`. */
export function httpHeader(): ValueParser<"sync", HttpHeader> {
  return valueOf<HttpHeader>(
    "HEADER",
    { name: "", value: "" },
    (input) => {
      // A token and a field value of RFC 9110.
      const match = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([\x20-\x7e\t]*?)[ \t]*$/.exec(input);
      return match === null ? undefined : { name: match[1]!, value: match[2]! };
    },
    'a header such as "Authorization: Bearer TOKEN"',
    ({ name, value }) => `${name}: ${value}`,
  );
}

/** The shape of an array, such as `2x14x512x512`. */
export function shape(axes: number, example: string): ValueParser<"sync", readonly number[]> {
  return valueOf<readonly number[]>(
    "SHAPE",
    [],
    (input) => {
      const extents = /^\d{1,9}(x\d{1,9})*$/i.test(input)
        ? input.toLowerCase().split("x").map(Number)
        : [];
      return extents.length === axes && extents.every((extent) => extent > 0) ? extents : undefined;
    },
    `${axes} extents, such as ${example}`,
    (extents) => extents.join("x"),
  );
}

/** A lower and an upper percentile, such as `2,98`. */
export function percentiles(): ValueParser<"sync", readonly [low: number, high: number]> {
  return bounds([0, 100], "two percentiles from 0 to 100, the lower first, such as 2,98");
}

/** Two numbers, such as `-0.2,0.9`. */
export function valueRange(): ValueParser<"sync", readonly [low: number, high: number]> {
  return bounds([-Infinity, Infinity], "two numbers, the lower first, such as -0.2,0.9");
}

/** Two numbers within limits, the lower first. */
function bounds(
  [least, most]: readonly [number, number],
  expected: string,
): ValueParser<"sync", readonly [low: number, high: number]> {
  return valueOf<readonly [number, number]>(
    "LOW,HIGH",
    [0, 1],
    (input) => {
      const [low, high, ...others] = input.split(",").map(readNumber);
      if (low === undefined || high === undefined || others.length > 0) return undefined;
      return low >= least && low < high && high <= most ? [low, high] : undefined;
    },
    expected,
    (pair) => pair.join(","),
  );
}
