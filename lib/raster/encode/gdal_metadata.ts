/**
 * What GDAL keeps beside the pixels: band names, scales and class names, in the file's own
 * GDAL_METADATA tag and in the `.aux.xml` sidecar (PAM).
 *
 * @module
 */
import type { ClassInfo } from "../../classes/mod.ts";
import type { BandInfo } from "../raster.ts";

/**
 * XML of the GDAL_METADATA tag; null where there is nothing to say.
 *
 * Class names are a JSON list under `CLASS_NAMES` of the first band, so that a map keeps them when
 * its sidecar is lost.
 */
export function gdalMetadataXml(
  bands: readonly BandInfo[],
  classes: readonly ClassInfo[] | null,
  metadata: Readonly<Record<string, string>>,
): string | null {
  const items = Object.entries(metadata).map(([name, value]) => item(name, value));
  if (classes !== null) {
    items.push(item("CLASS_NAMES", jsonWithoutMarkup(classes.map(({ name }) => name)), 0));
  }
  bands.forEach(({ name, scale, offset }, sample) => {
    if (name !== String(sample + 1)) items.push(item("DESCRIPTION", name, sample, "description"));
    if (scale !== 1) items.push(item("SCALE", String(scale), sample, "scale"));
    if (offset !== 0) items.push(item("OFFSET", String(offset), sample, "offset"));
  });
  return items.length === 0 ? null : `<GDALMetadata>\n${items.join("")}</GDALMetadata>\n`;
}

/**
 * XML of the sidecar of a class map: category names for GDAL, and an attribute table of values, names
 * and colours, which QGIS makes its legend from.
 */
export function pamXml(classes: readonly ClassInfo[]): string {
  const categories = classes.map(({ name }) => `      <Category>${escape(name)}</Category>\n`);
  const rows = classes.map(({ name, color }, value) => {
    const channels = [1, 3, 5].map((start) => Number.parseInt(color.slice(start, start + 2), 16));
    const cells = [value, escape(name), ...channels, 255].map((cell) => `<F>${cell}</F>`);
    return `      <Row index="${value}">${cells.join("")}</Row>\n`;
  });
  const columns = COLUMNS.map(({ name, type, usage }, index) =>
    `      <FieldDefn index="${index}"><Name>${name}</Name><Type>${type}</Type>` +
    `<Usage>${usage}</Usage></FieldDefn>\n`
  );
  return `<PAMDataset>\n  <PAMRasterBand band="1">\n` +
    `    <CategoryNames>\n${categories.join("")}    </CategoryNames>\n` +
    `    <GDALRasterAttributeTable tableType="thematic">\n${columns.join("")}${rows.join("")}` +
    `    </GDALRasterAttributeTable>\n  </PAMRasterBand>\n</PAMDataset>\n`;
}

/** Columns of the attribute table with GDAL's numbers: GDALRATFieldType and GDALRATFieldUsage. */
const COLUMNS = [
  { name: "Value", type: 0, usage: 5 },
  { name: "Class", type: 2, usage: 2 },
  { name: "Red", type: 0, usage: 6 },
  { name: "Green", type: 0, usage: 7 },
  { name: "Blue", type: 0, usage: 8 },
  { name: "Alpha", type: 0, usage: 9 },
] as const;

function item(name: string, value: string, sample?: number, role?: string): string {
  const place = sample === undefined ? "" : ` sample="${sample}"`;
  const meaning = role === undefined ? "" : ` role="${role}"`;
  // GDAL escapes the values of items twice, and undoes it twice.
  return `  <Item name="${escape(name).replaceAll('"', "&quot;")}"${place}${meaning}>${
    escape(escape(value))
  }</Item>\n`;
}

/** JSON that comes out the same however often a reader undoes the escaping of XML. */
function jsonWithoutMarkup(value: readonly string[]): string {
  return JSON.stringify(value).replace(
    /[&<>]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  );
}

/** For the content of elements, where quotation marks stay as they are. */
function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
