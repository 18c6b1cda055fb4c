/**
 * Names and colours of classes as options give them.
 *
 * @module
 */
import {
  type ClassInfo,
  InputError,
  openRaster,
  readClassList,
  readLegend,
  recolorClasses,
} from "../mod.ts";

/** What options say of classes. */
export interface ClassOptions {
  /** `--classes`: names in the order of their numbers, or what has them. */
  readonly classes?: string | undefined;
  /** `--palette`: colours. */
  readonly palette?: string | undefined;
}

/**
 * The classes under the names and in the colours of the options.
 *
 * @param own What the data says of its classes; null where it says nothing.
 * @param options What is to count instead.
 * @returns Null where nobody says anything.
 * @throws {InputError} If a file cannot be read or used.
 */
export async function chosenClasses(
  own: readonly ClassInfo[] | null,
  { classes, palette }: ClassOptions,
): Promise<readonly ClassInfo[] | null> {
  const named = classes === undefined ? own : await namedClasses(classes);
  if (palette === undefined) return named;
  return recolorClasses(named, await readLegend(palette), palette);
}

/**
 * Classes as an option names them: those of a map, names, or what else `readClassList` understands.
 *
 * @param text What was given.
 * @throws {InputError} If it cannot be read, or says nothing of classes.
 */
export async function namedClasses(text: string): Promise<readonly ClassInfo[]> {
  if (!/\.tiff?$/i.test(text)) return await readClassList(text);
  const raster = await openRaster(text);
  raster.close();
  if (raster.info.classes !== null) return raster.info.classes;
  throw new InputError(`Cannot take classes from ${JSON.stringify(text)} as it names none`);
}
