/**
 * The style of a class map for QGIS: a file of the map's name that ends in `.qml`, which QGIS applies when it
 * opens the map. It gives the layer its legend.
 *
 * @module
 */
import { escapeXml } from "../text/mod.ts";
import type { ClassInfo } from "./classes.ts";

/**
 * The style of a class map.
 *
 * @param classes Names and colours by class number. Classes whose name is their number, which stand for numbers that
 * a sparse legend leaves out, are not in the style, unless all are such.
 * @returns The text of a `.qml` file.
 *
 * @example
 * ```ts
 * import { classesFromNames, parseLegend, qgisStyle } from "swath";
 *
 * const style = qgisStyle(classesFromNames(["water", "forest"]));
 * if (parseLegend(style, "map.qml")[1]?.name !== "forest") throw new Error("what is written can be read");
 * ```
 */
export function qgisStyle(classes: readonly ClassInfo[]): string {
  const entries = classes.map((info, value) => ({ ...info, value }));
  const named = entries.filter(({ name, value }) => name !== String(value));
  const shown = named.length > 0 ? named : entries;
  return [
    "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>",
    '<qgis version="3.28.0" styleCategories="Symbology">',
    "  <pipe>",
    '    <rasterrenderer type="paletted" band="1" opacity="1" alphaBand="-1" nodataColor="">',
    "      <rasterTransparency/>",
    "      <colorPalette>",
    ...shown.map(({ value, name, color }) =>
      `        <paletteEntry value="${value}" color="${color}" alpha="255" label="${
        escapeXml(name)
      }"/>`
    ),
    "      </colorPalette>",
    "    </rasterrenderer>",
    "  </pipe>",
    "  <blendMode>0</blendMode>",
    "</qgis>",
    "",
  ].join("\n");
}
