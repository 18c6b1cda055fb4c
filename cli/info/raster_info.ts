/**
 * What a raster holds.
 *
 * @module
 */
import type { BandInfo, GeoTransform, RasterInfo } from "../../mod.ts";
import { type Column, formatFacts, formatTable } from "../table.ts";

/** A raster in words. */
export function describeRaster(info: RasterInfo): string {
  const { width, height, bands, dtype, nodata, georeference, classes, overviews } = info;
  const { crs, transform } = georeference;
  const facts: [string, string][] = [
    ["format", info.format],
    [
      "size",
      `${width}x${height} pixels, ${
        bands.length === 1 ? "1 band" : `${bands.length} bands`
      } of ${dtype}`,
    ],
    ["nodata", nodata === null ? "none" : `${nodata}`],
    ["CRS", crs ?? (georeference.geoKeys === null ? "none" : "not an EPSG code")],
  ];
  if (transform !== null) {
    const [x0, a, b, y0, d, e] = transform;
    facts.push(["corner", `${x0}, ${y0}`]);
    facts.push(["pixel", b === 0 && d === 0 ? `${a} x ${e}` : `rotated: ${transform.join(", ")}`]);
    facts.push(["bounds", boundsOf(transform, width, height).join(", ")]);
  }
  if (overviews.length > 0) {
    facts.push(["overviews", overviews.map((one) => `${one.width}x${one.height}`).join(", ")]);
  }
  const bandTable = formatTable(BAND_COLUMNS, bands.map((band, i) => ({ ...band, i })), "table");
  const classTable = classes === null ? "" : "\n" + formatTable(
    CLASS_COLUMNS,
    classes.map((one, i) => ({ ...one, i })),
    "table",
  );
  return `${formatFacts(facts)}\n${bandTable}${classTable}`;
}

/** West, south, east, north of the outer edges, in the units of the CRS. */
function boundsOf(transform: GeoTransform, width: number, height: number): number[] {
  const [x0, a, b, y0, d, e] = transform;
  const corners = [[0, 0], [width, 0], [0, height], [width, height]] as const;
  const xs = corners.map(([column, row]) => x0 + a * column + b * row);
  const ys = corners.map(([column, row]) => y0 + d * column + e * row);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

const BAND_COLUMNS: readonly Column<BandInfo & { i: number }>[] = [
  { title: "band", key: "number", value: ({ i }) => i + 1 },
  { title: "name", key: "name", value: ({ name }) => name },
  { title: "scale", key: "scale", value: ({ scale }) => scale },
  { title: "offset", key: "offset", value: ({ offset }) => offset },
];

const CLASS_COLUMNS: readonly Column<{ name: string; color: string; i: number }>[] = [
  { title: "label", key: "label", value: ({ i }) => i },
  { title: "name", key: "name", value: ({ name }) => name },
  { title: "color", key: "color", value: ({ color }) => color },
];
