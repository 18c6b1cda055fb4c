/** `swath params`. @module */
import {
  changeConfig,
  findVariant,
  formatJson,
  formatShape,
  type Network,
  type NetworkConfig,
  networkFromConfig,
  networkParameters,
  readModelConfig,
  statOrNull,
  variantConfig,
} from "../../mod.ts";
import { defineCommand } from "../command.ts";
import type { CommandIo } from "../io.ts";
import { CommandError } from "../errors.ts";
import { hubOptions } from "../model.ts";
import { fileArgument, jsonOption } from "../options.ts";
import { flag, message, object, option, optional, withDefault } from "../optique.ts";
import {
  countParts,
  drawTree,
  formatParts,
  type ModuleNode,
  moduleTree,
  paddedSize,
  type PartCount,
  traceShapes,
  type TraceStep,
} from "../params/parameter_report.ts";
import { type Column, formatTable } from "../table.ts";
import { oneOf, shape, wholeNumber } from "../values.ts";

/** Bands and classes of the published weights for segmentation: RGB, and ADE20K. */
const PUBLISHED = { bands: 3, classes: 150 };
/** Rows and columns that multiply-adds are counted for where nothing is traced. */
const DEFAULT_SIZE = 512;

export default defineCommand({
  name: "params",
  summary: "Count the parameters and multiply-adds of a network, part by part",
  description: [
    "MODEL is a network of `swath models` (b5, setr-pup-large, unet, …), a model directory, or a model of the " +
    "hub, of which config.json alone is downloaded. A network of the list has 3 bands and 150 classes " +
    "unless others are given.",
    "With --bands or --classes, an encoder with its ImageNet classifier is counted as the segmentation " +
    "network that training would make of it; --task says otherwise. Running statistics of batch " +
    "normalization are no parameters.",
    "Multiply-adds are those of the network as its paper draws it, for one image; swath computes the " +
    "same result with fewer.",
  ],
  examples: [
    {
      note: "A network for 14 bands and 11 classes",
      command: "swath params b5 --bands 14 --classes 11",
    },
    {
      note: "What is left to train on a frozen encoder",
      command: "swath params b2 --bands 14 --classes 11 --freeze-encoder",
    },
    {
      note: "Shapes from the input to the logits",
      command: "swath params b5 --bands 14 --classes 11 --trace 2x14x512x512",
    },
    { note: "Modules of a model of one's own", command: "swath params model/ --tree" },
  ],
  parser: object({
    model: fileArgument(
      "MODEL",
      "Network of `swath models`, model directory, or model of the Hugging Face hub",
      { type: "directory" },
    ),
    bands: optional(option("--bands", wholeNumber("COUNT", { min: 1, max: 65536 }), {
      description: message`Bands of the input`,
    })),
    classes: optional(option("--classes", wholeNumber("COUNT", { min: 1, max: 1_000_000 }), {
      description: message`Classes of the output`,
    })),
    task: optional(option("--task", oneOf("TASK", ["segmentation", "classification"]), {
      description: message`What the network is for`,
    })),
    freezeEncoder: withDefault(
      flag("--freeze-encoder", { description: message`Count the encoder as not trainable` }),
      false,
    ),
    tree: withDefault(
      flag("--tree", { description: message`Print the modules as a tree with shapes and counts` }),
      false,
    ),
    trace: optional(option("--trace", shape(4, "2x14x512x512"), {
      description:
        message`Print the shape after every stage for an input of this shape: batch, bands, rows, columns`,
    })),
    json: jsonOption(),
  }),
  async run({ model, bands, classes, task, freezeEncoder, tree, trace, json }, io) {
    const config = await resolveConfig(io, model, { bands, classes, task });
    const network = networkFromConfig(config);
    if (trace !== undefined && trace[1] !== network.bands) {
      throw new CommandError(
        `Cannot trace an input of ${trace[1]} bands: the network takes ${network.bands}`,
        `Give --bands ${trace[1]}, or --trace ${formatShape(trace.with(1, network.bands))}`,
      );
    }
    const parameters = networkParameters(network);
    const [height = DEFAULT_SIZE, width = DEFAULT_SIZE] = trace?.slice(2) ?? [];
    const report: Report = {
      model,
      network,
      parts: countParts(network, parameters, freezeEncoder),
      multiplyAdds: {
        height,
        width,
        count: network.multiplyAdds(...paddedSize(network, height, width)),
      },
      modules: tree ? moduleTree(parameters) : null,
      trace: trace === undefined ? null : traceShapes(network, trace),
    };
    await io.write(json ? `${formatJson(reportFacts(report))}\n` : reportText(report));
  },
});

