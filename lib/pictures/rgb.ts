/** Pictures as RGB. @module */
import { isDataType, type NdArray, ndarray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import type { RasterInfo } from "../raster/mod.ts";

/**
 * A picture as RGB, as Pillow's `convert("RGB")` has it: grey is repeated, colours of a palette are looked up, an
 * alpha channel is dropped.
 *
 * @param image Shape (C, H, W), 8 bits.
 * @param info The picture, with its palette.
 * @returns Shape (3, H, W).
 * @throws {InputError} If it does not have 8 bits.
 */
export function pictureToRgb(image: NdArray, info: RasterInfo): NdArray<"uint8"> {
  const [bands, height, width] = image.shape as [number, number, number];
  if (!isDataType(image, "uint8")) {
    throw new InputError(
      `Cannot use "${info.source}" as a picture as its pixels are ${image.dtype}: expected 8 bits`,
    );
  }
  const plane = height * width;
  const rgb = ndarray("uint8", [3, height, width]);
  for (let band = 0; band < 3; band++) {
    const target = rgb.data.subarray(band * plane, (band + 1) * plane);
    if (info.classes !== null && bands === 1) {
      const levels = info.classes.map(({ color }) =>
        Number.parseInt(color.slice(1 + 2 * band, 3 + 2 * band), 16)
      );
      image.data.forEach((index, pixel) => target[pixel] = levels[index] ?? 0);
    } else {
      const from = bands >= 3 ? band : 0;
      target.set(image.data.subarray(from * plane, (from + 1) * plane));
    }
  }
  return rgb;
}
