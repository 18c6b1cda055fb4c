/**
 * The train step as a graph: forward pass, loss, gradients, clipping and the optimizer's update.
 *
 * Everything that lasts from step to step is an input and an output of the graph. Parameters come in twice: each
 * one under its name for the network, and as segments of a flat vector for the update, both over the same
 * memory. All updates depend on the norm of all gradients, hence on every other use of the parameters, so that
 * outputs may be written over the inputs that they replace.
 *
 * The step is either one graph, or two: gradients that are added up, and the update. Two are for batches
 * in several parts, and for gradients that are summed over processes in between.
 *
 * @module
 */
import { ndarray } from "../array/mod.ts";
import { clipFactor, type Optimizer } from "../optim/mod.ts";
import type { Loss } from "../losses/mod.ts";
import type { Network } from "../models/mod.ts";
import { differentiate, Graph, type Node, type Value } from "../onnx/mod.ts";
import {
  layoutParameters,
  type ParameterGroup,
  type ParameterLayout,
  ROW_ELEMENTS,
} from "./parameter_layout.ts";

/** Options of {@linkcode buildTrainGraphs}. */
export interface TrainGraphOptions {
  /** The network. */
  readonly network: Network;
  /** Images in a batch. */
  readonly batch: number;
  /** Rows of an image, a multiple of the network's `multiple`. */
  readonly height: number;
  /** Columns of an image, a multiple of the network's `multiple`. */
  readonly width: number;
  /** What is minimized. */
  readonly loss: Loss;
  /** How it is minimized. */
  readonly optimizer: Optimizer;
  /** Weight decay of all but norms and biases; 0 where left out. */
  readonly weightDecay?: number;
  /** Factor to the learning rate of a parameter; 1 where left out. */
  readonly learningRateScale?: (name: string) => number;
  /** Parameters that stay as they are; none where left out. Nothing is computed for their gradients. */
  readonly frozen?: (name: string) => boolean;
  /** Largest global norm of the gradients; null for any; 1 where left out. */
  readonly clipNorm?: number | null;
  /** Keep an exponential moving average of the parameters with this decay; null where left out. */
  readonly emaDecay?: number | null;
  /**
   * Keep only what enters each block of the network and compute the rest again in the backward pass: less
   * memory for about a third more time; false where left out.
   */
  readonly checkpointActivations?: boolean;
  /** Two graphs, of gradients and update, instead of one; false where left out. */
  readonly split?: boolean;
  /**
   * Several processes share each batch; null where left out. The step is split then, and its loss is multiplied by
   * an input, `loss_weight`, so that a sum over processes is that of the whole batch.
   */
  readonly sharing?: BatchSharing | null;
}

/** How several processes share batches. */
export interface BatchSharing {
  /** Number of processes. */
  readonly processes: number;
  /** Normalize batches by the statistics of all processes' parts; else each part by its own. */
  readonly synchronizeBatchNorm: boolean;
}

/** A random mask that is an input of the graph. */
export interface MaskInput {
  /** Name of the input. */
  readonly name: string;
  /** Extents. */
  readonly shape: readonly number[];
  /** Probability of 0. */
  readonly rate: number;
}

/** The graphs of a train step, and what flows through them. */
export interface TrainGraphs {
  /** All of the step; or, if it is split, loss and gradients. */
  readonly step: Graph;
  /** The update, if it is split. */
  readonly update: Graph | null;
  /** Places of the trained parameters in the flat vectors. */
  readonly layout: ParameterLayout;
  /** Names of the flat vectors of the optimizer's state. */
  readonly slots: readonly string[];
  /** Random masks to feed. */
  readonly masks: readonly MaskInput[];
  /** Names of the parameters that are statistics; the step gives their next values. */
  readonly statistics: readonly string[];
  /** Names of parameters that the step reads and leaves as they are. */
  readonly frozen: readonly string[];
}

/** Name of the slot of the moving average. */
export const EMA_SLOT = "moving_average";

/** Name of an output that takes the place of an input. */
export function nextName(name: string): string {
  return `next/${name}`;
}

/** Name of a segment of a flat vector. */
export function segmentName(vector: string, index: number): string {
  return `${vector}/${index}`;
}

