/** `swath render`. @module */
import { basename } from "node:path";
import {
  bandIndex,
  type ClassInfo,
  drawRaster,
  type FigurePanel,
  INDEX_NAMES,
  type LookOptions,
  type Picture,
  type PictureGround,
  RAMP_NAMES,
  readLegend,
  SHOWN_ARRAYS,
  type ShownArray,
  StreamPainter,
} from "../../mod.ts";
import { namedClasses } from "../classes.ts";
import { defineCommand } from "../command.ts";
import { CommandError } from "../errors.ts";
import type { CommandIo } from "../io.ts";
import {
  bandsOption,
  classesOption,
  headerOption,
  outputOption,
  overwriteOption,
  paletteOption,
} from "../options.ts";
import {
  argument,
  flag,
  message,
  multiple,
  object,
  option,
  optional,
  string,
  withDefault,
} from "../optique.ts";
import { OutputNames } from "../output_names.ts";
import { FIGURE_SCALE, pictureKind, writeFigure, writePicture } from "../render/figure_file.ts";
import { readPatches } from "../stream.ts";
import {
  decimalNumber,
  nameList,
  oneOf,
  path,
  percentiles,
  pixelWindow,
  RASTER_EXTENSIONS,
  valueRange,
  wholeNumber,
} from "../values.ts";

/** Pixels of the longer side of a panel. */
const DEFAULT_SIZE = 1024;

