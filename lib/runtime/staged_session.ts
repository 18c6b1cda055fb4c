/**
 * Graphs that ask for sums over processes, run in stages between which the sums are made.
 *
 * What stages hand on lies in buffers that last from run to run, as the runtime is to write it where the
 * next stage reads it.
 *
 * @module
 */
import { elementCount, type NdArray, ndarray } from "../array/mod.ts";
import type { Communicator } from "../distributed/mod.ts";
import { cutIntoStages, evaluateDim, type Graph, type Stage } from "../onnx/mod.ts";
import {
  createInPlaceSession,
  type InPlaceSession,
  type InPlaceSessionOptions,
} from "./in_place_session.ts";

type Arrays = Readonly<Record<string, NdArray>>;

/** A stage that is loaded. */
interface LoadedStage {
  readonly stage: Stage;
  readonly session: InPlaceSession;
  /** What it hands on, by name. */
  readonly handed: Arrays;
  /** All that is summed after it, side by side; null for nothing. */
  readonly sums: Float32Array<ArrayBuffer> | null;
}

/**
 * Load a graph whose sums over processes are made by a communicator.
 *
 * @param graph The graph, with known extents.
 * @param communicator The processes, all of which run the same graph at the same time.
 * @param options Device and threads.
 * @returns A session like any other; a graph that asks for no sum is run whole.
 */
export async function createStagedSession(
  graph: Graph,
  communicator: Pick<Communicator, "sum">,
  options: InPlaceSessionOptions = {},
): Promise<InPlaceSession> {
  const stages = cutIntoStages(graph);
  if (stages.length === 1) return await createInPlaceSession(graph, options);
  const loaded: LoadedStage[] = [];
  for (const stage of stages) {
    const session = await createInPlaceSession(stage.graph, options);
    loaded.push({ stage, session, ...allocate(stage) });
  }
  return new StagedSession(loaded, communicator);
}

function allocate({ graph, carried, summed }: Stage): Pick<LoadedStage, "handed" | "sums"> {
  const shapeOf = (name: string) => {
    const { dtype, shape } = graph.outputs.get(name)!;
    const extents = shape.map((dim) => evaluateDim(dim, {}));
    if (extents.every((extent) => extent !== null)) return { dtype, shape: extents };
    throw new Error(`internal: graph "${graph.name}" is cut where extents are not known`);
  };
  const handed: Record<string, NdArray> = {};
  for (const name of carried) {
    const { dtype, shape } = shapeOf(name);
    handed[name] = ndarray(dtype, shape);
  }
  const shapes = summed.map((name) => shapeOf(name).shape);
  const total = shapes.reduce((sum, shape) => sum + elementCount(shape), 0);
  const sums = new Float32Array(total);
  let from = 0;
  for (const [i, name] of summed.entries()) {
    const length = elementCount(shapes[i]!);
    handed[name] = ndarray("float32", shapes[i]!, sums.subarray(from, from += length));
  }
  return { handed, sums: total === 0 ? null : sums };
}

class StagedSession implements InPlaceSession {
  readonly inputs: ReadonlySet<string>;
  readonly #stages: readonly LoadedStage[];
  readonly #communicator: Pick<Communicator, "sum">;

  constructor(stages: readonly LoadedStage[], communicator: Pick<Communicator, "sum">) {
    const handed = new Set(stages.flatMap(({ handed }) => Object.keys(handed)));
    const inputs = stages.flatMap(({ session }) => [...session.inputs]);
    this.inputs = new Set(inputs.filter((name) => !handed.has(name)));
    this.#stages = stages;
    this.#communicator = communicator;
  }

  async run(feeds: Arrays, targets: Arrays): Promise<void> {
    const known: Record<string, NdArray> = { ...feeds };
    const written = new Set<ArrayLike<unknown>>();
    for (const { stage: { graph }, session, handed, sums } of this.#stages) {
      const names = [...graph.inputs.map(({ name }) => name), ...graph.parameters.keys()];
      const inputs = Object.fromEntries(names.map((name) => [name, known[name]!]));
      for (const [name, { data }] of Object.entries(inputs)) {
        if (written.has(data)) throw new Error(`internal: "${name}" is read after it is replaced`);
      }
      const outputs = {
        ...handed,
        ...Object.fromEntries(
          Object.entries(targets).filter(([name]) => graph.outputs.has(name)),
        ),
      };
      await session.run(inputs, outputs);
      for (const [name, { data }] of Object.entries(targets)) {
        if (graph.outputs.has(name)) written.add(data);
      }
      if (sums !== null) await this.#communicator.sum(sums);
      Object.assign(known, handed);
    }
  }

  interrupt(): void {
    for (const { session } of this.#stages) session.interrupt();
  }

  async release(): Promise<void> {
    for (const { session } of this.#stages) await session.release();
  }
}
