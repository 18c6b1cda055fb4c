/** `swath refine`. @module */
import { CRF_DEFAULTS, refineStream } from "../../mod.ts";
import { defineCommand } from "../command.ts";
import { streamFormatOption } from "../options.ts";
import {
  flag,
  message,
  type NonEmptyString,
  object,
  option,
  optional,
  withDefault,
} from "../optique.ts";
import { readPatches, writePatches } from "../stream.ts";
import { decimalNumber, nameList, oneOf, wholeNumber } from "../values.ts";

/** An option that is a number from 0 or so up, with the default of the authors' example. */
function strength(
  name: `--${string}`,
  metavar: NonEmptyString,
  text: string,
  fallback: number,
  min = 0,
) {
  return withDefault(
    option(name, decimalNumber(metavar, { min }), { description: message`${text}` }),
    fallback,
  );
}

export default defineCommand({
  name: "refine",
  summary: "Let the borders of classes follow the image",
  description: [
    "A fully connected conditional random field (Krähenbühl and Koltun, 2011) between infer and " +
    "upsample or stitch: pixels that are near and of like colour want the same class, and pixels that " +
    "are very near want it anyway. Each patch is refined by itself at the size of its image, by mean-field " +
    "inference, and comes out with probabilities at stride 1. The stream needs the image: infer --keep " +
    "image,label.",
    "The kernel of place and colour counts --weight, and reaches --distance pixels and --color in the " +
    "image's numbers (by default 13 for 8 bits, 0.5 for normalized images; to be given otherwise). The " +
    "kernel of place alone counts --smooth-weight and reaches --smooth-distance pixels.",
    "Kernels are filtered on the permutohedral lattice, as in the authors' code, which departs from the " +
    "Gaussian by some percent; --exact sums over all pairs of pixels, which takes minutes for patches of " +
    "128 pixels and more.",
  ],
  examples: [
    {
      note: "Map a scene",
      command: "swath tile scene.tif --size 64 | swath infer model/ --keep image | " +
        "swath refine --bands B02,B03,B04 --color 300 | swath stitch -o map.tif",
    },
  ],
  parser: object({
    weight: strength(
      "--weight",
      "NUMBER",
      "Weight of the kernel of place and colour",
      CRF_DEFAULTS.bilateralWeight,
    ),
    distance: strength(
      "--distance",
      "PIXELS",
      "Its standard deviation in pixels",
      CRF_DEFAULTS.bilateralPixels,
      0.1,
    ),
    color: optional(
      option("--color", decimalNumber("DEVIATION", { min: 1e-9 }), {
        description: message`Its standard deviation in the image's numbers`,
      }),
    ),
    bands: optional(
      option("--bands", nameList("BANDS"), {
        description: message`Bands that make up the colour; all by default`,
      }),
    ),
    smoothWeight: strength(
      "--smooth-weight",
      "NUMBER",
      "Weight of the kernel of place alone",
      CRF_DEFAULTS.smoothWeight,
    ),
    smoothDistance: strength(
      "--smooth-distance",
      "PIXELS",
      "Its standard deviation in pixels",
      CRF_DEFAULTS.smoothPixels,
      0.1,
    ),
    iterations: withDefault(
      option("--iterations", wholeNumber("COUNT", { min: 1, max: 1000 }), {
        description: message`Steps of inference`,
      }),
      CRF_DEFAULTS.iterations as number,
    ),
    exact: withDefault(
      flag("--exact", { description: message`Sum over all pairs of pixels` }),
      false,
    ),
    keep: optional(
      option("--keep", oneOf("ARRAYS", ["image"]), {
        description: message`Pass the image on as well`,
      }),
    ),
    format: streamFormatOption(),
  }),
  async run({ format, keep, ...how }, io) {
    const items = refineStream(readPatches(io, "Refining"), {
      iterations: how.iterations,
      bilateralWeight: how.weight,
      bilateralPixels: how.distance,
      bilateralColor: how.color ?? null,
      smoothWeight: how.smoothWeight,
      smoothPixels: how.smoothDistance,
      exact: how.exact,
      bands: how.bands ?? null,
      keepImage: keep === "image",
      history: [io.commandLine],
    });
    await writePatches(io, items, format);
  },
});
