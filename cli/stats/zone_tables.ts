/**
 * Figures of zones as tables: a row a zone, or a row a figure.
 *
 * @module
 */
import type {
  ClassInfo,
  FieldInfo,
  FieldValue,
  PlacedZone,
  ZoneClasses,
  ZoneValues,
} from "../../mod.ts";
import type { Cell, Column } from "../table.ts";

/** Square metres of the units that areas are given in. */
export const AREA_UNITS = { m2: 1, ha: 1e4, km2: 1e6 } as const;

/** Unit that areas are given in. */
export type AreaUnit = keyof typeof AREA_UNITS;

/** Figures of a zone or of a part of it, by column. */
export type ZoneRow = Readonly<Record<string, Cell>>;

/** A column with the type of what it holds. */
export type ZoneColumn = Column<ZoneRow> & { readonly type: FieldInfo["type"] };

/** A table, and which zone each row is of. */
export interface ZoneTable {
  readonly columns: readonly ZoneColumn[];
  readonly rows: readonly ZoneRow[];
}

const DECIMALS = 4;

/** A column of a table. */
export function column(
  key: string,
  type: FieldInfo["type"],
  format?: (value: number) => string,
): ZoneColumn {
  return {
    key,
    title: key,
    type,
    value: (row) => row[key] ?? null,
    ...(format === undefined ? {} : {
      format: (row: ZoneRow) => format(Number(row[key])),
    }),
  };
}

/** A column of shares, per cent for people. */
export const share = (key: string) =>
  column(key, "real", (value) => `${(100 * value).toFixed(1)} %`);
/** A column of amounts, with few decimals for people. */
export const amount = (key: string) => column(key, "real", shortNumber);

/** Large numbers without decimals, small ones with some. */
function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (Number.isInteger(value)) return String(value);
  if (size >= 1000) return value.toFixed(1);
  return size >= 1 ? value.toFixed(2) : value.toPrecision(DECIMALS);
}

/** Columns of the figures, whose names those of zones must not take. */
const OWN_COLUMNS = [
  ...[
    "class",
    "class_name",
    "pixels",
    "share",
    "valid_share",
    "inside_share",
    "majority",
    "classes",
  ],
  ...["from", "from_name", "to", "to_name", "before", "after", "loss", "gain", "net"],
  ...["band", "statistic", "value", "count", "mean", "min", "max", "std", "sum", "median"],
  ...Object.keys(AREA_UNITS).map((unit) => `area_${unit}`),
];

/** The name of a column of what names zones. */
function idKey(name: string): string {
  return OWN_COLUMNS.includes(name) ? `zone_${name}` : name;
}

/** Columns of what names zones. */
export function idColumns(names: readonly string[], zones: readonly PlacedZone[]): ZoneColumn[] {
  return names.map((name, i) => {
    const values = zones.map(({ id }) => id[i]).filter((value) => value !== null);
    const type = values.length > 0 && values.every(Number.isInteger)
      ? "integer"
      : values.length > 0 && values.every((value) => typeof value === "number")
      ? "real"
      : "string";
    return column(idKey(name), type);
  });
}

/** Cells of what names a zone. */
export function idCells(names: readonly string[], { id }: PlacedZone): ZoneRow {
  return Object.fromEntries(names.map((name, i) => [idKey(name), plainCell(id[i] ?? null)]));
}

function plainCell(value: FieldValue): Cell {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : value;
}

/** The name of a class; its number where it has none. */
export function className(classes: readonly ClassInfo[] | null, number: number): string {
  const name = classes?.[number]?.name;
  return name === undefined || name === "" ? String(number) : name;
}

/** What tables are made from. */
export interface TableSpec {
  /** Names of the attributes that name zones. */
  readonly idNames: readonly string[];
  /** Names of the classes; null where they have none. */
  readonly classes: readonly ClassInfo[] | null;
  /** Unit of areas. */
  readonly unit: AreaUnit;
}

/** A row for each class that a zone has; one row without a class for a zone that has none. */
export function longClassTable(
  zones: readonly ZoneClasses[],
  { idNames, classes, unit }: TableSpec,
): ZoneTable {
  const area = `area_${unit}`;
  return {
    columns: [
      ...idColumns(idNames, zones.map(({ zone }) => zone)),
      column("class", "integer"),
      column("class_name", "string"),
      amount("pixels"),
      amount(area),
      share("share"),
      share("valid_share"),
    ],
    rows: zones.flatMap(({ zone, pixels, valid, classes: found }): ZoneRow[] => {
      const names = idCells(idNames, zone);
      if (found.length === 0) {
        return [{ ...names, pixels: 0, [area]: 0, share: null, valid_share: valid }];
      }
      return found.map((entry) => ({
        ...names,
        class: entry.class,
        class_name: className(classes, entry.class),
        pixels: entry.pixels,
        [area]: entry.area / AREA_UNITS[unit],
        share: entry.pixels / pixels,
        valid_share: valid,
      }));
    }),
  };
}

