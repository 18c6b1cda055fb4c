/**
 * What lasts from train step to train step: parameters, statistics and the optimizer's state, in buffers that the
 * runtime reads and overwrites.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import { initializeParameter } from "../models/mod.ts";
import { EMA_SLOT, nextName, segmentName, type TrainGraphs } from "./train_graph.ts";

/** Arrays by the name of an input or output. */
export type Arrays = Readonly<Record<string, NdArray>>;

/** The arrays of a train step. */
export class StepArrays {
  /** Segments of parameters and state under the names of the inputs that they are. */
  readonly feeds: Arrays;
  /** The same under the names of the outputs that replace them. */
  readonly targets: Arrays;
  /** Segments of the gradients' sums as inputs, if the step is split. */
  readonly sums: Arrays;
  /** The same as outputs. */
  readonly nextSums: Arrays;
  /** Statistics as outputs. */
  readonly nextStatistics: Arrays;
  readonly #graphs: TrainGraphs;
  readonly #seed: number;
  /** Parameters and statistics by name; those that are trained are views of a flat vector. */
  readonly #parameters: ReadonlyMap<string, NdArray<"float32">>;
  /** Flat vectors: `parameters`, the slots and, if the step is split, `gradients`. */
  readonly #vectors: ReadonlyMap<string, NdArray<"float32">>;
  /** Parameters that have no elements yet; they are drawn when they are needed. */
  readonly #undrawn: Set<string>;

  /**
   * Allocate.
   *
   * @param graphs The graphs of the step.
   * @param seed Seed of new parameters.
   * @param gradients Where gradients are summed up, if the step is split.
   */
  constructor(graphs: TrainGraphs, seed: number, gradients: NdArray<"float32"> | null) {
    this.#graphs = graphs;
    this.#seed = seed;
    const { layout, slots, statistics } = graphs;
    const state = ["parameters", ...slots];
    const vectors = new Map(state.map((name) => [name, ndarray("float32", [layout.length])]));
    if (gradients !== null) vectors.set("gradients", gradients);
    this.#vectors = vectors;
    this.#parameters = this.#allocateParameters();
    this.#undrawn = new Set(this.#parameters.keys());
    const sums = gradients === null ? [] : ["gradients"];
    this.feeds = this.#segmentsOf(state, (name) => name);
    this.targets = this.#segmentsOf(state, nextName);
    this.sums = this.#segmentsOf(sums, (name) => name);
    this.nextSums = this.#segmentsOf(sums, nextName);
    this.nextStatistics = Object.fromEntries(
      statistics.map((name) => [nextName(name), this.#parameters.get(name)!]),
    );
  }

  /** Parameters and statistics by name, in place. */
  get parameters(): ReadonlyMap<string, NdArray<"float32">> {
    this.draw();
    return this.#parameters;
  }

  /** The optimizer's state by slot and parameter, in place. */
  get state(): ReadonlyMap<string, NdArray<"float32">> {
    this.draw();
    const { layout, slots } = this.#graphs;
    return new Map(
      slots.flatMap((slot) =>
        layout.segments.flatMap(({ parameters }) =>
          parameters.map(({ name, shape, offset, length }) =>
            [`${slot}/${name}`, this.#view(slot, offset, length, shape)] as const
          )
        )
      ),
    );
  }

  /** All that lasts, each element once: flat vectors, and what is not trained. */
  get whole(): readonly NdArray<"float32">[] {
    this.draw();
    const trained = this.#vectors.get("parameters")!.data.buffer;
    return [
      ...[...this.#parameters.values()].filter(({ data }) => data.buffer !== trained),
      ...[...this.#vectors].flatMap(([name, vector]) => name === "gradients" ? [] : [vector]),
    ];
  }

  /** Flat vector of the gradients, if the step is split. */
  get gradients(): NdArray<"float32"> | null {
    return this.#vectors.get("gradients") ?? null;
  }

  /** Draw all parameters anew and forget the state. */
  initialize(): void {
    for (const name of this.#parameters.keys()) this.#undrawn.add(name);
    for (const slot of this.#graphs.slots) this.#vectors.get(slot)!.data.fill(0);
    this.draw();
  }

  /**
   * Write parameters, statistics and state. What is not among the arrays stays as it is; without state, the
   * moving average starts from the parameters.
   *
   * @throws {InputError} If an array has a name or shape that is not among these.
   */
  load(parameters: ReadonlyMap<string, NdArray>, state: ReadonlyMap<string, NdArray>): void {
    copyInto(this.#parameters, parameters, "parameter");
    for (const name of parameters.keys()) this.#undrawn.delete(name);
    this.draw();
    this.#startAverage();
    copyInto(this.state, state, "optimizer state");
  }

  /** Give elements to the parameters that have none. */
  draw(): void {
    if (this.#undrawn.size === 0) return;
    for (const name of this.#undrawn) {
      const { producer, shape } = this.#graphs.step.parameters.get(name)!;
      if (producer.kind !== "parameter") continue;
      const extents = shape as readonly number[];
      const drawn = initializeParameter({ name, shape: extents, init: producer.init }, this.#seed);
      this.#parameters.get(name)!.data.set(drawn.data);
    }
    this.#undrawn.clear();
    this.#startAverage();
  }

  #startAverage(): void {
    this.#vectors.get(EMA_SLOT)?.data.set(this.#vectors.get("parameters")!.data);
  }

  #allocateParameters(): Map<string, NdArray<"float32">> {
    const { step, layout } = this.#graphs;
    const places = new Map(
      layout.segments.flatMap(({ parameters }) => parameters.map((place) => [place.name, place])),
    );
    return new Map([...step.parameters.values()].map(({ name, shape }) => {
      const extents = shape as readonly number[];
      const place = places.get(name);
      const array = place === undefined
        ? ndarray("float32", extents)
        : this.#view("parameters", place.offset, place.length, extents);
      return [name, array];
    }));
  }

  #view(
    vector: string,
    offset: number,
    length: number,
    shape: readonly number[],
  ): NdArray<"float32"> {
    const { data } = this.#vectors.get(vector)!;
    return ndarray("float32", shape, data.subarray(offset, offset + length));
  }

  /** All segments of vectors, under their names as inputs or outputs. */
  #segmentsOf(vectors: readonly string[], rename: (name: string) => string): Arrays {
    return Object.fromEntries(
      vectors.flatMap((vector) =>
        this.#graphs.layout.segments.map(({ offset, length }, index) =>
          [
            rename(segmentName(vector, index)),
            this.#view(vector, offset, length, [length]),
          ] as const
        )
      ),
    );
  }
}

function copyInto(
  targets: ReadonlyMap<string, NdArray<"float32">>,
  sources: ReadonlyMap<string, NdArray>,
  kind: string,
): void {
  for (const [name, { dtype, shape, data }] of sources) {
    const target = targets.get(name);
    if (target === undefined) {
      throw new InputError(`Cannot load ${kind} "${name}" as the network does not have it`);
    }
    if (dtype !== "float32" || shape.join() !== target.shape.join()) {
      throw new InputError(
        `Cannot load ${kind} "${name}" as it must be float32 ${target.shape.join("x")}: ` +
          `current is ${dtype} ${shape.join("x")}`,
      );
    }
    target.data.set(data as Float32Array<ArrayBuffer>);
  }
}
