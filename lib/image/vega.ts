/**
 * Charts in Vega-Lite's grammar.
 *
 * @module
 */

/** A chart in Vega-Lite's grammar: plain JSON. https://vega.github.io/vega-lite/docs/spec.html */
export type ChartSpec = Readonly<Record<string, unknown>>;

/** Text of charts: the font that {@linkcode renderSvg} sets. */
const FONT = "DejaVu Sans";

/**
 * Draw a chart.
 *
 * @param spec The chart, its data inside.
 * @returns The drawing as SVG.
 *
 * @example
 * ```ts
 * import { drawChart } from "swath";
 *
 * const svg = await drawChart({
 *   data: { values: [{ step: 1, loss: 2 }, { step: 2, loss: 1 }] },
 *   mark: "line",
 *   encoding: { x: { field: "step", type: "quantitative" }, y: { field: "loss", type: "quantitative" } },
 * });
 * if (!svg.startsWith("<svg")) throw new Error(svg);
 * ```
 */
export async function drawChart(spec: ChartSpec): Promise<string> {
  const [{ logger, None, parse, View }, { compile }] = await Promise.all([
    import("vega"),
    import("vega-lite"),
  ]);
  // Its advice on the grammar is for those who write specifications, not for those who look at charts.
  const silent = logger(None);
  const compiled = compile(spec as unknown as Parameters<typeof compile>[0], {
    config: { font: FONT, background: "white" },
    logger: silent,
  });
  const view = new View(parse(compiled.spec), { renderer: "none", logger: silent });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
