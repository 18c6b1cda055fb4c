/// <reference lib="dom" />
/**
 * Curves of trainings, drawn as SVG in the colours of the page.
 *
 * @module
 */
import type { PagePanel } from "../report_data.ts";
import { html, section, significant, svg } from "./dom.ts";

/** Units of a chart. */
const CHART = { width: 420, height: 220, left: 52, right: 12, top: 10, bottom: 30 } as const;
/** Colours of Okabe and Ito that can be read on white and on black. */
const CURVE_COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
/** Marks on an axis, about. */
const TICKS = 5;

/** Make the part with the curves. */
export function curvesPanel(panels: readonly PagePanel[]): HTMLElement | null {
  const charts = panels.filter(({ curves }) => curves.some(({ points }) => points.length > 0));
  if (charts.length === 0) return null;
  return section(
    "training",
    "Training",
    html("div", { class: "charts" }, ...charts.map(lineChart)),
  );
}

function lineChart({ title, curves }: PagePanel): HTMLElement {
  const points = curves.flatMap(({ points }) => points);
  const x = axisOf(points.map(([step]) => step), CHART.left, CHART.width - CHART.right);
  const y = axisOf(points.map(([, value]) => value), CHART.height - CHART.bottom, CHART.top);
  const names = [...new Set(curves.map(({ name }) => name))];
  const colorOf = (name: string) => CURVE_COLORS[names.indexOf(name) % CURVE_COLORS.length]!;
  const drawing = svg("svg", {
    viewBox: `0 0 ${CHART.width} ${CHART.height}`,
    role: "img",
    "aria-label": `${title}: ${
      curves.filter(({ points }) => points.length > 0)
        .map(({ name, points }) => `${name} ends at ${significant(points.at(-1)![1])}`).join(", ")
    }`,
  });
  for (const tick of y.ticks) {
    drawing.append(
      svg("line", {
        class: "grid",
        x1: CHART.left,
        x2: CHART.width - CHART.right,
        y1: y.at(tick),
        y2: y.at(tick),
      }),
      svg("text", { x: CHART.left - 6, y: y.at(tick) + 4, "text-anchor": "end" }, tickLabel(tick)),
    );
  }
  for (const tick of x.ticks) {
    drawing.append(
      svg(
        "text",
        { x: x.at(tick), y: CHART.height - CHART.bottom + 16, "text-anchor": "middle" },
        tickLabel(tick),
      ),
    );
  }
  for (const { name, dashed, points } of curves) {
    if (points.length === 0) continue;
    const path = points.map(([step, value], index) =>
      `${index === 0 ? "M" : "L"}${x.at(step).toFixed(1)} ${y.at(value).toFixed(1)}`
    ).join("");
    drawing.append(svg("path", {
      d: path,
      class: "curve",
      stroke: colorOf(name),
      "stroke-dasharray": dashed ? "5 4" : null,
    }));
  }
  const cursor = svg("line", {
    class: "cursor",
    y1: CHART.top,
    y2: CHART.height - CHART.bottom,
    visibility: "hidden",
  });
  drawing.append(cursor);
  const readout = html("output", { class: "chart-readout" });
  drawing.addEventListener("pointermove", (event) => {
    const box = drawing.getBoundingClientRect();
    const step = x.from((event.clientX - box.left) * CHART.width / box.width);
    const nearest = curves.flatMap(({ name, points }) => {
      if (points.length === 0) return [];
      const best = points.reduce((a, b) => Math.abs(b[0] - step) < Math.abs(a[0] - step) ? b : a);
      return [{ name, point: best }];
    });
    const at = nearest[0]?.point[0] ?? step;
    cursor.setAttribute("x1", String(x.at(at)));
    cursor.setAttribute("x2", String(x.at(at)));
    cursor.setAttribute("visibility", "visible");
    readout.textContent = `step ${significant(at)}: ` +
      nearest.map(({ name, point }) => `${name} ${significant(point[1])}`).join(", ");
  });
  drawing.addEventListener("pointerleave", () => {
    cursor.setAttribute("visibility", "hidden");
    readout.textContent = "";
  });
  const legend = html(
    "p",
    { class: "chart-legend" },
    ...curves.filter(({ points }) => points.length > 0).map(({ name, dashed }) => {
      const line = svg(
        "svg",
        { viewBox: "0 0 26 8", width: 26, height: 8, "aria-hidden": true },
        svg("line", {
          x1: 1,
          x2: 25,
          y1: 4,
          y2: 4,
          class: "curve",
          stroke: colorOf(name),
          "stroke-dasharray": dashed ? "5 4" : null,
        }),
      );
      return html("span", { class: "line" }, line, name);
    }),
  );
  return html(
    "figure",
    { class: "chart" },
    html("figcaption", {}, title),
    drawing,
    readout,
    legend,
  );
}

interface Axis {
  readonly ticks: readonly number[];
  /** Place of a value. */
  at(value: number): number;
  /** Value at a place. */
  from(place: number): number;
}

function axisOf(values: readonly number[], start: number, end: number): Axis {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const range = high > low ? high - low : Math.abs(high) || 1;
  const power = 10 ** Math.floor(Math.log10(range / TICKS));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => range / one <= TICKS)!;
  const ticks: number[] = [];
  for (let tick = Math.ceil(low / step - 1e-9); tick * step <= high + step * 1e-9; tick++) {
    ticks.push(Number((tick * step).toPrecision(12)));
  }
  return {
    ticks,
    at: (value) => start + (value - low) / range * (end - start),
    from: (place) => low + (place - start) / (end - start) * range,
  };
}

function tickLabel(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && size < 0.001) return value.toExponential();
  return size >= 10_000 ? `${significant(value / 1000)}k` : String(value);
}
