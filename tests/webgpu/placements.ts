/**
 * Where operators run on WebGPU, which `docs/operators.md` tells. Run this file to write them anew to
 * `placements.json`, to be reviewed as a diff:
 *
 *     VK_ICD_FILENAMES=… deno run -A tests/webgpu/placements.ts
 */
import { join } from "node:path";
import { createSession, type Graph, type NdArray, type OperatorName } from "swath";
import { allSamples, KnownGraph, outputsOf, sampleFeed } from "../lib/onnx/sample_graph.ts";

/** Where the placements are kept. */
export const PLACEMENTS = new URL("placements.json", import.meta.url);

/**
 * Where one form of an operator runs: on the device; there, but in other operators; on the CPU; or nowhere, as
 * ONNX Runtime finds its result before the graph is run, or the device lacks the element type.
 */
export type Placement = "device" | "other operators" | "cpu" | "nowhere";

/** A node that was run, as ONNX Runtime's profile has it. */
interface NodeEvent {
  readonly cat: string;
  readonly args?: { readonly op_name?: string; readonly provider?: string };
}

/** What running one form of an operator gave. */
export interface SampleRun {
  /** Outputs by name; null where the device lacks the element type. */
  readonly results: Readonly<Record<string, NdArray>> | null;
  /** Where it ran. */
  readonly placement: Placement;
}

/** Run one form of an operator on WebGPU, in a profile. */
export async function runSample(
  operator: OperatorName,
  graph: Graph,
  feeds: Readonly<Record<string, NdArray>>,
): Promise<SampleRun> {
  const directory = await Deno.makeTempDir({ prefix: "swath-placement-" });
  try {
    const profile = join(directory, "profile");
    const session = await createSession(graph, { device: "webgpu", logSeverity: "fatal", profile });
    let results: SampleRun["results"] = null;
    try {
      results = await session.run(feeds);
    } catch (error) {
      // Half precision is an option of WebGPU that not every device has.
      if (!/requires f16/.test(String(error))) throw error;
    } finally {
      await session.release();
    }
    const [file] = await Array.fromAsync(Deno.readDir(directory));
    const events = JSON.parse(await Deno.readTextFile(join(directory, file!.name)));
    return { results, placement: placementOf(operator, events) };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function placementOf(operator: OperatorName, events: readonly NodeEvent[]): Placement {
  const nodes = events.flatMap(({ cat, args }) =>
    cat === "Node" && args?.provider !== undefined ? [args] : []
  );
  if (nodes.length === 0) return "nowhere";
  if (nodes.some(({ provider }) => provider === "CPUExecutionProvider")) return "cpu";
  return nodes.some(({ op_name }) => op_name === operator) ? "device" : "other operators";
}

if (import.meta.main) {
  const placements: Record<string, Placement[]> = {};
  for (const { operator, number, sample } of allSamples()) {
    const graph = new KnownGraph(`${operator}.${number}`);
    for (const [i, value] of outputsOf(sample, graph).entries()) graph.output(`y${i}`, value);
    const feeds = Object.fromEntries(
      graph.inputs.map((value) => [value.name, sampleFeed(operator, value)]),
    );
    (placements[operator] ??= []).push((await runSample(operator, graph, feeds)).placement);
  }
  const lines = Object.entries(placements)
    .map(([operator, list]) => `  ${JSON.stringify(operator)}: ${JSON.stringify(list)}`);
  await Deno.writeTextFile(PLACEMENTS, `{\n${lines.join(",\n")}\n}\n`);
}
