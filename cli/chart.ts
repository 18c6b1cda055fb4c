/** Writing charts as pictures. @module */
import { type ChartSpec, drawChart, renderSvg, writeFileAtomic } from "../mod.ts";
import { CommandError } from "./errors.ts";

/** Pixels of a PNG for each unit of the drawing. */
const PNG_SCALE = 2;

/**
 * Draw a chart into a file, as SVG or PNG by its extension.
 *
 * @param path The file.
 * @param chart The chart.
 * @param overwrite True if the file may be there already.
 */
export async function writeChart(
  path: string,
  chart: ChartSpec,
  overwrite: boolean,
): Promise<void> {
  const isSvg = requirePictureName(path) === "svg";
  const svg = await drawChart(chart);
  const picture = isSvg ? svg : await renderSvg(svg, { scale: PNG_SCALE });
  await writeFileAtomic(path, picture, { overwrite });
}

/** Refuse names of files that are no pictures, before anything is computed. */
export function requirePictureName(path: string): "svg" | "png" {
  const kind = path.toLowerCase().match(/\.(svg|png)$/)?.[1];
  if (kind !== undefined) return kind as "svg" | "png";
  throw new CommandError(`Cannot draw into "${path}": expected a name that ends in .svg or .png`);
}
