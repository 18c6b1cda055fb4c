/**
 * Folders of pictures as data sets: what `tile` does with them.
 *
 * @module
 */
import {
  type ClassInfo,
  isPictureFolder,
  listPictures,
  PICTURE_FITS,
  type PictureFit,
  type PictureFitMode,
  pictureStream,
  readModelPreprocessor,
  readPictureProcessor,
  type StreamItem,
} from "../../mod.ts";
import { CommandError } from "../errors.ts";
import type { CommandIo } from "../io.ts";
import { flag, message, option, optional, withDefault } from "../optique.ts";
import { oneOf, path } from "../values.ts";

/** Options that folders of pictures have besides those of scenes. */
export interface PictureOptions {
  readonly fit: PictureFitMode | undefined;
  readonly reduceLabels: boolean;
  readonly preprocessor: string | undefined;
}

/** Their parsers, to be spread into those of `tile`. */
export function pictureOptions() {
  return {
    fit: optional(
      option("--fit", oneOf("WAY", PICTURE_FITS), {
        description:
          message`How pictures of a folder come to --size: not at all (the default), stretched, the middle cut out of them, or filled up`,
      }),
    ),
    reduceLabels: withDefault(
      flag("--reduce-labels", {
        description:
          message`Labels of pictures count from 1: 0 becomes 255 (no class), 1 becomes 0, …`,
      }),
      false,
    ),
    preprocessor: optional(
      option("--preprocessor", path("MODEL"), {
        description:
          message`Resize pictures, and reduce their labels, as the preprocessor_config.json of this model says`,
      }),
    ),
  };
}

/** What `tile` was told, as far as pictures are concerned. */
export interface PictureChoice extends PictureOptions {
  readonly scenes: readonly string[];
  readonly labels: readonly string[];
  readonly size: number;
}

/**
 * The stream of a folder of pictures.
 *
 * @returns Null if the scenes are not one folder of pictures.
 * @throws {CommandError} If an option of pictures is given without one.
 */
export async function picturesOf(
  choice: PictureChoice,
  classes: readonly ClassInfo[] | null,
  io: CommandIo,
): Promise<AsyncGenerator<StreamItem, void, undefined> | null> {
  const { scenes: [folder, ...others], labels } = choice;
  if (folder === undefined || others.length > 0 || !await isPictureFolder(folder)) {
    const given = choice.fit !== undefined
      ? "--fit"
      : choice.reduceLabels
      ? "--reduce-labels"
      : choice.preprocessor === undefined
      ? null
      : "--preprocessor";
    if (given === null) return null;
    throw new CommandError(`${given} goes with a folder of pictures (PNG, JPEG)`);
  }
  if (labels.length > 1) {
    throw new CommandError("The labels of a folder of pictures are one folder");
  }
  const { fit, reduceLabels } = await fitOf(choice);
  const files = await listPictures(folder, labels[0] ?? null);
  const progress = io.progress("Reading", "pictures", files.length);
  return pictureStream(files, {
    fit,
    classes,
    reduceLabels,
    history: [io.commandLine],
    onProgress: (done, total) => {
      progress.update(done);
      if (done === total) progress.finish();
    },
  });
}

async function fitOf(
  { fit = "none", size, reduceLabels, preprocessor }: PictureChoice,
): Promise<{ readonly fit: PictureFit; readonly reduceLabels: boolean }> {
  const plain: PictureFit = fit === "none"
    ? { mode: fit }
    : { mode: fit, size: { height: size, width: size }, filter: "bilinear" };
  if (preprocessor === undefined) return { fit: plain, reduceLabels };
  if (fit !== "none") {
    throw new CommandError("--fit and --preprocessor exclude one another, as both say the size");
  }
  const { config, path } = await readModelPreprocessor(preprocessor);
  const { resize, reduceLabels: reduces } = readPictureProcessor(config, path);
  return {
    fit: resize === null ? plain : { mode: "stretch", ...resize },
    reduceLabels: reduceLabels || reduces,
  };
}
