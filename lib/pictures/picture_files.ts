/**
 * The pictures of a folder, and which labels belong to them.
 *
 * @module
 */
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { withFileErrors } from "../files/mod.ts";

/** A picture and its labels. */
export interface PictureFile {
  /** Key of its sample: its path in the folder, without extension. */
  readonly key: string;
  /** The picture. */
  readonly image: string;
  /** Its labels; null where none are wanted. */
  readonly label: string | null;
}

const PICTURE = /\.(png|jpe?g)$/i;

/** Rasters that make a folder a scene. */
const SCENE = /\.(tiff?|jp2|vrt|safe|xml|jpw|pgw|tfw)$/i;

/** Endings that data sets give to the names of label files: CamVid, Cityscapes and others. */
const LABEL_ENDINGS = ["", "_L", "_label", "_labels", "_mask", "_gt"];

/**
 * List the pictures of a folder and of its subfolders, in order of their names.
 *
 * Labels are found under the same path in the other folder, as PNG, with the same name or with `_L`, `_label`,
 * `_labels`, `_mask` or `_gt` at its end.
 *
 * @param images Folder of pictures.
 * @param labels Folder of labels; null for none.
 * @throws {InputError} If there are no pictures, one has no labels, or two would have the same key.
 */
export async function listPictures(
  images: string,
  labels: string | null,
): Promise<PictureFile[]> {
  const files = await filesOf(images);
  const pictures = files.filter((file) => PICTURE.test(file));
  if (pictures.length === 0) {
    throw new InputError(`Cannot find a picture (PNG, JPEG) in "${images}"`);
  }
  const known = new Set(labels === null ? [] : await filesOf(labels));
  const keys = new Map<string, string>();
  return pictures.map((picture) => {
    const stem = picture.replace(PICTURE, "");
    // A dot would end the key in the stream.
    const key = stem.replace(/[^\p{L}\p{N}_/-]/gu, "_");
    const other = keys.get(key);
    if (other !== undefined) {
      throw new InputError(
        `Cannot tell "${join(images, other)}" from "${
          join(images, picture)
        }": both would be "${key}"`,
      );
    }
    keys.set(key, picture);
    const label = LABEL_ENDINGS.map((ending) => `${stem}${ending}.png`)
      .find((name) => known.has(name));
    if (labels !== null && label === undefined) {
      throw new InputError(
        `Cannot find the labels of "${join(images, picture)}": expected "${
          join(labels, `${stem}.png`)
        }"`,
        { hint: "The names may also end in _L, _label, _labels, _mask or _gt" },
      );
    }
    return {
      key,
      image: join(images, picture),
      label: label === undefined ? null : join(labels!, label),
    };
  });
}

/**
 * True if a path is a folder of pictures: PNG and JPEG, and nothing that makes it a scene.
 *
 * @param path The path.
 */
export async function isPictureFolder(path: string): Promise<boolean> {
  try {
    if (!(await Deno.stat(path)).isDirectory) return false;
  } catch {
    // Whoever opens it says what is wrong.
    return false;
  }
  const files = await filesOf(path);
  return files.some((file) => PICTURE.test(file)) && !files.some((file) => SCENE.test(file));
}

/** Paths of all files below a folder, in order. */
async function filesOf(folder: string): Promise<string[]> {
  const files: string[] = [];
  const walk = async (path: string) => {
    const where = join(folder, path);
    const entries = await withFileErrors("list", where, () => Array.fromAsync(Deno.readDir(where)));
    for (const { name, isDirectory } of entries) {
      const inside = path === "" ? name : `${path}/${name}`;
      if (name.startsWith(".")) continue;
      if (isDirectory) await walk(inside);
      else files.push(inside);
    }
  };
  await walk("");
  return files.sort((a, b) => a < b ? -1 : 1);
}
