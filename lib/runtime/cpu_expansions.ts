/**
 * Operators that the CPU provider computes faster in another form.
 *
 * @module
 */
import { CHANNEL_BLOCK, encodeModel, expandOperators, Graph } from "../onnx/mod.ts";
import { blockedChannels } from "./blocked_channels.ts";
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

/**
 * The same function in operators that the CPU provider computes faster.
 *
 * @param ort ONNX Runtime.
 * @param graph The graph, which stays as it is; its parameters are inputs.
 */
export async function expandForCpu(ort: OrtModule, graph: Graph): Promise<Graph> {
  if (!graph.nodes.some(({ operator }) => operator === "Conv")) return graph;
  if (!await hasBlockedChannels(ort)) return graph;
  return expandOperators(graph, blockedChannels(graph));
}
