/**
 * What a patch stream holds.
 *
 * @module
 */
import {
  abbreviateList,
  ARRAY_NAMES,
  type ArrayName,
  type DataType,
  formatShape,
  type NdArray,
  type StreamHeader,
  type StreamItem,
} from "../../mod.ts";
import { type Column, formatFacts, formatTable } from "../table.ts";

/** An array of a sample. */
export interface ArraySummary {
  readonly key: string;
  readonly array: ArrayName;
  readonly dtype: DataType;
  readonly shape: readonly number[];
  /** Over all elements but NaN; null where there are none. */
  readonly min: number | null;
  readonly mean: number | null;
  readonly max: number | null;
}

/** A segment: one scene, or a set of images. */
export interface SegmentSummary {
  readonly header: StreamHeader;
  readonly samples: number;
  readonly skipped: number;
  /** In how many samples each array occurs. */
  readonly arrays: { readonly [Name in ArrayName]?: number };
  /** Every array of every sample, where asked for. */
  readonly contents?: readonly ArraySummary[];
}

/**
 * Read a stream to its end.
 *
 * @param items The stream; it is checked as it is read.
 * @param withContents True to look into every array.
 */
export async function summarizeStream(
  items: AsyncIterable<StreamItem>,
  withContents: boolean,
): Promise<SegmentSummary[]> {
  const segments: SegmentSummary[] = [];
  let header: StreamHeader | null = null;
  let arrays: { [Name in ArrayName]?: number } = {};
  let contents: ArraySummary[] = [];
  for await (const item of items) {
    if (item.type === "header") {
      header = item.header;
      arrays = {};
      contents = [];
    } else if (item.type === "sample") {
      for (const name of ARRAY_NAMES) {
        const array = item.sample.arrays[name];
        if (array === undefined) continue;
        arrays[name] = (arrays[name] ?? 0) + 1;
        if (withContents) contents.push(summarizeArray(item.sample.key, name, array));
      }
    } else {
      segments.push({
        header: header!,
        samples: item.end.samples,
        skipped: item.end.skipped,
        arrays,
        ...(withContents ? { contents } : {}),
      });
    }
  }
  return segments;
}

function summarizeArray(key: string, name: ArrayName, array: NdArray): ArraySummary {
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let count = 0;
  for (const element of array.data) {
    const value = Number(element);
    if (Number.isNaN(value)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
    count++;
  }
  const { dtype, shape } = array;
  const range = count === 0
    ? { min: null, mean: null, max: null }
    : { min, mean: sum / count, max };
  return { key, array: name, dtype, shape, ...range };
}

/** A segment in words. */
export function describeSegment(segment: SegmentSummary): string {
  const { header, samples, skipped, arrays, contents } = segment;
  const { scene, grid, bands, normalization, classes, output, dtype } = header;
  const facts: [string, string][] = [];
  if (scene !== null) {
    const { width, height, georeference } = scene;
    facts.push(["scene", `${scene.name}, ${width}x${height} pixels`], ["source", scene.source]);
    facts.push(["CRS", georeference.crs ?? "unknown"]);
  }
  if (grid !== null) {
    const overlap = grid.overlap > 0 ? `, overlap ${grid.overlap}` : "";
    facts.push([
      "grid",
      `${grid.columns}x${grid.rows} patches of ${grid.width}x${grid.height} pixels${overlap}`,
    ]);
  }
  facts.push([
    "samples",
    skipped > 0 ? `${samples} (${skipped} without data left out)` : `${samples}`,
  ]);
  facts.push([
    "arrays",
    Object.entries(arrays).map(([name, count]) =>
      count === samples ? name : `${name} (in ${count})`
    ).join(", ") || "none",
  ]);
  if (bands.length > 0) {
    const names = abbreviateList(bands.map(({ name }) => name), 16);
    facts.push(["bands", `${bands.length} of ${dtype ?? "unknown type"}: ${names}`]);
  }
  facts.push(["normalized", normalization === null ? "no, as stored" : "yes"]);
  if (classes !== null) {
    const names = abbreviateList(classes.map(({ name }) => name), 16);
    facts.push(["classes", `${classes.length}: ${names}`]);
  }
  if (output !== null) {
    facts.push(["output", `${output.kind} of ${output.model}, stride ${output.stride}`]);
  }
  header.history.forEach((line, i) => facts.push([i === 0 ? "history" : "", line]));
  const table = contents === undefined
    ? ""
    : `\n${formatTable(CONTENT_COLUMNS, contents, "table")}`;
  return `${formatFacts(facts)}${table}`;
}

const CONTENT_COLUMNS: readonly Column<ArraySummary>[] = [
  { title: "sample", key: "key", value: ({ key }) => key },
  { title: "array", key: "array", value: ({ array }) => array },
  { title: "type", key: "dtype", value: ({ dtype }) => dtype },
  { title: "shape", key: "shape", value: ({ shape }) => formatShape(shape) },
  ...(["min", "mean", "max"] as const).map((key): Column<ArraySummary> => ({
    title: key,
    key,
    value: (row) => row[key],
    format: (row) => formatNumber(row[key] ?? NaN),
  })),
];

/** Six significant digits, without an exponent for everyday numbers. */
export function formatNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}
