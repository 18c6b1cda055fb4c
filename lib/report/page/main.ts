/// <reference lib="dom" />
/**
 * The page of a report: reads its data and makes the parts that there is something for.
 *
 * @module
 */
import type { PageFacts, PageScores, ReportData } from "../report_data.ts";
import { curvesPanel } from "./curves_panel.ts";
import { formatArea, formatScore, formatShare, html, section, significant } from "./dom.ts";
import { mapPanel } from "./map_panel.ts";
import { scoresPanel } from "./scores_panel.ts";
import { type ZonesPanel, zonesPanel } from "./zones_panel.ts";

/** Themes that the button goes through. */
const THEMES = ["auto", "light", "dark"] as const;

/** Make the page. */
export function startReport(): void {
  const data: ReportData = JSON.parse(document.getElementById("report-data")!.textContent!);
  let zonesTable: ZonesPanel | null = null;
  const map = mapPanel(data, (zone) => {
    map?.view.showZone(zone);
    zonesTable?.select(zone);
  });
  zonesTable = zonesPanel(data.zones, data.classes, {
    onHover: (zone) => map?.view.hoverZone(zone),
    onSelect(zone) {
      zonesTable?.select(zone);
      map?.view.showZone(zone);
      map?.element.scrollIntoView({ block: "nearest", behavior: "smooth" });
    },
  });
  const parts = [
    map?.element,
    scoresPanel(data.scores, data.classes),
    zonesTable?.element,
    curvesPanel(data.curves),
    provenancePanel(data.provenance),
  ].filter((part) => part !== null && part !== undefined);
  const links = parts.map((part) =>
    html("a", { href: `#${part.id}` }, part.querySelector("h2")!.textContent!)
  );
  document.body.append(
    html(
      "header",
      {},
      html("h1", {}, data.title),
      html("p", { class: "subtitle" }, data.subtitle),
      keyFigures(data),
    ),
    html("nav", { "aria-label": "Parts of the report" }, ...links, themeButton()),
    html("main", {}, ...parts),
  );
}

/** The numbers that are asked for first. */
function keyFigures({ map, scores, zones, classes }: ReportData): HTMLElement {
  const figures: [name: string, value: string, note?: string][] = [];
  const layer = map?.layers[0];
  if (layer !== undefined && layer.areas !== null) {
    const pixels = layer.counts.reduce((a, b) => a + b, 0);
    const share = formatShare(pixels / (pixels + layer.missing));
    figures.push([
      "Mapped",
      formatArea(layer.areas.reduce((a, b) => a + b, 0)),
      `${share} of the raster`,
    ]);
  }
  if (layer !== undefined) {
    const sum = layer.counts.reduce((a, b) => a + b, 0);
    const largest = layer.counts.indexOf(Math.max(...layer.counts));
    if (sum > 0) {
      figures.push([
        "Largest class",
        classes[largest]?.name ?? String(largest),
        `${formatShare(layer.counts[largest]! / sum)} of the map`,
      ]);
    }
  }
  for (const name of ["mean IoU", "pixel accuracy"]) {
    const score = scores?.overall.find(([one]) => one === name)?.[1];
    if (score !== undefined && score !== null) {
      const note = name === "mean IoU" ? `${present(scores!)} classes` : "of all pixels scored";
      figures.push([name[0]!.toUpperCase() + name.slice(1), formatScore(score), note]);
    }
  }
  if (zones !== null) figures.push(["Zones", significant(zones.zones.length)]);
  if (map !== null && map.metres !== null) {
    figures.push([
      "Pixel",
      `${significant(Math.round(100 * map.metres) / 100)} m`,
      `${map.width} x ${map.height} of them`,
    ]);
  }
  return html(
    "dl",
    { class: "key-figures" },
    ...figures.map(([name, value, note]) =>
      html(
        "div",
        {},
        html("dt", {}, name),
        html("dd", {}, value, html("small", {}, note ?? "")),
      )
    ),
  );
}

/** How many classes there are to score. */
function present({ classes }: PageScores): number {
  return classes.filter(({ support, predicted }) => support + predicted > 0).length;
}

function provenancePanel(parts: readonly PageFacts[]): HTMLElement | null {
  if (parts.length === 0) return null;
  return section(
    "provenance",
    "Provenance",
    html(
      "div",
      { class: "facts" },
      ...parts.map(({ heading, facts }) =>
        html(
          "div",
          {},
          html("h3", {}, heading),
          html(
            "dl",
            {},
            ...facts.flatMap(([name, value]) => [html("dt", {}, name), html("dd", {}, value)]),
          ),
        )
      ),
    ),
  );
}

function themeButton(): HTMLElement {
  const root = document.documentElement;
  const button = html("button", { type: "button", id: "theme" });
  let theme = 0;
  const show = () => {
    const name = THEMES[theme]!;
    if (name === "auto") delete root.dataset["theme"];
    else root.dataset["theme"] = name;
    button.textContent = `Colours: ${name}`;
  };
  button.addEventListener("click", () => {
    theme = (theme + 1) % THEMES.length;
    show();
  });
  show();
  return button;
}

startReport();
