/**
 * Sessions whose runs go on at the same time, for streams of patches.
 *
 * Threads that share one run wait for one another at every operator, and for whoever else computes on
 * the machine. Runs that have a thread each wait for nobody. The event loop goes on meanwhile.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import { encodeModel, evaluateDim, type Graph, type ParameterLookup } from "../onnx/mod.ts";
import { type DeviceChoice, resolveDevice } from "./device.ts";
import { cString, type NativeApi, nativeApi, type Pointer } from "./native_api.ts";
import { createNativeSession, createNativeTensor, pointerLists } from "./native_session.ts";
import { runError } from "./run_error.ts";
import { createSession, type Session } from "./session.ts";

/** What sessions that are run from feeds to outputs have in common. */
export type RunnableSession = Pick<Session, "device" | "run" | "release">;

/** Options of {@linkcode createConcurrentSession}. */
export interface ConcurrentSessionOptions {
  /** Where to compute; `auto` where left out. */
  readonly device?: DeviceChoice;
  /** Threads of the CPU, of all runs together; one a core where left out. */
  readonly threads?: number;
  /** Elements of the graph's parameters. */
  readonly parameters: ParameterLookup;
}

/**
 * Load a graph of which two runs go on at the same time where the CPU computes and has two threads or
 * more; further ones wait. Other devices take one run after the other.
 *
 * @param graph The graph.
 * @param options Device, threads and parameters.
 * @returns A session whose `run` may be called while others run; `release` waits for all of them.
 * @throws {InputError} If the device cannot be used here.
 */
export async function createConcurrentSession(
  graph: Graph,
  options: ConcurrentSessionOptions,
): Promise<RunnableSession> {
  const ort = await import("onnxruntime-node");
  const device = await resolveDevice(ort, options.device ?? "auto");
  const api = device === "cpu" && options.threads !== 1 ? nativeApi() : null;
  if (api === null) return await createSession(graph, { ...options, device });
  return new ConcurrentSession(api, graph, options);
}

const RUNS_AT_ONCE = 2;

class ConcurrentSession implements RunnableSession {
  readonly device = "cpu";
  readonly #api: NativeApi;
  readonly #graph: Graph;
  readonly #session: Pointer;
  /** The last run of each that go on at the same time: the next one follows it. */
  readonly #last: Promise<unknown>[] = new Array(RUNS_AT_ONCE).fill(Promise.resolve());
  #runs = 0;
  /** What runs use on other threads, which must not be collected meanwhile. */
  readonly #held = new Set<unknown>();

  constructor(api: NativeApi, graph: Graph, { threads, parameters }: ConcurrentSessionOptions) {
    this.#api = api;
    this.#graph = graph;
    // Each run brings a thread of its own; the others, which the session has, help both.
    const wanted = threads ?? (navigator.hardwareConcurrency > RUNS_AT_ONCE ? 0 : RUNS_AT_ONCE);
    const shared = wanted === 0 ? 0 : wanted - RUNS_AT_ONCE + 1;
    this.#session = createNativeSession(
      api,
      graph.name,
      encodeModel(graph, { parameters }),
      shared,
    );
  }

  run(feeds: Readonly<Record<string, NdArray>>): Promise<Record<string, NdArray>> {
    const place = this.#runs++ % RUNS_AT_ONCE;
    const run = this.#last[place]!.then(() => this.#run(feeds));
    this.#last[place] = run.catch(() => {});
    return run;
  }

  async #run(feeds: Readonly<Record<string, NdArray>>): Promise<Record<string, NdArray>> {
    const outputs = this.#allocateOutputs(feeds);
    const tensors: Pointer[] = [];
    const held: unknown[] = [feeds, outputs];
    this.#held.add(held);
    const listed = (arrays: Readonly<Record<string, NdArray>>) =>
      Object.entries(arrays).map(([name, array]) => {
        const tensor = createNativeTensor(this.#api, array);
        tensors.push(tensor);
        return [cString(name), tensor] as const;
      });
    try {
      const [given, wanted] = [listed(feeds), listed(outputs)];
      const [inputs, targets] = [pointerLists(given), pointerLists(wanted)];
      held.push(given, wanted, inputs, targets);
      const status = await this.#api.run(
        this.#session,
        null,
        inputs.names,
        inputs.tensors,
        inputs.count,
        targets.names,
        targets.count,
        targets.tensors,
      );
      this.#api.check(status);
      return outputs;
    } catch (error) {
      throw runError(error, "the model");
    } finally {
      this.#held.delete(held);
      for (const tensor of tensors) this.#api.releaseValue(tensor);
    }
  }

  /** Arrays for the outputs of a run, whose free extents are those of its inputs. */
  #allocateOutputs(feeds: Readonly<Record<string, NdArray>>): Record<string, NdArray> {
    const symbols: Record<string, number> = {};
    for (const { name, dtype, shape } of this.#graph.inputs) {
      const array = feeds[name];
      if (array?.dtype !== dtype || array.shape.length !== shape.length) {
        throw new Error(`internal: "${name}" is not what graph "${this.#graph.name}" takes`);
      }
      shape.forEach((dim, axis) => {
        if (typeof dim === "string") symbols[dim] = array.shape[axis]!;
      });
    }
    return Object.fromEntries(
      [...this.#graph.outputs].map(([name, { dtype, shape }]) => [
        name,
        ndarray(dtype, shape.map((dim) => evaluateDim(dim, symbols)!)),
      ]),
    );
  }

  async release(): Promise<void> {
    await Promise.all(this.#last);
    this.#api.releaseSession(this.#session);
  }
}
