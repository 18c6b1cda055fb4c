/**
 * Definitions of coordinate reference systems by their EPSG code, as PROJ strings, offline.
 *
 * Two packages have them. proj4-list is older, and its datum shifts are right; epsg-index has the
 * systems of today, and turns the rotations of many shifts the wrong way, which costs a hundred metres
 * and more. So the first is asked first, and a rotation of the second is not believed.
 *
 * @module
 */

/** The definition of a code. */
export interface EpsgDefinition {
  /** Name, such as `RGF93 v1 / Lambert-93`. */
  readonly name: string;
  /** PROJ string. */
  readonly proj: string;
}

/**
 * Grids of datum shifts are files of many megabytes. The transformations of a few parameters that
 * stand for them here are off by metres, as EPSG and NIMA's TR8350.2 say.
 */
const INSTEAD_OF_GRIDS: readonly (readonly [grid: RegExp, parameters: string])[] = [
  [/OSTN15/i, "446.448,-125.157,542.06,0.15,0.247,0.842,-20.489"],
  [/BETA2007/i, "598.1,73.7,418.2,0.202,0.045,-2.455,6.7"],
  [/nzgd2kgrid/i, "59.47,-5.04,187.44,0.47,-0.1,1.024,-4.5993"],
  [/NTv2_0|May76|CQ77/i, "-10,158,187,0,0,0,0"],
  [/National 84/i, "-134,-48,149,0,0,0,0"],
  [/CA7072|CA61/i, "-206,172,-6,0,0,0,0"],
];

/** Those that most scenes and most zones are in, so that nothing has to be looked up. */
function wellKnown(code: number): EpsgDefinition | null {
  if (code === 4326) return { name: "WGS 84", proj: "+proj=longlat +datum=WGS84 +no_defs" };
  const zone = code % 100;
  if (zone < 1 || zone > 60) return null;
  if (code - zone === 32600) return utm(`WGS 84 / UTM zone ${zone}N`, zone, "+datum=WGS84");
  if (code - zone === 32700) return utm(`WGS 84 / UTM zone ${zone}S`, zone, "+south +datum=WGS84");
  return null;
}

function utm(name: string, zone: number, rest: string): EpsgDefinition {
  return { name, proj: `+proj=utm +zone=${zone} ${rest} +units=m +no_defs` };
}

/**
 * Look a code up.
 *
 * @param code Number of the code.
 * @returns Its definition; null where there is none, where it is no horizontal system, or where it
 * needs a datum shift that is not known.
 */
export async function epsgDefinition(code: number): Promise<EpsgDefinition | null> {
  const known = wellKnown(code);
  if (known !== null) return known;
  const entry = await indexEntry(code);
  const name = entry?.name ?? `EPSG:${code}`;
  const grid = /\+nadgrids=("[^"]*"|\S+)/.exec(entry?.proj ?? "");
  if (entry !== null && grid !== null && grid[1] !== "@null") {
    const [, parameters] = INSTEAD_OF_GRIDS.find(([pattern]) => pattern.test(grid[1]!)) ?? [];
    if (parameters !== undefined) {
      return { name, proj: entry.proj.replace(grid[0], `+towgs84=${parameters}`) };
    }
  }
  const { default: list } = await import("proj4-list");
  const listed = (list as Readonly<Record<string, readonly string[]>>)[`EPSG:${code}`]?.[1];
  if (listed?.includes("+proj=")) return { name, proj: listed };
  return entry === null || grid !== null || hasRotation(entry.proj) ? null : entry;
}

/**
 * A code's definition as WKT, for files that want one.
 *
 * @returns Null where there is none.
 */
export async function epsgWkt(code: number): Promise<string | null> {
  const wkt = (await readIndex(code))?.wkt;
  return typeof wkt === "string" && wkt !== "" ? wkt : null;
}

async function indexEntry(code: number): Promise<EpsgDefinition | null> {
  const entry = await readIndex(code);
  if (typeof entry?.proj4 !== "string" || !entry.proj4.includes("+proj=")) return null;
  return { name: String(entry.name), proj: entry.proj4 };
}

/** What epsg-index has: a file for each code, as all of them together are 8 MB. */
async function readIndex(
  code: number,
): Promise<{ readonly name?: unknown; readonly proj4?: unknown; readonly wkt?: unknown } | null> {
  // The path is put together here so that no one tries to give 8,000 files a type. One of them is named, as
  // otherwise Deno would not fetch the package with all others, but when a code is first looked up.
  const file: string = `epsg-index/s/${code}.json`;
  try {
    return code === 4326
      ? (await import("epsg-index/s/4326.json", { with: { type: "json" } })).default
      : (await import(file, { with: { type: "json" } })).default;
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

function hasRotation(proj: string): boolean {
  const shift = /\+towgs84=(\S+)/.exec(proj)?.[1]?.split(",").map(Number) ?? [];
  return shift.slice(3, 6).some((angle) => angle !== 0);
}
