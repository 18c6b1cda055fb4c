/**
 * How far an earlier run of the same map has come.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { statOrNull, withFileErrors } from "../files/mod.ts";
import { openRaster } from "../raster/mod.ts";
import type { StreamHeader } from "../stream/mod.ts";
import { differenceOf, identityOf } from "./map_identity.ts";
import { PARTIAL_SUFFIX, readPartialMap } from "./partial_map.ts";
import { mapArea, sceneOf } from "./stitch.ts";

/**
 * Count the rows of a map that need not be made again: all of a finished map, or those that
 * {@linkcode openPartialMap} has put aside beside it.
 *
 * @param map Path of the map.
 * @param header Header of the segment that it is to be made of, as `tile` begins it.
 * @returns Rows from the top of the map; 0 where there is none.
 * @throws {InputError} If what is there is of another scene, grid or part, or cannot be read.
 */
export async function finishedRows(map: string, header: StreamHeader): Promise<number> {
  const partial = await readPartialMap(map);
  if (partial !== null) {
    // What comes after tile in the pipe is for stitch to compare.
    const difference = differenceOf(map + PARTIAL_SUFFIX, partial.identity, identityOf(header), [
      "scene",
      "grid",
      "shard",
      "selection",
      "bands",
    ]);
    if (difference !== null) throw difference;
    return partial.rows;
  }
  const made = await withFileErrors("read", map, () => statOrNull(map));
  if (!made?.isFile) return 0;
  const area = mapArea(header);
  const raster = await openRaster(map);
  raster.close();
  const { width, height, georeference } = raster.info;
  const found = `${width}x${height} pixels of ${describePlace(georeference)}`;
  const expected = `${area.width}x${area.height} pixels of ${describePlace(area.georeference)}`;
  if (found === expected) return height;
  throw new InputError(
    `Cannot go on with ${JSON.stringify(map)} as it is no map of "${
      sceneOf(header).name
    }": it has ${found}, expected ${expected}`,
    { hint: "Give it another name, or remove it to begin anew" },
  );
}

function describePlace({ crs, transform }: ReturnType<typeof mapArea>["georeference"]): string {
  return `${crs ?? "no CRS"}, ${transform === null ? "no transform" : `[${transform.join(", ")}]`}`;
}
