/**
 * Zones with their figures, as the page shows them: outlines in pixels of the map.
 *
 * @module
 */
import type { ClassInfo } from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import { polygonsOf, reprojectGeometry } from "../geo/mod.ts";
import type { RasterInfo } from "../raster/mod.ts";
import { openFeatures } from "../vector/mod.ts";
import type { PageZone, PageZones } from "./report_data.ts";

/** Zones beyond which a page is no longer at hand. */
const MOST_ZONES = 20_000;
/** Pixels of the map that an outline may be off by. */
const TOLERANCE = 0.5;

/** Columns that name a zone, in the order of preference; the first of text otherwise. */
const LABEL_NAMES = ["name", "nom", "label", "title", "zone", "id"];

/**
 * Read zones: each attribute is a column of the table.
 *
 * @param path A file of vectors, such as `swath stats` writes.
 * @param map The map that they are shown on; null where there is none.
 * @param classes Classes of the map. A column `<class>_share` or `share_<class>` is the share of that class.
 * @throws {InputError} If the file cannot be read, has no zones, or its CRS does not lead to the map's.
 */
export async function readZones(
  path: string,
  map: RasterInfo | null,
  classes: readonly ClassInfo[],
): Promise<PageZones> {
  using reader = await openFeatures(path);
  const columns: string[] = reader.fields?.map(({ name }) => name) ?? [];
  const zones: PageZone[] = [];
  const { crs: mapCrs, transform } = map?.georeference ?? { crs: null, transform: null };
  for await (const { id, geometry, properties } of reader.features()) {
    if (zones.length === MOST_ZONES) {
      throw new InputError(
        `Cannot report on ${JSON.stringify(path)} as it has more than ${MOST_ZONES} zones`,
      );
    }
    for (const name of Object.keys(properties)) if (!columns.includes(name)) columns.push(name);
    if (columns.length === 0) columns.push("id");
    const moved = geometry === null || mapCrs === null || transform === null || reader.crs === null
      ? null
      : await reprojectGeometry(geometry, reader.crs, mapCrs, {
        tolerance: TOLERANCE * Math.abs(transform?.[1] ?? 1),
      });
    zones.push({
      cells: columns.map((name) => cellOf(properties[name] ?? (name === "id" ? id : null))),
      rings: moved === null || map === null
        ? []
        : polygonsOf(moved).flatMap((rings) => rings.map((ring) => pixelsOf(ring, map))),
    });
  }
  if (zones.length === 0) {
    throw new InputError(`Cannot report on ${JSON.stringify(path)} as it has no zones`);
  }
  const filled = zones.map(({ cells, rings }) => ({
    cells: columns.map((_, index) => cells[index] ?? null),
    rings,
  }));
  return {
    columns,
    label: labelColumn(columns, filled),
    shares: classes.map(({ name }) => shareColumn(columns, name)),
    zones: filled,
  };
}

function cellOf(value: unknown): string | number | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "string" || typeof value === "number") return value;
  return typeof value === "boolean" ? String(value) : JSON.stringify(value);
}

/** Positions in pixels of the map, to a hundredth. */
function pixelsOf(ring: readonly (readonly number[])[], { georeference }: RasterInfo): number[] {
  const [x0, a, b, y0, d, e] = georeference.transform!;
  const determinant = a * e - b * d;
  const round = (value: number) => Math.round(value * 100) / 100;
  return ring.flatMap(([x, y]) => {
    const [dx, dy] = [x! - x0, y! - y0];
    return [round((dx * e - dy * b) / determinant), round((dy * a - dx * d) / determinant)];
  });
}

function labelColumn(columns: readonly string[], zones: readonly PageZone[]): number {
  for (const wanted of LABEL_NAMES) {
    const found = columns.findIndex((name) => name.toLowerCase() === wanted);
    if (found >= 0) return found;
  }
  const text = columns.findIndex((_, index) =>
    zones.every(({ cells }) => typeof cells[index] === "string")
  );
  return Math.max(0, text);
}

function shareColumn(columns: readonly string[], className: string): number | null {
  const fold = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "_");
  const wanted = [`${fold(className)}_share`, `share_${fold(className)}`];
  const index = columns.findIndex((name) => wanted.includes(fold(name)));
  return index < 0 ? null : index;
}
