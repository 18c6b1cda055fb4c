/**
 * Transitions as tables: one by one, by class, or as a matrix.
 *
 * @module
 */
import { type ClassChange, classChanges, type ClassInfo, type ZoneTransitions } from "../../mod.ts";
import {
  amount,
  AREA_UNITS,
  type AreaUnit,
  className,
  column,
  idCells,
  idColumns,
  share,
  type ZoneColumn,
  type ZoneRow,
  type ZoneTable,
} from "../stats/zone_tables.ts";

/** What a table of changes has rows of. */
export const CHANGE_VIEWS = ["transitions", "classes", "matrix"] as const;

/** What a table of changes has rows of. */
export type ChangeView = (typeof CHANGE_VIEWS)[number];

/** How changes are written. */
export interface ChangeTableSpec {
  /** Names of the attributes that name zones; none for a whole map. */
  readonly idNames: readonly string[];
  readonly classes: readonly ClassInfo[] | null;
  /** Unit of areas; pixels where the maps do not say where they lie. */
  readonly unit: AreaUnit | "pixels";
}

/** Square metres, or pixels, to a unit. */
export function unitSize(unit: ChangeTableSpec["unit"]): number {
  return unit === "pixels" ? 1 : AREA_UNITS[unit];
}

/** A table of changes. */
export function changeTable(
  zones: readonly ZoneTransitions[],
  view: ChangeView,
  spec: ChangeTableSpec,
): ZoneTable {
  const ids = idColumns(spec.idNames, zones.flatMap(({ zone }) => zone === null ? [] : [zone]));
  const cells = (zone: ZoneTransitions): ZoneRow =>
    zone.zone === null ? {} : idCells(spec.idNames, zone.zone);
  switch (view) {
    case "transitions":
      return transitionTable(zones, ids, cells, spec);
    case "classes":
      return classTable(zones, ids, cells, spec);
    case "matrix":
      return matrixTable(zones, ids, cells, spec);
  }
}

type Cells = (zone: ZoneTransitions) => ZoneRow;

function transitionTable(
  zones: readonly ZoneTransitions[],
  ids: readonly ZoneColumn[],
  cells: Cells,
  { classes, unit }: ChangeTableSpec,
): ZoneTable {
  const area = `area_${unit}`;
  return {
    columns: [
      ...ids,
      column("from", "integer"),
      column("from_name", "string"),
      column("to", "integer"),
      column("to_name", "string"),
      amount("pixels"),
      ...(unit === "pixels" ? [] : [amount(area)]),
      share("share"),
    ],
    rows: zones.flatMap((zone) =>
      zone.transitions.map(({ from, to, pixels, area: ground }) => ({
        ...cells(zone),
        from,
        from_name: className(classes, from),
        to,
        to_name: className(classes, to),
        pixels,
        [area]: ground / unitSize(unit),
        share: pixels / zone.pixels,
      }))
    ),
  };
}

function classTable(
  zones: readonly ZoneTransitions[],
  ids: readonly ZoneColumn[],
  cells: Cells,
  { classes, unit }: ChangeTableSpec,
): ZoneTable {
  const figures = ["before", "after", "gain", "loss", "net"] as const;
  const value = (change: ClassChange, figure: typeof figures[number]) =>
    figure === "net" ? change.gain - change.loss : change[figure];
  return {
    columns: [
      ...ids,
      column("class", "integer"),
      column("class_name", "string"),
      ...figures.map((figure) => amount(`${figure}_${unit}`)),
      share("net_share"),
    ],
    rows: zones.flatMap((zone) =>
      classChanges(zone.transitions).map((change): ZoneRow => ({
        ...cells(zone),
        class: change.class,
        class_name: className(classes, change.class),
        ...Object.fromEntries(figures.map((figure) => [
          `${figure}_${unit}`,
          value(change, figure) / unitSize(unit),
        ])),
        net_share: change.before === 0 ? null : (change.gain - change.loss) / change.before,
      }))
    ),
  };
}

/** A row for each class before, a column for each class after. */
function matrixTable(
  zones: readonly ZoneTransitions[],
  ids: readonly ZoneColumn[],
  cells: Cells,
  { classes, unit }: ChangeTableSpec,
): ZoneTable {
  const numbers = new Set<number>();
  for (const { transitions } of zones) {
    for (const { from, to } of transitions) numbers.add(from).add(to);
  }
  const shown = [...numbers].sort((a, b) => a - b);
  const key = (number: number) => `to ${className(classes, number)}`;
  return {
    columns: [
      ...ids,
      column("from", "string"),
      ...shown.map((number) => amount(key(number))),
      amount(`before_${unit}`),
    ],
    rows: zones.flatMap((zone) => {
      const sum = (from: number | null, to: number | null) =>
        zone.transitions.filter((entry) =>
          (from === null || entry.from === from) && (to === null || entry.to === to)
        ).reduce((total, { area }) => total + area, 0) / unitSize(unit);
      const row = (name: string, from: number | null): ZoneRow => ({
        ...cells(zone),
        from: name,
        ...Object.fromEntries(shown.map((to) => [key(to), sum(from, to)])),
        [`before_${unit}`]: sum(from, null),
      });
      return [
        ...shown.map((from) => row(className(classes, from), from)),
        row(`after_${unit}`, null),
      ];
    }),
  };
}