/**
 * Build the graphs of a train step.
 *
 * Inputs are `image` (float32, normalized, (batch, bands, H, W)) and `labels` (uint8, (batch, H, W)), `distances`
 * (float32, (batch, K, H, W)) if the loss needs them, the masks, `loss_weight` if processes share batches,
 * `learning_rate`, the optimizer's scalars, parameters by name, segments of the flat vectors
 * (`parameters/0`, …; the slots likewise; if split, `gradients/0`, …, and `gradient_scale`). Outputs are
 * `loss`, `gradient_norm`, and `next/…` of everything that changes.
 *
 * @param options Network, loss, optimizer and sizes.
 * @throws {GraphError} If an operator of the network has no gradient.
 */
export function buildTrainGraphs(options: TrainGraphOptions): TrainGraphs {
  const { network, optimizer, batch, height, width, emaDecay = null, sharing = null } = options;
  const split = options.split || sharing !== null;
  const step = new Graph(`${network.family}_train_step`);
  const image = step.input("image", "float32", [batch, network.bands, height, width]);
  const labels = step.input("labels", "uint8", [batch, height, width]);
  const masks: MaskInput[] = [];
  const statistics = new Map<string, Value>();
  const auxiliaries: { readonly logits: Value; readonly weight: number }[] = [];
  const logits = network.build({
    graph: step,
    training: {
      mask(name, shape, rate) {
        masks.push({ name: `mask/${name}`, shape, rate });
        return step.input(`mask/${name}`, "float32", shape);
      },
      updateStatistic(parameter, next) {
        statistics.set(parameter.name, next);
      },
      ...(sharing?.synchronizeBatchNorm && { normalizedOver: sharing.processes }),
      isFrozen: (name) => options.frozen?.(name) ?? false,
      addAuxiliary(logits, weight) {
        auxiliaries.push({ logits, weight });
      },
    },
  }, image);
  let given: Value | null = null;
  const distances = () => given ??= distanceInput(step, logits, labels);
  const lossOf = (logits: Value) => options.loss(step, { logits, labels, distances });
  const loss = step.scope("loss", () => {
    const own = auxiliaries.reduce(
      (sum, { logits, weight }, index) =>
        step.scope(
          `auxiliary.${index}`,
          () => step.op("Add", [sum, step.op("Mul", [lossOf(logits), weight])]),
        ),
      lossOf(logits),
    );
    return sharing === null ? own : step.op("Mul", [own, step.input("loss_weight", "float32", [])]);
  });
  step.output("loss", loss);
  for (const [name, next] of statistics) step.output(nextName(name), next);

  const trained = [...step.parameters.values()].filter(({ name, producer }) =>
    producer.kind === "parameter" && producer.trainable && !options.frozen?.(name)
  );
  const recompute = options.checkpointActivations ? { recompute: blockOf } : {};
  const gradients = byReadiness(step, differentiate(step, loss, trained, recompute));
  const layout = layoutParameters(gradients.map(([{ name, shape }]) => ({
    name,
    shape: shape as readonly number[],
    group: groupOf(options, name, shape.length),
  })));
  const vectors = step.scope("gradient/segments", () => flatten(step, layout, gradients));

  const slots = [...optimizer.slots, ...(emaDecay === null ? [] : [EMA_SLOT])];
  const common = { layout, slots, masks, statistics: [...statistics.keys()] };
  const used = new Set([...trained.map(({ name }) => name), ...statistics.keys()]);
  const frozen = [...step.parameters.keys()].filter((name) => !used.has(name));
  if (!split) {
    addUpdate(step, options, layout, vectors, null);
    return { ...common, step, update: null, frozen };
  }
  // Of several outputs, the runtime computes the last one first: here that is the first to be ready.
  for (const [index, vector] of [...vectors.entries()].reverse()) {
    const name = segmentName("gradients", index);
    const sum = step.input(name, "float32", vector.shape);
    step.output(nextName(name), step.op("Add", [sum, vector]));
  }
  const update = new Graph(`${network.family}_update`);
  const sums = layout.segments.map(({ length }, index) =>
    update.input(segmentName("gradients", index), "float32", [length])
  );
  addUpdate(update, options, layout, sums, update.input("gradient_scale", "float32", []));
  return { ...common, step, update, frozen };
}

/**
 * The input `distances` of losses that need signed distances from the boundaries of the labels.
 *
 * @param graph The graph, which gets the input.
 * @param logits Logits (batch, K, …).
 * @param labels Labels (batch, H, W).
 */
