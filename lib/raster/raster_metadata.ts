/**
 * What GDAL stores beside the pixels: nodata, band descriptions, scale and offset, class names,
 * colours; in tags of the file and in the sidecar `.aux.xml` (PAM).
 *
 * @module
 */
import { classesFromNames, type ClassInfo } from "../classes/mod.ts";
import { decodeXmlEntities, xmlElements } from "../text/mod.ts";
import type { TiffDirectory } from "./geotiff_directory.ts";
import { PHOTOMETRIC, TAG } from "./geotiff_tags.ts";
import type { BandInfo } from "./raster.ts";

/** What is known of one band. */
export interface BandMetadata {
  /** Its description. */
  description?: string;
  /** Factor from stored numbers to physical values. */
  scale?: number;
  /** Added after scaling. */
  offset?: number;
}

/** What is known besides the pixels. */
export interface RasterMetadata {
  /** By band. */
  readonly bands: ReadonlyMap<number, BandMetadata>;
  /** Nodata as the file spells it. */
  readonly nodata: string | null;
  /** Names of classes by their number. */
  readonly classNames: readonly string[] | null;
  /** Colours of classes as `#rrggbb`, by their number. */
  readonly colors: readonly string[] | null;
}

/** Metadata in the tags of an image. */
export function tiffMetadata(directory: TiffDirectory): RasterMetadata {
  const xml = directory.text(TAG.gdalMetadata) ?? "";
  const bands = new Map<number, BandMetadata>();
  let classNames: string[] | null = null;
  for (const { attributes, text: once } of xmlElements(xml, "Item")) {
    // GDAL escapes the values of items twice.
    const text = decodeXmlEntities(once);
    const role = attributes.get("role");
    const band = bandOf(bands, Number(attributes.get("sample") ?? NaN));
    if (band !== null && role === "description") band.description = text;
    else if (band !== null && role === "scale") assignNumber(band, "scale", text);
    else if (band !== null && role === "offset") assignNumber(band, "offset", text);
    else if (attributes.get("name") === "CLASS_NAMES") classNames = namesFromJson(text);
  }
  return {
    bands,
    nodata: directory.text(TAG.gdalNodata),
    classNames,
    colors: paletteColors(directory),
  };
}

/**
 * Metadata in a sidecar `.aux.xml`, which overrides the file's own, as in GDAL.
 *
 * @param xml Text of the sidecar.
 * @param own Metadata of the file.
 * @returns Both.
 */
export function withPamMetadata(xml: string, own: RasterMetadata): RasterMetadata {
  const bands = new Map([...own.bands].map(([index, band]) => [index, { ...band }]));
  let { nodata, classNames, colors } = own;
  for (const { attributes, text } of xmlElements(xml, "PAMRasterBand")) {
    const index = Number(attributes.get("band") ?? NaN) - 1;
    const band = bandOf(bands, index);
    if (band === null) continue;
    const description = xmlElements(text, "Description")[0]?.text;
    if (description !== undefined) band.description = description;
    assignNumber(band, "scale", xmlElements(text, "Scale")[0]?.text);
    assignNumber(band, "offset", xmlElements(text, "Offset")[0]?.text);
    if (index !== 0) continue;
    nodata = xmlElements(text, "NoDataValue")[0]?.text ?? nodata;
    const categories = xmlElements(text, "CategoryNames")[0];
    if (categories !== undefined) {
      classNames = xmlElements(categories.text, "Category").map((category) => category.text);
    }
    const entries = xmlElements(xmlElements(text, "ColorTable")[0]?.text ?? "", "Entry");
    if (entries.length > 0) {
      colors = entries.map(({ attributes }) =>
        hexColor(["c1", "c2", "c3"].map((name) => Number(attributes.get(name) ?? 0)))
      );
    }
  }
  return { bands, nodata, classNames, colors };
}

/** Classes from names, colours or both; null where there is neither. */
export function classesFrom({ classNames, colors }: RasterMetadata): ClassInfo[] | null {
  if (classNames !== null && classNames.length > 0) {
    return classesFromNames(classNames).map((info, index) => ({
      name: info.name,
      color: colors?.[index] ?? info.color,
    }));
  }
  if (colors === null) return null;
  // A colour table has an entry for every value; what is black to the end was never given one.
  const used = colors.findLastIndex((color) => color !== "#000000") + 1;
  return colors.slice(0, Math.max(used, 1)).map((color, index) => ({ name: String(index), color }));
}

/** The bands as the rest of the library knows them; those without a description have a number. */
export function bandInfos(metadata: RasterMetadata, count: number): BandInfo[] {
  return Array.from({ length: count }, (_, index) => {
    const band = metadata.bands.get(index);
    return {
      name: band?.description || String(index + 1),
      scale: band?.scale ?? 1,
      offset: band?.offset ?? 0,
    };
  });
}

function bandOf(bands: Map<number, BandMetadata>, index: number): BandMetadata | null {
  if (!Number.isInteger(index) || index < 0 || index > 65535) return null;
  let band = bands.get(index);
  if (band === undefined) bands.set(index, band = {});
  return band;
}

function assignNumber(band: BandMetadata, key: "scale" | "offset", text: string | undefined): void {
  const value = text === undefined || text.trim() === "" ? NaN : Number(text);
  if (Number.isFinite(value)) band[key] = value;
}

function namesFromJson(text: string): string[] | null {
  try {
    const names: unknown = JSON.parse(text);
    return Array.isArray(names) && names.every((name) => typeof name === "string") ? names : null;
  } catch {
    return null;
  }
}

/** The ColorMap tag: all reds, then all greens, then all blues, of 16 bits. */
function paletteColors(directory: TiffDirectory): string[] | null {
  const map = directory.numbers(TAG.colorMap);
  if (map === null || directory.integer(TAG.photometric) !== PHOTOMETRIC.palette) return null;
  const count = Math.floor(map.length / 3);
  if (count > 256) return null;
  // Some writers store 8-bit colours here; libtiff takes maps without a value above 255 as such.
  const divisor = map.some((value) => value > 255) ? 257 : 1;
  return Array.from(
    { length: count },
    (_, index) =>
      hexColor([map[index]!, map[count + index]!, map[2 * count + index]!].map((v) => v / divisor)),
  );
}

/** `#rrggbb` of three numbers from 0 to 255. */
export function hexColor(rgb: readonly number[]): string {
  const hex = (value: number) =>
    Math.min(255, Math.max(0, Math.round(value) || 0)).toString(16).padStart(2, "0");
  return `#${rgb.map(hex).join("")}`;
}
