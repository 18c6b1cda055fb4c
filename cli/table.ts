/**
 * Tables and lists of facts, for people and for programs.
 *
 * @module
 */

import { formatJson } from "../mod.ts";

/** Ways to print a table. */
export const TABLE_FORMATS = ["table", "markdown", "csv", "json", "ndjson"] as const;

/** Way to print a table. */
export type TableFormat = (typeof TABLE_FORMATS)[number];

/** What a cell may hold; null where there is nothing to say. */
export type Cell = string | number | boolean | null;

/** A column of a table. */
export interface Column<Row> {
  /** Heading for people. */
  readonly title: string;
  /** Name in CSV and JSON. */
  readonly key: string;
  /** The cell of a row. */
  value(row: Row): Cell;
  /** The cell for people; as {@linkcode Column.value} says where left out. */
  format?(row: Row): string;
  /** Text for people of a cell that holds nothing; a dash where left out. */
  readonly nothing?: string;
}

/** Text of a cell that holds nothing. */
const NOTHING = "–";

/**
 * Print a table.
 *
 * Numbers are aligned at the right. CSV and JSON hold the numbers as they are, tables for people as
 * the columns format them.
 *
 * @param columns What to print of a row.
 * @param rows The rows.
 * @param format How.
 * @returns Lines, each with its newline.
 */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  format: TableFormat,
): string {
  switch (format) {
    case "table":
      return alignedTable(columns, rows);
    case "markdown":
      return markdownTable(columns, rows);
    case "csv":
      return [columns.map(({ key }) => key), ...values(columns, rows)]
        .map((cells) => `${cells.map(csvField).join(",")}\n`).join("");
    case "json":
      return `${formatJson(records(columns, rows))}\n`;
    case "ndjson":
      return records(columns, rows).map((record) => `${JSON.stringify(record)}\n`).join("");
  }
}

/** Names and values, aligned. */
export function formatFacts(facts: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(0, ...facts.map(([name]) => length(name)));
  return facts.map(([name, value]) => `  ${pad(name, width)}  ${value}\n`).join("");
}

function values<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): Cell[][] {
  return rows.map((row) => columns.map((column) => column.value(row)));
}

function records<Row>(columns: readonly Column<Row>[], rows: readonly Row[]) {
  return rows.map((row) => Object.fromEntries(columns.map(({ key, value }) => [key, value(row)])));
}

/** Headings and cells as text, and which columns are numbers. */
function textCells<Row>(columns: readonly Column<Row>[], rows: readonly Row[]) {
  const cells = rows.map((row) =>
    columns.map((column) => {
      const value = column.value(row);
      if (value === null) return column.nothing ?? NOTHING;
      return column.format?.(row) ?? String(value);
    })
  );
  const isNumber = columns.map((column) =>
    rows.every((row) => ["number", "object"].includes(typeof column.value(row)))
  );
  const widths = columns.map(({ title }, i) =>
    Math.max(length(title), ...cells.map((line) => length(line[i]!)))
  );
  return { headings: columns.map(({ title }) => title), cells, isNumber, widths };
}

function alignedTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const { headings, cells, isNumber, widths } = textCells(columns, rows);
  return [headings, ...cells]
    .map((line) =>
      line.map((cell, i) => pad(cell, widths[i]!, isNumber[i]!)).join("  ").trimEnd() + "\n"
    ).join("");
}

function markdownTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const escaped = (line: readonly string[]) => line.map((cell) => cell.replaceAll("|", "\\|"));
  const { headings, cells, isNumber } = textCells(columns, rows);
  const rule = isNumber.map((right) => right ? "---:" : "---");
  return [escaped(headings), rule, ...cells.map(escaped)]
    .map((line) => `| ${line.join(" | ")} |\n`).join("");
}

/** A field of CSV as RFC 4180 has it. */
function csvField(cell: Cell): string {
  const field = cell === null ? "" : String(cell);
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

function length(cell: string): number {
  return [...cell].length;
}

function pad(cell: string, width: number, right = false): string {
  const space = " ".repeat(Math.max(0, width - length(cell)));
  return right ? space + cell : cell + space;
}
