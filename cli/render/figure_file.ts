/**
 * Figures as files: PNG, WebP or SVG, by the extension of the name.
 *
 * @module
 */
import {
  drawMapFigure,
  encodePng,
  encodeWebp,
  type MapFigureOptions,
  MAX_WEBP_SIDE,
  type NdArray,
  renderSvg,
  renderSvgPixels,
  writeFileAtomic,
} from "../../mod.ts";
import { CommandError } from "../errors.ts";

/** Kinds of pictures by extension. */
export const PICTURE_EXTENSIONS = [".png", ".webp", ".svg"] as const;

/** Pixels for each unit of a drawing, so that it is sharp in print. */
export const FIGURE_SCALE = 2;

/** What a file's extension says of its kind. */
export type PictureKind = "png" | "webp" | "svg";

/**
 * The kind of a picture.
 *
 * @param path Name of the file.
 * @param kinds Those that are possible; all where left out.
 * @throws {CommandError} If the extension is none of them.
 */
export function pictureKind<Kind extends PictureKind = PictureKind>(
  path: string,
  kinds: readonly Kind[] = PICTURE_EXTENSIONS.map((extension) => extension.slice(1) as Kind),
): Kind {
  const extension = /\.(\w+)$/.exec(path.toLowerCase())?.[1];
  const kind = kinds.find((kind) => kind === extension);
  if (kind !== undefined) return kind;
  const names = kinds.map((kind) => `.${kind}`);
  throw new CommandError(
    `Cannot draw into "${path}": expected a name that ends in ${names.slice(0, -1).join(", ")} or ${
      names.at(-1)
    }`,
  );
}

/**
 * Write a drawing.
 *
 * @param path The file; its extension says what it becomes.
 * @param svg The drawing, on an opaque ground.
 * @param options Whether a file may be replaced.
 */
export async function writeDrawing(
  path: string,
  svg: string,
  options: { readonly overwrite: boolean },
): Promise<void> {
  const kind = pictureKind(path);
  const scale = FIGURE_SCALE;
  const bytes = kind === "svg"
    ? svg
    : kind === "png"
    ? await renderSvg(svg, { scale })
    : await webp(path, await renderSvgPixels(svg, { scale }));
  await writeFileAtomic(path, bytes, options);
}

/** Write a figure of maps; see {@linkcode writeDrawing}. */
export async function writeFigure(
  path: string,
  figure: MapFigureOptions,
  options: { readonly overwrite: boolean },
): Promise<void> {
  await writeDrawing(path, drawMapFigure({ ...figure, scale: FIGURE_SCALE }), options);
}

/** Write a picture, pixel by pixel. */
export async function writePicture(
  path: string,
  picture: NdArray<"uint8">,
  options: { readonly overwrite: boolean },
): Promise<void> {
  const kind = pictureKind(path, ["png", "webp"]);
  const bytes = kind === "png" ? encodePng(picture) : await webp(path, picture);
  await writeFileAtomic(path, bytes, options);
}

async function webp(path: string, picture: NdArray<"uint8">): Promise<Uint8Array<ArrayBuffer>> {
  const [height, width] = picture.shape;
  if (Math.max(height!, width!) > MAX_WEBP_SIDE) {
    throw new CommandError(
      `Cannot write "${path}" as WebP has at most ${MAX_WEBP_SIDE} pixels a side: the picture has ${width}x${height}`,
      "Write PNG, or a smaller picture with --size",
    );
  }
  return await encodeWebp(picture);
}
