/**
 * Label rasters: that they fit the scene, and their pixels as class indices.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import { IGNORE_LABEL } from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import type { GeoTransform, PixelWindow } from "../geo/mod.ts";
import type { RasterInfo, RasterPixels } from "../raster/mod.ts";

/** Share of a pixel by which corners may differ before two rasters count as shifted. */
const CORNER_TOLERANCE = 0.01;

/**
 * Check that labels lie on the scene pixel by pixel. Where one of them states no CRS or no transform,
 * that is not compared.
 *
 * @param scene The scene, or a map of it.
 * @param labels The labels: one band, the scene's size and place.
 * @param words What the two are to the user.
 * @throws {InputError} If size, CRS or transform differ, or the labels have several bands.
 */
export function checkLabelRaster(
  scene: RasterInfo,
  labels: RasterInfo,
  words: { readonly labels: string; readonly ofScene: string } = {
    labels: "Labels",
    ofScene: "the scene's",
  },
): void {
  const fault = (what: string, ofLabels: string, ofScene: string) =>
    new InputError(
      `${words.labels} "${labels.source}" do not lie on "${scene.source}": ${what} is ${ofLabels}, ${words.ofScene} is ${ofScene}`,
    );
  if (labels.bands.length !== 1) {
    throw new InputError(
      `${words.labels} "${labels.source}" have ${labels.bands.length} bands: expected 1 band of class indices`,
    );
  }
  if (labels.width !== scene.width || labels.height !== scene.height) {
    throw fault(
      "their size",
      `${labels.width}x${labels.height}`,
      `${scene.width}x${scene.height}`,
    );
  }
  const [a, b] = [labels.georeference, scene.georeference];
  if (a.crs !== null && b.crs !== null && a.crs !== b.crs) throw fault("their CRS", a.crs, b.crs);
  if (
    a.transform !== null && b.transform !== null &&
    !sameCorners(a.transform, b.transform, scene.width, scene.height)
  ) {
    throw fault("their transform", `[${a.transform.join(", ")}]`, `[${b.transform.join(", ")}]`);
  }
}

/** True if both transforms put the corners of the raster at the same places. */
function sameCorners(a: GeoTransform, b: GeoTransform, width: number, height: number): boolean {
  const [, xColumn, xRow, , yColumn, yRow] = b;
  const pixel = Math.sqrt(Math.abs(xColumn * yRow - xRow * yColumn));
  const place = ([x0, dxc, dxr, y0, dyc, dyr]: GeoTransform, column: number, row: number) =>
    [x0 + dxc * column + dxr * row, y0 + dyc * column + dyr * row] as const;
  return [[0, 0], [width, 0], [0, height], [width, height]].every(([column, row]) => {
    const [ax, ay] = place(a, column!, row!);
    const [bx, by] = place(b, column!, row!);
    return Math.hypot(ax - bx, ay - by) <= CORNER_TOLERANCE * pixel;
  });
}

/**
 * Class indices of a window of a label raster.
 *
 * @param pixels What the raster gave for the window, shape (1, H, W).
 * @param window The window, for messages.
 * @param source Path of the raster, for messages.
 * @param classCount Number of classes; null where unknown.
 * @returns Shape (H, W): 0–254, and 255 where the labels have no data or say 255.
 * @throws {InputError} If a value is neither a class nor 255; it names the first one and its place.
 */
export function labelIndices(
  pixels: RasterPixels,
  window: PixelWindow,
  source: string,
  classCount: number | null = null,
): NdArray<"uint8"> {
  const end = classCount ?? IGNORE_LABEL;
  const labels = ndarray("uint8", [window.height, window.width]);
  const { data } = pixels.image;
  const valid = pixels.valid.data;
  for (let i = 0; i < labels.data.length; i++) {
    if (valid[i] === 0) {
      labels.data[i] = IGNORE_LABEL;
      continue;
    }
    const value = Number(data[i]);
    const isClass = Number.isInteger(value) && value >= 0 && value < end;
    if (!isClass && value !== IGNORE_LABEL) {
      const column = window.x + i % window.width;
      const row = window.y + Math.floor(i / window.width);
      throw new InputError(
        `Label ${value} at column ${column}, row ${row} of "${source}" is not ${
          classCount === null ? "a class" : `one of the ${classCount} classes`
        }: expected an integer from 0 to ${end - 1}, or ${IGNORE_LABEL} for pixels to ignore`,
      );
    }
    labels.data[i] = value;
  }
  return labels;
}
