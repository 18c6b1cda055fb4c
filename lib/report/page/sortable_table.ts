/// <reference lib="dom" />
/**
 * Tables whose headings sort them.
 *
 * @module
 */
import { html } from "./dom.ts";

/** What a cell holds. */
export type CellValue = string | number | null;

/** A column of a table. */
export interface TableColumn<Row> {
  readonly heading: string;
  /** What it is sorted by. */
  value(row: Row): CellValue;
  /** What is shown; the value where left out. */
  cell?(row: Row): Node | string;
}

/** A table that can be sorted. */
export interface SortableTable<Row> {
  readonly element: HTMLTableElement;
  /** The row of the table for each row of the data. */
  readonly rows: ReadonlyMap<Row, HTMLTableRowElement>;
}

/** Make a table. Numbers are aligned at the right; what holds nothing comes last, whatever the order. */
export function sortableTable<Row>(
  caption: string,
  columns: readonly TableColumn<Row>[],
  data: readonly Row[],
): SortableTable<Row> {
  const isNumber = columns.map((column) =>
    data.every((row) => typeof column.value(row) !== "string")
  );
  const rows = new Map(
    data.map((row) => [
      row,
      html(
        "tr",
        {},
        ...columns.map((column, index) => {
          const value = column.value(row);
          const content = column.cell?.(row) ?? (value === null ? "–" : String(value));
          const tag = index === 0 ? "th" : "td";
          return html(
            tag,
            { class: isNumber[index]! ? "number" : null, scope: index === 0 ? "row" : null },
            content,
          );
        }),
      ),
    ]),
  );
  const body = html("tbody", {}, ...rows.values());
  const headings = columns.map(({ heading }, index) => {
    const button = html("button", { type: "button" }, heading);
    button.addEventListener("click", () => sort(index));
    return html("th", { scope: "col", class: isNumber[index]! ? "number" : null }, button);
  });
  const sort = (index: number) => {
    const before = headings[index]!.getAttribute("aria-sort");
    // Numbers are first sorted from the largest, as those are looked for.
    const first = isNumber[index]! ? "descending" : "ascending";
    const second = isNumber[index]! ? "ascending" : "descending";
    const order = before === first ? second : first;
    headings.forEach((heading) => heading.removeAttribute("aria-sort"));
    headings[index]!.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    const sorted = [...rows].sort(([a], [b]) =>
      compareCells(columns[index]!.value(a), columns[index]!.value(b), sign)
    );
    body.replaceChildren(...sorted.map(([, row]) => row));
  };
  const element = html(
    "table",
    {},
    html("caption", { class: "unseen" }, caption),
    html("thead", {}, html("tr", {}, ...headings)),
    body,
  );
  return { element, rows };
}

function compareCells(a: CellValue, b: CellValue, sign: number): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * String(a).localeCompare(String(b), "en", { numeric: true });
}
