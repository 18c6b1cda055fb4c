/**
 * Bands by name or number.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import type { RasterInfo } from "../raster/mod.ts";
import { abbreviateList, nearMiss } from "../text/mod.ts";

/**
 * Find bands of a raster.
 *
 * @param raster The raster.
 * @param wanted Names, such as `B04`, or 1-based numbers; a name counts before a number.
 * @returns Zero-based band numbers in the order wanted.
 * @throws {InputError} If there is no such band, or one is named twice.
 *
 * @example
 * ```ts
 * import { selectBands } from "swath";
 *
 * const raster = {
 *   source: "a.tif",
 *   bands: ["B02", "B03", "B04"].map((name) => ({ name, scale: 1, offset: 0 })),
 * };
 * if (selectBands(raster, ["B04", "1"]).join() !== "2,0") throw new Error("wrong bands");
 * ```
 */
export function selectBands(
  raster: Pick<RasterInfo, "source" | "bands">,
  wanted: readonly string[],
): number[] {
  const names = raster.bands.map((band) => band.name);
  const selected = wanted.map((name) => {
    const byName = names.indexOf(name);
    if (byName >= 0) return byName;
    const number = /^\d+$/.test(name) ? Number(name) : 0;
    if (number >= 1 && number <= names.length) return number - 1;
    const near = nearMiss(name, names);
    throw new InputError(
      `Cannot find band "${name}" in "${raster.source}": it has ${names.length} bands, ${
        abbreviateList(names)
      }`,
      near === null ? {} : { hint: `did you mean "${near}"?` },
    );
  });
  const repeated = selected.findIndex((band, index) => selected.indexOf(band) !== index);
  if (repeated >= 0) {
    throw new InputError(`Band "${wanted[repeated]}" of "${raster.source}" is asked for twice`);
  }
  return selected;
}
