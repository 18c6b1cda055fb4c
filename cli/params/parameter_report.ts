/**
 * Parameters of a network by part, their tree, and the shapes of what flows through it.
 *
 * @module
 */
import { countParameters, featureShapes, type Network, type ParameterSpec } from "../../mod.ts";
import { type Column, formatTable } from "../table.ts";

/** Parameters of a part of a network. */
export interface PartCount {
  /** Name, such as `encoder` or `stage 1`. */
  readonly name: string;
  /** 0 for the network, 1 for encoder and decoder, 2 for what they are made of. */
  readonly depth: number;
  /** Parameters that training can change; running statistics are none. */
  readonly parameters: number;
  /** Those of them that are not frozen. */
  readonly trainable: number;
  /** Share of the network's parameters, from 0 to 1. */
  readonly share: number;
}

/**
 * Count the parameters of a network, its encoder and decoder, and their parts.
 *
 * @param network The network.
 * @param parameters Its parameters.
 * @param freezeEncoder True if the encoder is not trained.
 */
export function countParts(
  network: Network,
  parameters: readonly ParameterSpec[],
  freezeEncoder: boolean,
): PartCount[] {
  const { encoderPrefix } = network;
  const isEncoder = (name: string) => name.startsWith(encoderPrefix);
  const total = countParameters(parameters);
  const part = (name: string, depth: number, count: number, trainable: number): PartCount => ({
    name,
    depth,
    parameters: count,
    trainable,
    share: count / total,
  });
  const halves = [true, false].flatMap((encoder) => {
    const own = parameters.filter(({ name }) => isEncoder(name) === encoder);
    const parts = network.parts.filter(({ prefixes }) => isEncoder(prefixes[0]!) === encoder);
    const trained = (count: number) => encoder && freezeEncoder ? 0 : count;
    const count = countParameters(own);
    // A head of one part is that part.
    const [only] = parts.length === 1 ? parts : [];
    const name = encoder ? "encoder" : only?.name ?? "decoder";
    return [
      part(name, 1, count, trained(count)),
      ...(only === undefined ? parts : []).map(({ name, prefixes }) => {
        const count = countParameters(own, prefixes);
        return part(name, 2, count, trained(count));
      }),
    ];
  });
  const trainable = halves.reduce((sum, half) => half.depth === 1 ? sum + half.trainable : sum, 0);
  return [part("model", 0, total, trainable), ...halves];
}

const PART_COLUMNS: readonly Column<PartCount>[] = [
  { title: "part", key: "part", value: ({ name, depth }) => "  ".repeat(depth) + name },
  numberColumn("parameters", ({ parameters }) => parameters),
  {
    title: "share",
    key: "share",
    value: ({ share }) => share,
    format: ({ share }) => `${(100 * share).toFixed(2)}%`,
  },
  numberColumn("trainable", ({ trainable }) => trainable),
];

/** The counts as a table. */
export function formatParts(parts: readonly PartCount[]): string {
  return formatTable(PART_COLUMNS, parts, "table");
}

/** A column of whole numbers, with marks between thousands for people. */
export function numberColumn<Row>(title: string, value: (row: Row) => number): Column<Row> {
  return { title, key: title, value, format: (row) => value(row).toLocaleString("en") };
}

/** A module, or a parameter where it has a shape. */
export interface ModuleNode {
  /** Last part of its name. */
  readonly name: string;
  /** Trainable parameters in it. */
  readonly parameters: number;
  /** Shape of a parameter; null for modules. */
  readonly shape: readonly number[] | null;
  /** False for running statistics. */
  readonly trainable: boolean;
  /** What a module is made of. */
  readonly children: readonly ModuleNode[];
}

/** The tree of modules that the parameters' names spell. */
export function moduleTree(parameters: readonly ParameterSpec[]): ModuleNode[] {
  const byHead = Map.groupBy(parameters, ({ name }) => name.split(".", 1)[0]!);
  return [...byHead].map(([head, own]): ModuleNode => {
    const leaf = own.find(({ name }) => name === head);
    const inside = own.filter((spec) => spec !== leaf)
      .map((spec) => ({ ...spec, name: spec.name.slice(head.length + 1) }));
    return {
      name: head,
      parameters: countParameters(own),
      shape: leaf?.shape ?? null,
      trainable: own.some(({ trainable }) => trainable),
      children: moduleTree(inside),
    };
  });
}

/** A line of a printed tree. */
export interface TreeLine {
  readonly label: string;
  readonly node: ModuleNode;
}

/** A tree as lines with branches drawn in front. */
export function drawTree(nodes: readonly ModuleNode[], indent = "", isRoot = true): TreeLine[] {
  return nodes.flatMap((node, index) => {
    const isLast = index === nodes.length - 1;
    const branch = isRoot ? "" : isLast ? "└─ " : "├─ ";
    const trunk = isRoot ? "" : isLast ? "   " : "│  ";
    return [
      { label: indent + branch + node.name, node },
      ...drawTree(node.children, indent + trunk, false),
    ];
  });
}

/** The shape of something that flows through a network. */
export interface TraceStep {
  readonly name: string;
  readonly shape: readonly number[];
}

/**
 * Shapes from the input to the upsampled logits. Images are padded to the multiple that the
 * network wants, and its logits cropped, as `swath infer` does.
 *
 * @param network The network.
 * @param input Batch, bands, rows and columns.
 */
export function traceShapes(network: Network, input: readonly number[]): TraceStep[] {
  const [batch, bands, height, width] = input as [number, number, number, number];
  const steps: TraceStep[] = [{ name: "input", shape: input }];
  const [rows, columns] = paddedSize(network, height, width);
  if (rows !== height || columns !== width) {
    steps.push({ name: "padded", shape: [batch, bands, rows, columns] });
  }
  for (const { name, shape } of featureShapes(network, rows, columns)) {
    steps.push({ name, shape: [batch, ...shape] });
  }
  const { classes, stride } = network;
  if (network.task === "classification") {
    return [...steps, { name: "logits", shape: [batch, classes] }];
  }
  return [
    ...steps,
    {
      name: "logits",
      shape: [batch, classes, ...[height, width].map((n) => Math.ceil(n / stride))],
    },
    { name: "upsampled logits", shape: [batch, classes, height, width] },
  ];
}

/** Rows and columns that a network computes on for an image of a given size. */
export function paddedSize(network: Network, height: number, width: number): [number, number] {
  if (network.task === "classification") return [height, width];
  const roundUp = (extent: number) => Math.ceil(extent / network.multiple) * network.multiple;
  return [roundUp(height), roundUp(width)];
}