export default defineCommand({
  name: "render",
  summary: "Draw rasters and patch streams as pictures",
  description: [
    "Draws class maps in their colours with a legend of the classes that are there, other rasters as red, " +
    "green and blue, and single bands or indices along a ramp with a colour bar; several files side by " +
    "side. A picture that knows where it lies gets a scale bar and a north arrow. The extension of -o " +
    "says what is written: .png, .webp (without loss) or .svg.",
    "Rasters that are larger than --size are read from the overview that fits and averaged; of classes, " +
    "the one that most pixels have is shown. So a whole granule takes moments.",
    "A raster of one band is a class map if it has class names or colours, or gets them by --classes or " +
    "--palette; one of 8 bits that says nothing has its numbers as names. Bands are those of natural " +
    "colours where nothing else is said, each stretched between two percentiles; pictures of 8 bits are " +
    "shown as they are. --index takes the name of an index (" + INDEX_NAMES.join(", ") +
    '; over the bands of Sentinel-2) or an expression over band names, such as "(B08 - B04) / (B08 + B04)", ' +
    "with + - * / ^, brackets, abs, exp, log, log10, max, min and sqrt. Values are stored numbers times " +
    "the band's scale, plus its offset.",
    "Without FILE, the patch stream at standard input is drawn: image, label, pred and confidence side by " +
    "side, as far as the samples have them.",
  ],
  examples: [
    { note: "A class map with its legend", command: "swath render map.tif -o map.png" },
    {
      note: "False colours: vegetation is red",
      command: "swath render scene.tif --bands B08,B04,B03 -o scene.webp",
    },
    {
      note: "Scene and truth side by side, in a part of the scene",
      command: "swath render scene.tif truth.tif --window 0,0,128,128 -o both.png",
    },
    {
      note: "Where plants grow",
      command: "swath render scene.tif --index ndvi --range -0.2,0.9 -o ndvi.png",
    },
    {
      note: "The map over the scene",
      command: "swath render map.tif --over scene.tif --opacity 0.5 -o overlay.png",
    },
    {
      note: "Check labels before they are trained on",
      command: "swath tile scene.tif --labels truth.tif | swath render -o labels.png",
    },
  ],
  parser: object({
    files: multiple(
      argument(path("FILE", { extensions: RASTER_EXTENSIONS }), {
        description:
          message`Raster: GeoTIFF, PNG or JPEG, path or URL, or the folder of a scene; the stream at standard input where left out`,
      }),
    ),
    output: outputOption(
      "Picture to write: .png, .webp or .svg; {scene} stands for the name of each scene of a stream",
    ),
    bands: bandsOption("Three bands for red, green and blue, or one, by name or number from 1"),
    index: optional(
      option("--index", string({ metavar: "INDEX" }), {
        description: message`Show an index by its name, or an expression over bands`,
      }),
    ),
    stretch: optional(
      option("--stretch", percentiles(), {
        description: message`Percentiles that become the ends of the colours; 2,98 by default`,
      }),
    ),
    range: optional(
      option("--range", valueRange(), {
        description: message`Values that become the ends of the colours, instead of --stretch`,
      }),
    ),
    ramp: withDefault(
      option("--ramp", oneOf("RAMP", RAMP_NAMES), {
        description:
          message`Colours of values; all but brbg and rdylgn go from dark to light, and all but rdylgn can be told apart by the colour-blind`,
      }),
      "viridis" as const,
    ),
    over: optional(
      option("--over", path("SCENE", { extensions: RASTER_EXTENSIONS }), {
        description: message`Lay class maps over this scene of the same pixels`,
      }),
    ),
    opacity: optional(
      option("--opacity", decimalNumber("SHARE", { min: 0, max: 1 }), {
        description: message`How much a map covers the scene below; 0.6 by default`,
      }),
    ),
    window: optional(
      option("--window", pixelWindow(), {
        description: message`Part to show: first column, first row, columns, rows`,
      }),
    ),
    size: withDefault(
      option("--size", wholeNumber("PIXELS", { min: 16, max: 16_384 }), {
        description: message`Longer side of each picture`,
      }),
      DEFAULT_SIZE,
    ),
    show: optional(
      option("--show", nameList("ARRAYS"), {
        description: message`Arrays of a stream to show: image, label, pred, confidence`,
      }),
    ),
    classes: classesOption(),
    palette: paletteOption(),
    title: optional(
      option("--title", string({ metavar: "TEXT" }), { description: message`Headline` }),
    ),
    captions: optional(
      option("--captions", nameList("TEXTS"), {
        description:
          message`Headings of the pictures, separated by commas; names of files by default`,
      }),
    ),
    plain: withDefault(
      flag("--plain", {
        description:
          message`The picture alone, a pixel for a pixel, transparent where there is no data`,
      }),
      false,
    ),
    header: headerOption(),
    overwrite: overwriteOption(),
  }),
  async run({ files, output, plain, over, opacity, window, size, show, header, ...rest }, io) {
    const { bands, index, stretch, range, ramp, classes, palette, overwrite } = rest;
    pictureKind(output, plain ? ["png", "webp"] : ["png", "webp", "svg"]);
    if (range !== undefined && stretch !== undefined) {
      throw new CommandError(
        "Either --range or --stretch says what becomes the ends of the colours",
      );
    }
    if (opacity !== undefined && over === undefined) {
      throw new CommandError("--opacity goes with --over");
    }
    if (index !== undefined && bands !== undefined && over === undefined) {
      throw new CommandError("Either --bands or --index says what is shown");
    }
    const look: LookOptions = {
      ramp,
      ...(bands === undefined ? {} : { bands }),
      ...(index === undefined ? {} : { index: bandIndex(index) }),
      ...(stretch === undefined ? {} : { percentiles: stretch }),
      ...(range === undefined ? {} : { range }),
      ...(classes === undefined ? {} : { classes: await namedClasses(classes) }),
      ...(palette === undefined
        ? {}
        : { legend: { entries: await readLegend(palette), source: palette } }),
    };
    const drawing = { ...rest, output, plain, size, overwrite };
    if (files.length === 0) {
      if (over !== undefined) throw new CommandError("--over goes with files, not with a stream");
      if (window !== undefined) {
        throw new CommandError("--window goes with files", "Cut the part with swath tile --window");
      }
      const arrays = show?.map((name) => shownArray(name));
      return await drawStream(
        { ...look, maxSide: size, ...(arrays === undefined ? {} : { arrays }) },
        drawing,
        io,
      );
    }
    if (show !== undefined) throw new CommandError("--show goes with a stream, not with files");
    const panels: ShownPanel[] = [];
    for (const file of files) {
      const { info: _info, ...picture } = await drawRaster(file, {
        ...look,
        maxSide: size,
        headers: Object.fromEntries(header.map(({ name, value }) => [name, value])),
        ...(window === undefined ? {} : { window }),
        ...(over === undefined ? {} : { over }),
        ...(opacity === undefined ? {} : { opacity }),
      });
      panels.push({ ...picture, name: basename(file) });
    }
    await writePanels(panels, drawing, io);
  },
});