export function distanceInput(graph: Graph, logits: Value, labels: Value): Value {
  const shape = [...logits.shape.slice(0, 2), ...labels.shape.slice(1)];
  return graph.input("distances", "float32", shape);
}

/** The block that a node belongs to, such as `encoder/stage.0/block.1`. */
function blockOf({ scope }: Node): string | null {
  return /^.*?\bblock\.\d+/.exec(scope)?.[0] ?? null;
}

/** Norms and biases, which have one axis, do not decay. */
function groupOf(options: TrainGraphOptions, name: string, rank: number): ParameterGroup {
  const { weightDecay = 0, learningRateScale = () => 1 } = options;
  return {
    learningRateScale: learningRateScale(name),
    weightDecay: rank > 1 ? weightDecay : 0,
  };
}

/** Parameters and gradients in the order in which the latter are computed. */
function byReadiness(graph: Graph, gradients: ReadonlyMap<Value, Value>): [Value, Value][] {
  const positions = new Map(graph.nodes.map((node, index) => [node, index]));
  const position = ({ producer }: Value) =>
    producer.kind === "node" ? positions.get(producer.node)! : -1;
  return [...gradients].sort(([, a], [, b]) => position(a) - position(b));
}

/** One vector a segment. */
function flatten(
  graph: Graph,
  layout: ParameterLayout,
  gradients: readonly (readonly [Value, Value])[],
): Value[] {
  const byName = new Map(gradients.map(([{ name }, gradient]) => [name, gradient]));
  return layout.segments.map(({ parameters, length }) => {
    const parts = parameters.map(({ name }) => graph.op("Reshape", [byName.get(name)!, [-1]]));
    const missing = length - parameters.reduce((sum, parameter) => sum + parameter.length, 0);
    if (missing > 0) parts.push(graph.constant(ndarray("float32", [missing])));
    return parts.length === 1 ? parts[0]! : graph.op("Concat", parts, { axis: 0 });
  });
}

/**
 * Add norm, clipping and update.
 *
 * @param scale What gradients are multiplied by, if anything.
 */
function addUpdate(
  graph: Graph,
  options: TrainGraphOptions,
  layout: ParameterLayout,
  gradients: readonly Value[],
  scale: Value | null,
): void {
  const { optimizer, clipNorm = 1, emaDecay = null } = options;
  graph.scope("update", () => {
    const squares = gradients.map((gradient) => {
      const rows = graph.op("Reshape", [gradient, [-1, ROW_ELEMENTS]]);
      return graph.op("ReduceSum", [graph.op("ReduceSumSquare", [rows, [1]])], { keepdims: false });
    });
    // The runtime goes down into the last input of a sum first: gradients are computed, segment by segment, as
    // soon as they can be, and activations die early.
    const total = squares.reduce((sum, square) => graph.op("Add", [square, sum]));
    const root = graph.op("Sqrt", [total]);
    const norm = scale === null ? root : graph.op("Mul", [root, scale]);
    graph.output("gradient_norm", norm);
    const clip = clipFactor(graph, norm, graph.constant(clipNorm ?? Infinity));
    const factor = scale === null ? clip : graph.op("Mul", [clip, scale]);
    const learningRate = graph.input("learning_rate", "float32", []);
    const scalars = Object.fromEntries(
      optimizer.scalarNames.map((name) => [name, graph.input(name, "float32", [])]),
    );
    for (const [index, { group, length }] of layout.segments.entries()) {
      const vector = (name: string) => graph.input(segmentName(name, index), "float32", [length]);
      const next = (name: string, value: Value) =>
        graph.output(nextName(segmentName(name, index)), value);
      const { parameters, slots } = optimizer.update(graph, {
        parameters: vector("parameters"),
        gradients: gradients[index]!,
        gradientFactor: factor,
        slots: Object.fromEntries(optimizer.slots.map((name) => [name, vector(name)])),
        learningRate: group.learningRateScale === 1
          ? learningRate
          : graph.op("Mul", [learningRate, group.learningRateScale]),
        weightDecay: group.weightDecay,
        scalars,
      });
      next("parameters", parameters);
      for (const [name, value] of Object.entries(slots)) next(name, value);
      if (emaDecay !== null) {
        const average = graph.op("Add", [
          graph.op("Mul", [vector(EMA_SLOT), emaDecay]),
          graph.op("Mul", [parameters, 1 - emaDecay]),
        ]);
        next(EMA_SLOT, average);
      }
    }
  });
}
