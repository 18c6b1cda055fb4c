/** `swath models`. @module */
import {
  countParameters,
  NETWORK_FAMILIES,
  type NetworkFamily,
  networkParameters,
} from "../../mod.ts";
import { defineCommand } from "../command.ts";
import { formatOption } from "../options.ts";
import { message, object, option, optional, withDefault } from "../optique.ts";
import { paddedSize } from "../params/parameter_report.ts";
import { type Column, formatTable, TABLE_FORMATS } from "../table.ts";
import { oneOf, wholeNumber } from "../values.ts";

export default defineCommand({
  name: "models",
  summary: "List the networks that can be trained",
  description: [
    "Of each variant: parameters, multiply-adds for one image, output stride (pixels of the image for each " +
    "element of the logits), and the paper. `swath params NAME` counts one part by part; " +
    "`architecture` and `variant` of a training's configuration choose it.",
    "A family's name alone means its first variant; the variant's name alone will do where no other family " +
    "has it.",
  ],
  examples: [
    { note: "All networks", command: "swath models" },
    {
      note: "Those of one family, as they would be for 14 bands and 11 classes",
      command: "swath models --family setr --bands 14 --classes 11",
    },
    { note: "For a program", command: "swath models --format json" },
  ],
  parser: object({
    family: optional(option("--family", oneOf("FAMILY", [...NETWORK_FAMILIES.keys()]), {
      description: message`List this family alone`,
    })),
    bands: withDefault(
      option("--bands", wholeNumber("COUNT", { min: 1, max: 65536 }), {
        description: message`Bands of the input`,
      }),
      3,
    ),
    classes: withDefault(
      option("--classes", wholeNumber("COUNT", { min: 1, max: 1_000_000 }), {
        description: message`Classes of the output`,
      }),
      150,
    ),
    size: withDefault(
      option("--size", wholeNumber("PIXELS", { min: 1, max: 65536 }), {
        description: message`Rows and columns of the image that multiply-adds are counted for`,
      }),
      512,
    ),
    format: formatOption(TABLE_FORMATS, "Format of the output; table where left out"),
  }),
  async run({ family: only, bands, classes, size, format }, io) {
    const families = [...NETWORK_FAMILIES.values()].filter(({ name }) =>
      only === undefined || name === only
    );
    const rows = families.flatMap((family) =>
      family.variants.map((variant) => describe(family, variant, { bands, classes, size }))
    );
    await io.write(formatTable(COLUMNS, rows, format ?? "table"));
  },
});

interface Row {
  readonly name: string;
  readonly title: string;
  readonly parameters: number;
  readonly multiplyAdds: number;
  readonly stride: number;
  readonly paper: string;
}

function describe(
  family: NetworkFamily,
  variant: string,
  { bands, classes, size }: Readonly<Record<"bands" | "classes" | "size", number>>,
): Row {
  const network = family.fromConfig(family.variantConfig(variant, { bands, classes }));
  return {
    name: `${family.name}-${variant}`,
    title: family.title,
    parameters: countParameters(networkParameters(network)),
    multiplyAdds: network.multiplyAdds(...paddedSize(network, size, size)),
    stride: network.stride,
    paper: family.paper,
  };
}

const COLUMNS: readonly Column<Row>[] = [
  { title: "network", key: "name", value: ({ name }) => name },
  {
    title: "parameters",
    key: "parameters",
    value: ({ parameters }) => parameters,
    format: ({ parameters }) => `${(parameters / 1e6).toFixed(2)} M`,
  },
  {
    title: "multiply-adds",
    key: "multiply_adds",
    value: ({ multiplyAdds }) => multiplyAdds,
    format: ({ multiplyAdds }) => `${(multiplyAdds / 1e9).toFixed(2)} G`,
  },
  { title: "stride", key: "stride", value: ({ stride }) => stride },
  { title: "family", key: "family", value: ({ title }) => title },
  { title: "paper", key: "paper", value: ({ paper }) => paper },
];