/** A picture with where it lies and what it is called. */
interface ShownPanel extends Picture {
  readonly name: string;
  readonly ground: PictureGround | null;
}

/** How the pictures are put together. */
interface DrawingOptions {
  readonly output: string;
  readonly plain: boolean;
  readonly size: number;
  readonly overwrite: boolean;
  readonly title?: string | undefined;
  readonly captions?: readonly string[] | undefined;
}

/** A picture for each scene of the stream. */
async function drawStream(
  options: ConstructorParameters<typeof StreamPainter>[1],
  drawing: DrawingOptions,
  io: CommandIo,
): Promise<void> {
  const names = new OutputNames(drawing.output);
  let painter: StreamPainter | null = null;
  let output = "";
  let finished: (() => Promise<void>) | null = null;
  for await (const item of readPatches(io, "Drawing")) {
    if (item.type === "header") {
      output = names.next(item.header.scene?.name ?? "");
      painter = new StreamPainter(item.header, options);
    } else if (item.type === "sample") {
      painter!.add(item.sample);
    } else {
      const { pictures, ground } = await painter!.finish();
      const panels = pictures.map(({ array, ...picture }) => ({ ...picture, name: array, ground }));
      const target = output;
      finished = () => writePanels(panels, { ...drawing, output: target }, io);
      if (names.isPattern) {
        await finished();
        finished = null;
      }
    }
  }
  // One picture waits for the end of the stream, as what follows may be a second scene or damage.
  await finished?.();
}

async function writePanels(
  panels: readonly ShownPanel[],
  { output, plain, size, overwrite, title, captions }: DrawingOptions,
  io: CommandIo,
): Promise<void> {
  if (captions !== undefined && captions.length !== panels.length) {
    throw new CommandError(
      `Cannot head ${panels.length} ${
        panels.length === 1 ? "picture" : "pictures"
      } with ${captions.length} captions`,
    );
  }
  if (plain) {
    const [panel, ...others] = panels;
    if (others.length > 0) {
      throw new CommandError(`--plain draws one picture: there are ${panels.length}`);
    }
    await writePicture(output, panel!.picture, { overwrite });
  } else {
    const figure = {
      ...(title === undefined ? {} : { title }),
      panels: panels.map((panel, index) =>
        figurePanel(panel, captions?.[index], panels[index - 1])
      ),
      classes: legendOf(panels),
      panelSize: size / FIGURE_SCALE,
    };
    await writeFigure(output, figure, { overwrite });
  }
  const shown = panels.map(({ picture: { shape: [height, width] } }) => `${width}x${height}`);
  io.info(`wrote ${output}, ${[...new Set(shown)].join(", ")} pixels`);
}

/** A scale bar and a north arrow are drawn where they differ from those of the picture before. */
function figurePanel(
  { name, caption, picture, ground, values }: ShownPanel,
  heading: string | undefined,
  before: ShownPanel | undefined,
): FigurePanel {
  const isKnown = before !== undefined && ground !== null && before.ground !== null &&
    before.picture.shape.join() === picture.shape.join() &&
    before.ground.metresPerPixel === ground.metresPerPixel && before.ground.north === ground.north;
  return {
    title: heading ?? (caption === "" || values !== null ? name : `${name}: ${caption}`),
    picture,
    ...(ground === null || isKnown ? {} : { ground }),
    ...(values === null ? {} : { values }),
  };
}

/** Classes of all pictures, each once. */
function legendOf(panels: readonly ShownPanel[]): ClassInfo[] {
  const classes = new Map<string, ClassInfo & { value: number }>();
  for (const shown of panels.flatMap(({ classes }) => classes)) {
    classes.set(`${shown.name}\n${shown.color}`, shown);
  }
  return [...classes.values()].sort((a, b) => a.value - b.value);
}

function shownArray(name: string): ShownArray {
  const array = SHOWN_ARRAYS.find((known) => known === name);
  if (array !== undefined) return array;
  throw new CommandError(`Cannot show "${name}": expected ${SHOWN_ARRAYS.join(", ")}`);
}
