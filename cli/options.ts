/**
 * Options and arguments that several commands share. Each is defined once and means the same
 * everywhere.
 *
 * @module
 */
import {
  DEVICES,
  type GeoTiffCompression,
  IGNORE_LABEL,
  SCHEME_NAMES,
  STREAM_FORMATS,
} from "../mod.ts";
import {
  argument,
  flag,
  type Message,
  message,
  multiple,
  type NonEmptyString,
  option,
  optional,
  text,
  withDefault,
} from "./optique.ts";
import {
  byteCount,
  classList,
  decimalNumber,
  httpHeader,
  LEGEND_EXTENSIONS,
  nameList,
  oneOf,
  path,
  type PathCompletion,
  wholeNumber,
} from "./values.ts";

function missing(metavar: string): { endOfInput: Message } {
  return { endOfInput: message`Missing ${text(metavar)}` };
}

/** A required argument that names a file, directory or URL. */
export function fileArgument(
  metavar: NonEmptyString,
  description: string,
  completion: PathCompletion = {},
) {
  return argument(path(metavar, completion), {
    description: [text(description)],
    errors: missing(metavar),
  });
}

/** One or more arguments that name files, directories or URLs. */
export function fileArguments(
  metavar: NonEmptyString,
  description: string,
  completion: PathCompletion = {},
) {
  return multiple(fileArgument(metavar, description, completion), {
    min: 1,
    errors: { tooFew: message`Missing ${text(metavar)}` },
  });
}

/** Any number of arguments that name files, directories or URLs. */
export function optionalFileArguments(
  metavar: NonEmptyString,
  description: string,
  completion: PathCompletion = {},
) {
  return multiple(fileArgument(metavar, description, completion));
}

/** `MODEL`: a model directory or the name of a model on the hub. */
export function modelArgument() {
  return fileArgument(
    "MODEL",
    "Model directory (config.json, model.safetensors), or a model of the Hugging Face hub",
    { type: "directory" },
  );
}

/** `-o, --output`: a file that appears whole or not at all. */
export function outputOption(description: string, metavar: NonEmptyString = "FILE") {
  return option("-o", "--output", path(metavar), {
    description: [text(description)],
    errors: { missing: message`Missing -o ${text(metavar)}` },
  });
}

/** `--overwrite`: replace what exists. */
export function overwriteOption() {
  return withDefault(
    flag("--overwrite", { description: message`Replace the output if it exists` }),
    false,
  );
}

/** `--format tar|ndjson`: encoding of the patch stream that goes out. */
export function streamFormatOption() {
  return withDefault(
    option("--format", oneOf("FORMAT", STREAM_FORMATS), {
      description: message`Encoding of the patch stream: tar is for pipes and files, ndjson for jq`,
    }),
    "tar" as const,
  );
}

/** `--format` of results. */
export function formatOption<const Format extends string>(
  formats: readonly Format[],
  description = "Format of the output",
) {
  return optional(
    option("--format", oneOf("FORMAT", formats), {
      description: [text(description)],
    }),
  );
}

/** `--json`. */
export function jsonOption() {
  return withDefault(flag("--json", { description: message`Print JSON` }), false);
}

/** `--device`: what a network is computed on. */
export function deviceOption() {
  return withDefault(
    option("--device", oneOf("DEVICE", ["auto", ...DEVICES]), {
      description: message`Where to compute; auto is the fastest that works here`,
    }),
    "auto" as const,
  );
}

/** `--threads`: of the CPU; all cores where left out. */
export function threadsOption() {
  return optional(
    option("--threads", wholeNumber("COUNT", { min: 1, max: 1024 }), {
      description: message`Threads to compute with; all cores by default`,
    }),
  );
}

/** `--batch`: samples that go through the network together. */
export function batchOption(defaultSize = 1) {
  return withDefault(
    option("--batch", wholeNumber("COUNT", { min: 1, max: 4096 }), {
      description: message`Samples that go through the network together`,
    }),
    defaultSize,
  );
}

/** `--bands`: names or one-based numbers, in the order wanted. */
export function bandsOption(
  description = "Bands to take, by name or number from 1, in this order",
) {
  return optional(
    option("--bands", nameList("BANDS"), { description: [text(description)] }),
  );
}

/** `--classes`: names of the classes, from the command line, a file or a scheme. */
export function classesOption(description = "Names of the classes in the order of their numbers") {
  return optional(
    option("--classes", "--labels-map", classList(), {
      description: [text(
        `${description}: separated by commas; a label map or legend, as file or URL (.json, .qml, .sld); a map that has them (.tif); ` +
          `or one of ${SCHEME_NAMES.join(", ")}`,
      )],
    }),
  );
}

/** `--palette`: colours of the classes. */
export function paletteOption() {
  return optional(
    option("--palette", path("FILE", { extensions: LEGEND_EXTENSIONS }), {
      description: [text(
        "Colours of the classes, by their names or numbers: a legend of QGIS (.qml), .sld or .json, or one " +
          `of ${SCHEME_NAMES.join(", ")}`,
      )],
    }),
  );
}

/** `--seed`: the same seed gives the same bytes. */
export function seedOption() {
  return withDefault(
    option("--seed", wholeNumber("SEED", { min: 0 }), {
      description: message`Seed of the random numbers; the same seed gives the same bytes`,
    }),
    0,
  );
}

/** `--ignore-index`: label of pixels that have no class. */
export function ignoreIndexOption() {
  return withDefault(
    option("--ignore-index", wholeNumber("LABEL", { min: 0, max: 255 }), {
      description: message`Label of pixels without a class, which are left out`,
    }),
    IGNORE_LABEL,
  );
}

/** `--compression`: of a GeoTIFF that is written. */
export function compressionOption() {
  const methods = ["deflate", "zstd", "none"] as const satisfies readonly GeoTiffCompression[];
  return withDefault(
    option("--compression", oneOf("METHOD", methods), {
      description: message`Compression of the GeoTIFF; lossless`,
    }),
    "deflate" as const,
  );
}

/** `--header`: of HTTP requests. What it says is not written to a stream's history. */
export function headerOption() {
  return multiple(
    option("--header", httpHeader(), {
      description:
        message`Header of HTTP requests, such as "Authorization: Bearer TOKEN"; may be repeated`,
    }),
  );
}

/** `--size`: of the patches that a scene is cut into. */
export function patchSizeOption() {
  return withDefault(
    option("--size", wholeNumber("PIXELS", { min: 16, max: 65_536 }), {
      description: message`Columns and rows of a patch`,
    }),
    512,
  );
}

/** `--overview`: the reduced-resolution copy of a raster that is read in its place. */
export function overviewOption() {
  return optional(
    option("--overview", wholeNumber("NUMBER", { min: 0 }), {
      description:
        message`Read this overview instead of the full resolution: 0 is the first that info lists`,
    }),
  );
}

/** `--max-memory`: of what is read from a raster; a share of the machine's where left out. */
export function maxMemoryOption() {
  return optional(
    option("--max-memory", byteCount("BYTES", { min: 16 * 2 ** 20 }), {
      description:
        message`Most memory for the pixels of a scene, such as 512M; a quarter of the machine's, at most 1G, by default`,
    }),
  );
}

/** `--min-confidence`: what is too uncertain to have a class. */
export function minConfidenceOption() {
  return withDefault(
    option("--min-confidence", decimalNumber("SHARE", { min: 0, max: 1 }), {
      description: message`Pixels whose class has a lower probability become no data (255)`,
    }),
    0,
  );
}