/** A row for each zone, with area and share of every class. */
export function wideClassTable(
  zones: readonly ZoneClasses[],
  { idNames, classes, unit }: TableSpec,
): ZoneTable {
  const area = `area_${unit}`;
  const numbers = new Set(classes?.keys() ?? []);
  for (const { classes: found } of zones) for (const entry of found) numbers.add(entry.class);
  const shown = [...numbers].sort((a, b) => a - b)
    .filter((number) => classes?.[number]?.name !== "");
  const key = keysOf(shown, classes);
  return {
    columns: [
      ...idColumns(idNames, zones.map(({ zone }) => zone)),
      amount("pixels"),
      amount(area),
      share("inside_share"),
      share("valid_share"),
      column("majority", "string"),
      column("classes", "integer"),
      ...shown.flatMap((
        number,
      ) => [amount(`${key(number)}_${unit}`), share(`${key(number)}_share`)]),
    ],
    rows: zones.map(({ zone, pixels, area: ground, valid, majority, classes: found }) => {
      const row: Record<string, Cell> = {
        ...idCells(idNames, zone),
        pixels,
        [area]: ground / AREA_UNITS[unit],
        inside_share: zone.inside,
        valid_share: valid,
        majority: majority === null ? null : className(classes, majority),
        classes: found.length,
      };
      for (const number of shown) {
        const entry = found.find((entry) => entry.class === number);
        row[`${key(number)}_${unit}`] = (entry?.area ?? 0) / AREA_UNITS[unit];
        row[`${key(number)}_share`] = pixels === 0 ? null : (entry?.pixels ?? 0) / pixels;
      }
      return row;
    }),
  };
}

/** Names of classes as parts of column names; with their number where two have the same. */
function keysOf(numbers: readonly number[], classes: readonly ClassInfo[] | null) {
  const plain = (number: number) => {
    const name = className(classes, number);
    return name === String(number) ? `class_${number}` : name.trim().replace(/[\s,;"']+/g, "_");
  };
  const seen = new Map<string, number>();
  for (const number of numbers) seen.set(plain(number), (seen.get(plain(number)) ?? 0) + 1);
  return (number: number) =>
    seen.get(plain(number)) === 1 ? plain(number) : `${plain(number)}_${number}`;
}

/** Statistics of one band in zones. */
export interface BandZones {
  /** Name of the band. */
  readonly band: string;
  /** Its statistics in each zone. */
  readonly zones: readonly ZoneValues[];
}

/** Statistics of a zone by name, in order. */
function figures(
  zone: ZoneValues,
  percentiles: readonly number[],
  unit: AreaUnit,
): [name: string, value: number | null][] {
  return [
    ["count", zone.count],
    ["mean", zone.mean],
    ["min", zone.min],
    ["max", zone.max],
    ["std", zone.std],
    ["sum", zone.sum],
    ...percentiles.map((p, i): [string, number | null] => [
      percentileName(p),
      zone.percentiles[i] ?? null,
    ]),
    [`area_${unit}`, zone.area / AREA_UNITS[unit]],
    ["inside_share", zone.zone.inside],
    ["valid_share", zone.valid],
  ];
}

function percentileName(percentile: number): string {
  return percentile === 50 ? "median" : `p${percentile}`;
}

/** A row for each zone and band. */
export function wideValueTable(
  bands: readonly BandZones[],
  percentiles: readonly number[],
  { idNames, unit }: TableSpec,
): ZoneTable {
  const names = ["count", "mean", "min", "max", "std", "sum", ...percentiles.map(percentileName)];
  const several = bands.length > 1;
  return {
    columns: [
      ...idColumns(idNames, bands[0]?.zones.map(({ zone }) => zone) ?? []),
      ...(several ? [column("band", "string")] : []),
      ...names.map(amount),
      amount(`area_${unit}`),
      share("inside_share"),
      share("valid_share"),
    ],
    rows: (bands[0]?.zones ?? []).flatMap((_, i) =>
      bands.map(({ band, zones }): ZoneRow => ({
        ...idCells(idNames, zones[i]!.zone),
        ...(several ? { band } : {}),
        ...Object.fromEntries(figures(zones[i]!, percentiles, unit)),
      }))
    ),
  };
}

/** A row for each figure. */
export function longValueTable(
  bands: readonly BandZones[],
  percentiles: readonly number[],
  { idNames, unit }: TableSpec,
): ZoneTable {
  const several = bands.length > 1;
  return {
    columns: [
      ...idColumns(idNames, bands[0]?.zones.map(({ zone }) => zone) ?? []),
      ...(several ? [column("band", "string")] : []),
      column("statistic", "string"),
      amount("value"),
    ],
    rows: (bands[0]?.zones ?? []).flatMap((_, i) =>
      bands.flatMap(({ band, zones }) =>
        figures(zones[i]!, percentiles, unit).map(([statistic, value]): ZoneRow => ({
          ...idCells(idNames, zones[i]!.zone),
          ...(several ? { band } : {}),
          statistic,
          value,
        }))
      )
    ),
  };
}

/** Figures of each zone as attributes, the names of bands before those of the figures. */
export function valueAttributes(
  bands: readonly BandZones[],
  percentiles: readonly number[],
  { unit }: TableSpec,
): ZoneTable {
  const several = bands.length > 1;
  const key = (band: string, name: string) => several ? `${band}_${name}` : name;
  const names = ["count", "mean", "min", "max", "std", "sum", ...percentiles.map(percentileName)];
  return {
    columns: bands.flatMap(({ band }) =>
      [...names, `area_${unit}`, "inside_share", "valid_share"].map((name) =>
        amount(key(band, name))
      )
    ),
    rows: (bands[0]?.zones ?? []).map((_, i) =>
      Object.fromEntries(
        bands.flatMap(({ band, zones }) =>
          figures(zones[i]!, percentiles, unit).map(([name, value]) => [key(band, name), value])
        ),
      )
    ),
  };
}
