/**
 * Estimated areas and plans of samples as tables.
 *
 * @module
 */
import type { AreaEstimates, ClassInfo, Estimate, SampleDesign } from "../../mod.ts";
import { AREA_UNITS, type AreaUnit, className } from "../stats/zone_tables.ts";
import type { Cell, Column } from "../table.ts";

/** Standard errors that an interval reaches to either side, by its level in per cent; rounded as in print. */
const REACH = { "90": 1.645, "95": 1.96, "99": 2.576 } as const;

/** Level of intervals, in per cent. */
export type Level = keyof typeof REACH;

/** Levels of intervals that there are. */
export const LEVELS = ["90", "95", "99"] as const satisfies readonly Level[];

/** Figures of a class in a zone. */
export type AreaRow = Readonly<Record<string, Cell>>;

/** What rows are made of. */
export interface AreaRowSpec {
  /** What was estimated. */
  readonly estimates: AreaEstimates;
  /** Square metres of the map with data; null where only shares are known. */
  readonly area: number | null;
  /** Cells of what names the zone; none for a whole map. */
  readonly zone: AreaRow;
}

/** How areas are written. */
export interface AreaTableSpec {
  readonly classes: readonly ClassInfo[] | null;
  readonly unit: AreaUnit;
  readonly level: Level;
}

/** A row for each class. */
export function areaRows(
  { estimates, area, zone }: AreaRowSpec,
  { classes, unit, level }: AreaTableSpec,
): AreaRow[] {
  const whole = area === null ? null : area / AREA_UNITS[unit];
  return estimates.classes.map((found) => {
    const { share, usersAccuracy, producersAccuracy } = found;
    const reach = REACH[level] * (share.standardError ?? 0);
    const areas: AreaRow = whole === null ? {} : {
      [`mapped_${unit}`]: found.mappedShare * whole,
      [`area_${unit}`]: (share.value ?? 0) * whole,
      [`area_se_${unit}`]: (share.standardError ?? 0) * whole,
      [`area_low_${unit}`]: Math.max(0, (share.value ?? 0) - reach) * whole,
      [`area_high_${unit}`]: Math.min(1, (share.value ?? 0) + reach) * whole,
    };
    return {
      ...zone,
      class: found.class,
      class_name: className(classes, found.class),
      samples: found.samples,
      ...areas,
      mapped_share: found.mappedShare,
      share: share.value,
      share_se: share.standardError,
      share_low: Math.max(0, (share.value ?? 0) - reach),
      share_high: Math.min(1, (share.value ?? 0) + reach),
      users_accuracy: usersAccuracy.value,
      users_accuracy_se: usersAccuracy.standardError,
      producers_accuracy: producersAccuracy.value,
      producers_accuracy_se: producersAccuracy.standardError,
    };
  });
}

/** Columns of every figure, for programs. */
export function plainColumns(rows: readonly AreaRow[]): Column<AreaRow>[] {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return keys.map((key) => ({ key, title: key, value: (row) => row[key] ?? null }));
}

/** Columns for people: figures with their intervals. */
export function readableColumns(
  ids: readonly string[],
  hasArea: boolean,
  { unit, level }: AreaTableSpec,
): Column<AreaRow>[] {
  const plain = (key: string, title = key): Column<AreaRow> => ({
    key,
    title,
    value: (row) => row[key] ?? null,
  });
  const number = (key: string, title: string): Column<AreaRow> => ({
    ...plain(key, title),
    format: (row) => amount(Number(row[key])),
  });
  const between = (key: string, error: string, title: string, scale: (x: number) => string) => ({
    ...plain(key, title),
    format: (row: AreaRow) =>
      row[error] === null
        ? scale(Number(row[key]))
        : `${scale(Number(row[key]))} ± ${scale(REACH[level] * Number(row[error]))}`,
  });
  const share = (x: number) => (100 * x).toFixed(1);
  return [
    ...ids.map((key) => plain(key)),
    plain("class"),
    plain("class_name", "name"),
    plain("samples"),
    ...(hasArea
      ? [
        number(`mapped_${unit}`, `mapped ${unit}`),
        between(`area_${unit}`, `area_se_${unit}`, `area ${unit}`, amount),
      ]
      : []),
    { ...plain("mapped_share", "mapped %"), format: (row) => share(Number(row.mapped_share)) },
    between("share", "share_se", "area %", share),
    between("users_accuracy", "users_accuracy_se", "user's %", share),
    between("producers_accuracy", "producers_accuracy_se", "producer's %", share),
  ];
}

function amount(value: number): string {
  const size = Math.abs(value);
  if (size >= 1000) return value.toFixed(0);
  return size >= 10 ? value.toFixed(1) : value.toPrecision(3);
}

/** An estimate in words, such as `94.7 % ± 1.8 %`. */
export function formatEstimate({ value, standardError }: Estimate, level: Level): string {
  if (value === null) return "n/a";
  const percent = (x: number) => `${(100 * x).toFixed(1)} %`;
  return standardError === null
    ? percent(value)
    : `${percent(value)} ± ${percent(REACH[level] * standardError)}`;
}

/** Rows and columns of a plan of samples. */
export function designTable(design: SampleDesign, classes: readonly ClassInfo[] | null) {
  type Row = SampleDesign["strata"][number];
  const columns: Column<Row>[] = [
    { key: "class", title: "class", value: (row) => row.class },
    { key: "class_name", title: "name", value: (row) => className(classes, row.class) },
    {
      key: "mapped_share",
      title: "mapped %",
      value: (row) => row.mappedShare,
      format: (row) => (100 * row.mappedShare).toFixed(1),
    },
    {
      key: "expected_accuracy",
      title: "expected %",
      value: (row) => row.expected,
      format: (row) => (100 * row.expected).toFixed(0),
    },
    { key: "samples", title: "samples", value: (row) => row.samples },
  ];
  return { columns, rows: design.strata };
}
