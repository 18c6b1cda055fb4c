/// <reference lib="dom" />
/**
 * Zones with their figures, linked with the map.
 *
 * @module
 */
import type { PageClass, PageZone, PageZones } from "../report_data.ts";
import { formatShare, html, section, significant } from "./dom.ts";
import { sortableTable, type TableColumn } from "./sortable_table.ts";

/** Columns that stand before the shares of the classes. */
const FIRST_COLUMNS = /^(area_(ha|km2|m2)|majority|valid_share)$/;

/** What a table of zones tells and takes. */
export interface ZonesPanel {
  readonly element: HTMLElement;
  /** Mark the row of a zone and bring it into sight; null marks none. */
  select(zone: number | null): void;
}

/** What the table tells of its rows. */
export interface ZoneEvents {
  /** A zone is pointed at; null for none. */
  onHover(zone: number | null): void;
  /** A zone was chosen. */
  onSelect(zone: number): void;
}

/** Make the part with the zones. */
export function zonesPanel(
  zones: PageZones | null,
  classes: readonly PageClass[],
  events: ZoneEvents,
): ZonesPanel | null {
  if (zones === null) return null;
  const columns = zoneColumns(zones, classes);
  const { element: table, rows } = sortableTable("Zones", columns, zones.zones);
  table.id = "zones-table";
  const lines = zones.zones.map((zone) => rows.get(zone)!);
  lines.forEach((line, zone) => {
    line.tabIndex = 0;
    line.addEventListener("pointerenter", () => events.onHover(zone));
    line.addEventListener("pointerleave", () => events.onHover(null));
    line.addEventListener("focus", () => events.onHover(zone));
    line.addEventListener("blur", () => events.onHover(null));
    line.addEventListener("click", () => events.onSelect(zone));
    line.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      events.onSelect(zone);
    });
  });
  const count = html("output", { id: "zones-count", "aria-live": "polite" });
  const filter = html("input", {
    type: "search",
    id: "zones-filter",
    placeholder: "name, class, …",
    autocomplete: "off",
  });
  const apply = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    let shown = 0;
    zones.zones.forEach(({ cells }, zone) => {
      const text = cells.join("\n").toLowerCase();
      const isShown = words.every((word) => text.includes(word));
      lines[zone]!.hidden = !isShown;
      if (isShown) shown++;
    });
    count.textContent = shown === lines.length
      ? `${lines.length} zones`
      : `${shown} of ${lines.length} zones`;
  };
  filter.addEventListener("input", apply);
  apply();
  const element = section(
    "zones",
    "Zones",
    html(
      "div",
      { class: "tools" },
      html("label", { class: "field" }, html("span", {}, "Filter"), filter),
      count,
    ),
    html(
      "div",
      { class: "scroll tall", tabindex: 0, role: "region", "aria-label": "Zones" },
      table,
    ),
    html(
      "p",
      { class: "note" },
      "Headings sort. A row that is chosen is shown on the map, and a zone that is chosen on the map is marked here.",
    ),
  );
  return {
    element,
    select(zone) {
      lines.forEach((line, index) => {
        if (index === zone) line.setAttribute("aria-selected", "true");
        else line.removeAttribute("aria-selected");
      });
      if (zone === null) return;
      const box = lines[zone]!.closest(".scroll")!;
      box.scrollTop = lines[zone]!.offsetTop - box.clientHeight / 2;
    },
  };
}

function zoneColumns(
  { columns, label, shares }: PageZones,
  classes: readonly PageClass[],
): TableColumn<PageZone>[] {
  const column = (index: number): TableColumn<PageZone> => ({
    heading: readableName(columns[index]!),
    value: ({ cells }) => cells[index] ?? null,
    cell: ({ cells }) => {
      const value = cells[index] ?? null;
      if (typeof value !== "number") return value ?? "–";
      return /_share$/.test(columns[index]!) ? formatShare(value) : significant(value);
    },
  });
  const others = columns.map((_, index) => index)
    .filter((index) => index !== label && !shares.includes(index));
  const shareColumns = shares.filter((index) => index !== null);
  const bars: TableColumn<PageZone>[] = shareColumns.length === 0 ? [] : [{
    heading: "Classes",
    // The largest share: zones of one class first.
    value: ({ cells }) => Math.max(...shareColumns.map((index) => Number(cells[index] ?? 0))),
    cell: ({ cells }) =>
      html(
        "span",
        { class: "stack" },
        ...shares.flatMap((index, value) => {
          const share = index === null ? 0 : Number(cells[index] ?? 0);
          if (share <= 0) return [];
          const { name, color } = classes[value] ?? { name: String(value), color: "#888888" };
          return [html("i", {
            style: `width:${(100 * share).toFixed(2)}%;background:${color}`,
            title: `${name}: ${formatShare(share)}`,
          })];
        }),
      ),
  }];
  // What is asked for first, then the shares, then all else.
  const first = others.filter((index) => FIRST_COLUMNS.test(columns[index]!));
  const rest = others.filter((index) => !first.includes(index));
  return [
    column(label),
    ...bars,
    ...first.map(column),
    ...shareColumns.map(column),
    ...rest.map(column),
  ];
}

/** `water share` and `area (ha)` for `water_share` and `area_ha`. */
function readableName(name: string): string {
  return name.replace(/_(ha|km2|m2)$/, " ($1)").replaceAll("_", " ");
}
