/**
 * Operators that the CPU provider computes faster in another form.
 *
 * @module
 */
import {
  CHANNEL_BLOCK,
  encodeModel,
  expandOperators,
  type Expansion,
  Graph,
  type Shape,
  type Value,
} from "../onnx/mod.ts";
import type { OrtModule } from "./tensor.ts";

/** Severity at which ONNX Runtime logs fatal errors alone, as a failed trial is no error. */
const FATAL = 4;

let trial: Promise<boolean> | null = null;

/** True if this processor has convolutions in blocked channels. */
function hasBlockedChannels(ort: OrtModule): Promise<boolean> {
  return trial ??= tryBlockedChannels(ort);
}

async function tryBlockedChannels(ort: OrtModule): Promise<boolean> {
  const graph = new Graph("trial");
  const x = graph.input("x", "float32", [1, CHANNEL_BLOCK, 1, 1]);
  graph.output("y", graph.op("ReorderInput", [x]));
  try {
    const session = await ort.InferenceSession.create(encodeModel(graph), {
      executionProviders: ["cpu"],
      logSeverityLevel: FATAL,
    });
    await session.release();
    return true;
  } catch {
    return false;
  }
}

/** Channels of an image up to which it is convolved as it is, whatever the size of blocks. */
const FEW_CHANNELS = 7;

/** Elements of each kernel up to which as many as are computed at a time stay in the processor's cache. */
const CACHED_KERNEL = 4096;

/**
 * Convolutions in blocked channels. ONNX Runtime does so itself where the weight is a constant, which that of a
 * training is not.
 *
 * - Depthwise ones are three times as fast as in plain channels, and ten times where the kernel is as large as the map,
 *   as in the gradient of a weight.
 * - Those from few channels, such as the gradients of the weights of strided convolutions, which have the batch for
 *   channels, are up to twice as fast, and share their work among threads.
 */
function convolutionInBlocks(): Expansion<"Conv"> {
  /** What is in blocked channels already, by the values whose elements they are. */
  const blocked = new Map<Value, Value>();
  /** An image in blocked channels. */
  const toBlocks = (graph: Graph, value: Value, image: readonly number[]): Value => {
    const source = withoutReshape(value);
    let result = blocked.get(source);
    if (result === undefined || result.shape.slice(2).join() !== image.slice(2).join()) {
      result = graph.op("ReorderInput", [reshaped(graph, value, image)]);
      blocked.set(source, result);
    }
    return result;
  };
  return (graph, { attributes }, inputs) => {
    const [x, weight, bias] = inputs as [Value, Value, Value?];
    if (!isImage(x.shape) || !isImage(weight.shape) || x.dtype !== "float32") return null;
    const { group } = attributes;
    const [features, channels, height, width] = weight.shape;
    if (features % CHANNEL_BLOCK !== 0) return null;
    const isDepthwise = x.shape[1] === group && features === group && channels === 1;
    const isFromFew = group === 1 && channels <= FEW_CHANNELS &&
      channels * height * width <= CACHED_KERNEL;
    if (!isDepthwise && !isFromFew) return null;
    const images = isDepthwise ? reshaped(graph, toBlocks(graph, x, x.shape), x.shape) : x;
    // A block of kernels lies as a block of the channels of an image does.
    const kernels = toBlocks(graph, weight, [1, features, channels * height, width]);
    const result = graph.op("BlockedConv", [
      images,
      reshaped(graph, kernels, weight.shape),
      ...(bias ? [bias] : []),
    ], attributes);
    return [graph.op("ReorderOutput", [result], { channels: features })];
  };
}

function isImage(shape: Shape): shape is readonly [number, number, number, number] {
  return shape.length === 4 && shape.every((dim) => typeof dim === "number");
}

/** The value whose elements are told in another shape. */
function withoutReshape(value: Value): Value {
  const { producer } = value;
  return producer.kind === "node" && producer.node.operator === "Reshape"
    ? withoutReshape(producer.node.inputs[0]!)
    : value;
}

function reshaped(graph: Graph, value: Value, shape: readonly number[]): Value {
  return value.shape.join() === shape.join() ? value : graph.op("Reshape", [value, shape]);
}

/**
 * The same function in operators that the CPU provider computes faster.
 *
 * @param ort ONNX Runtime.
 * @param graph The graph, which stays as it is; its parameters are inputs.
 */
export async function expandForCpu(ort: OrtModule, graph: Graph): Promise<Graph> {
  if (!graph.nodes.some(({ operator }) => operator === "Conv")) return graph;
  if (!await hasBlockedChannels(ort)) return graph;
  return expandOperators(graph, { Conv: convolutionInBlocks() });
}
