/** `swath classify`. @module */
import {
  createImageClassifier,
  type ImageClassifier,
  openRaster,
  type RankedClass,
} from "../../mod.ts";
import { defineCommand } from "../command.ts";
import { openModelArgument, renameClasses } from "../model.ts";
import {
  classesOption,
  deviceOption,
  fileArguments,
  formatOption,
  headerOption,
  modelArgument,
  threadsOption,
} from "../options.ts";
import { message, object, option, withDefault } from "../optique.ts";
import { type Column, formatTable, TABLE_FORMATS } from "../table.ts";
import { type HttpHeader, RASTER_EXTENSIONS, wholeNumber } from "../values.ts";

export default defineCommand({
  name: "classify",
  summary: "Say what whole images show",
  description: [
    "For networks that give one class to an image, such as SegFormer's encoders with their ImageNet " +
    "classifier (nvidia/mit-b0 … nvidia/mit-b5). Prints the most probable classes with their " +
    "probabilities.",
    "Images are resized, rescaled and normalized as the model's preprocessor_config.json says; resizing " +
    "is Pillow's. A picture (PNG, JPEG) becomes RGB for a model of three bands: grey is repeated, " +
    "an alpha channel is dropped. Of a GeoTIFF, the bands that the model names are taken, and pixels " +
    "without data become the band's mean.",
  ],
  examples: [
    { note: "What a photo shows", command: "swath classify classifier/ photo.png" },
    {
      note: "The best class alone, for a program",
      command: "swath classify classifier/ photo.png --top 1 --format csv",
    },
  ],
  parser: object({
    model: modelArgument(),
    images: fileArguments("IMAGE", "PNG, JPEG or GeoTIFF: path or URL", {
      type: "file",
      extensions: RASTER_EXTENSIONS,
    }),
    top: withDefault(
      option("--top", wholeNumber("COUNT", { min: 1 }), {
        description: message`Classes to print for each image`,
      }),
      5,
    ),
    classes: classesOption(),
    device: deviceOption(),
    threads: threadsOption(),
    headers: headerOption(),
    format: formatOption(TABLE_FORMATS, "Format of the output; table where left out"),
  }),
  async run({ model: source, images, top, classes: names, device, threads, headers, format }, io) {
    using model = await openModelArgument(io, source);
    const classifier = createImageClassifier(model, {
      device,
      ...(threads !== undefined && { threads }),
    });
    model.close();
    const rows: Row[] = [];
    const progress = io.progress("Classifying", "images", images.length);
    try {
      const classes = await renameClasses(classifier.classes, names);
      for (const [done, image] of images.entries()) {
        progress.update(done);
        const ranking = await classifyFile(classifier, image, headers);
        ranking.slice(0, top).forEach(({ label, probability }, index) =>
          rows.push({ image, rank: index + 1, label, name: classes[label]!.name, probability })
        );
      }
    } finally {
      progress.finish();
      await classifier.release();
    }
    const columns = images.length > 1 || (format ?? "table") !== "table"
      ? COLUMNS
      : COLUMNS.filter(({ key }) => key !== "image");
    await io.write(formatTable(columns, rows, format ?? "table"));
  },
});

async function classifyFile(
  classifier: ImageClassifier,
  image: string,
  headers: readonly HttpHeader[],
): Promise<RankedClass[]> {
  const raster = await openRaster(image, {
    headers: Object.fromEntries(headers.map(({ name, value }) => [name, value])),
  });
  try {
    return await classifier.classify(raster);
  } finally {
    raster.close();
  }
}

/** A class of an image. */
interface Row {
  readonly image: string;
  readonly rank: number;
  readonly label: number;
  readonly name: string;
  readonly probability: number;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: "image", key: "image", value: ({ image }) => image },
  { title: "rank", key: "rank", value: ({ rank }) => rank },
  { title: "class", key: "class", value: ({ name }) => name },
  { title: "label", key: "label", value: ({ label }) => label },
  {
    title: "probability",
    key: "probability",
    value: ({ probability }) => probability,
    format: ({ probability }) => `${(100 * probability).toFixed(2)}%`,
  },
];