interface Changes {
  readonly bands: number | undefined;
  readonly classes: number | undefined;
  readonly task: Network["task"] | undefined;
}

/** The configuration that is counted. */
async function resolveConfig(
  io: CommandIo,
  model: string,
  changes: Changes,
): Promise<NetworkConfig> {
  const { bands, classes, task } = changes;
  const own = await ownConfig(io, model);
  const changed = bands !== undefined || classes !== undefined;
  const wanted = task ?? (changed ? "segmentation" : undefined);
  return changeConfig(own, {
    ...(bands !== undefined && { bands }),
    ...(classes !== undefined && { classes }),
    ...(wanted !== undefined && { task: wanted }),
  });
}

/** The configuration of a variant, or else of a model. */
async function ownConfig(io: CommandIo, model: string): Promise<NetworkConfig> {
  const isWord = /^[A-Za-z0-9_-]+$/.test(model);
  if (findVariant(model) !== null || (isWord && await statOrNull(model) === null)) {
    return variantConfig(model, PUBLISHED);
  }
  return (await readModelConfig(model, { hub: hubOptions(io) })).config;
}

interface Report {
  readonly model: string;
  readonly network: Network;
  readonly parts: readonly PartCount[];
  readonly multiplyAdds: {
    readonly height: number;
    readonly width: number;
    readonly count: number;
  };
  readonly modules: readonly ModuleNode[] | null;
  readonly trace: readonly TraceStep[] | null;
}

function reportFacts({ model, network, parts, multiplyAdds, modules, trace }: Report) {
  const { family, task, bands, classes, stride } = network;
  const [{ parameters, trainable }] = parts as [PartCount];
  return {
    model,
    family,
    task,
    bands,
    classes,
    stride: task === "segmentation" ? stride : null,
    parameters,
    trainable,
    parts: parts.slice(1).map(({ depth: _, ...part }) => part),
    multiply_adds: multiplyAdds,
    ...(modules !== null && { modules }),
    ...(trace !== null && { trace }),
  };
}

function reportText({ model, network, parts, multiplyAdds, modules, trace }: Report): string {
  const { height, width, count } = multiplyAdds;
  const title = `${model}: ${network.family}, ${network.task}, ` +
    `${network.bands} bands, ${network.classes} classes\n`;
  const cost = `${(count / 1e9).toFixed(2)} G multiply-adds for ${width}x${height} pixels\n`;
  const sections = [title + formatParts(parts), cost];
  if (trace !== null) sections.push(formatTable(TRACE_COLUMNS, trace, "table"));
  if (modules !== null) sections.push(formatTable(TREE_COLUMNS, drawTree(modules), "table"));
  return sections.join("\n");
}

const TRACE_COLUMNS: readonly Column<TraceStep>[] = [
  { title: "after", key: "after", value: ({ name }) => name },
  { title: "shape", key: "shape", value: ({ shape }) => formatShape(shape) },
];

const TREE_COLUMNS: readonly Column<{ label: string; node: ModuleNode }>[] = [
  { title: "module", key: "module", value: ({ label }) => label },
  {
    title: "shape",
    key: "shape",
    value: ({ node: { shape } }) => shape === null ? "" : formatShape(shape),
  },
  {
    title: "parameters",
    key: "parameters",
    value: ({ node }) => node.trainable ? node.parameters : null,
    format: ({ node }) => node.parameters.toLocaleString("en"),
    nothing: "statistics",
  },
];
