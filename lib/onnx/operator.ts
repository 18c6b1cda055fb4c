/**
 * The form of a row of the operator table: signature, attributes, and shape inference.
 *
 * @module
 */
import { type DataType, formatShape } from "../array/mod.ts";
import { broadcastShapes, type Dim, type Shape } from "./dims.ts";
import type { Value } from "./value.ts";

/** A fault in how a graph is put together; the message names the operator, the node and the shapes. */
export class GraphError extends Error {
  /** Always `"GraphError"`. */
  override readonly name: string = "GraphError";
}

/** Operator sets that graphs use, by domain; `""` is the standard's own, `ai.onnx`. */
export const OPSETS: Readonly<Record<string, number>> = {
  "": 21,
  "com.microsoft": 1,
  "com.microsoft.nchwc": 1,
};

/** TypeScript type of each kind of attribute. A flag is an ONNX integer that is 0 or 1. */
export interface AttributeTypes {
  /** True or false. */
  flag: boolean;
  /** A 64-bit integer. */
  int: number;
  /** Integers. */
  ints: readonly number[];
  /** Single precision. */
  float: number;
  /** Text. */
  string: string;
  /** An element type. */
  type: DataType;
}

/** Value of an attribute. */
export type AttributeValue = AttributeTypes[keyof AttributeTypes];

/**
 * One attribute of an operator. `T` is the type that callers give, `R` the type after defaults are
 * filled in (which includes `undefined` where there is no default), `Q` whether callers must give it.
 */
export interface AttributeSpec<
  T extends AttributeValue = AttributeValue,
  R extends AttributeValue | undefined = AttributeValue | undefined,
  Q extends boolean = boolean,
> {
  /** How it is stored. */
  readonly kind: keyof AttributeTypes;
  /** True if callers must give it. */
  readonly required: Q;
  /** Value where callers leave it out; the standard's default. */
  readonly default?: T;
  /** The element of lists whose default has one element, repeated for every axis. */
  readonly fill?: number;
  /** The standard's name; left out where it is our name in snake_case. */
  readonly onnxName?: string;
  /** Carries the types for the compiler; never set. */
  readonly types?: readonly [given: T, resolved: R];
}

/** Attributes of an operator by name, in camelCase. */
export type AttributeSpecs = Readonly<Record<string, AttributeSpec>>;

/** An attribute with the standard's default. */
type Defaulted<T extends AttributeValue> = AttributeSpec<T, T, false>;
/** An attribute that is left out of the node where callers do not give it. */
type Optional<T extends AttributeValue> = AttributeSpec<T, T | undefined, false>;
/** An attribute that callers must give. */
type Required<T extends AttributeValue> = AttributeSpec<T, T, true>;

/** A flag with the standard's default. */
export function flag(value: boolean, onnxName?: string): Defaulted<boolean> {
  const spec = { kind: "flag", required: false, default: value } as const;
  return onnxName === undefined ? spec : { ...spec, onnxName };
}

/** An integer with the standard's default. */
export function int(value: number): Defaulted<number> {
  return { kind: "int", required: false, default: value };
}

/** An integer that is left out of the node where callers do not give it. */
export function optionalInt(): Optional<number> {
  return { kind: "int", required: false };
}

/** An integer that callers must give. */
export function requiredInt(): Required<number> {
  return { kind: "int", required: true };
}

/**
 * Integers, one or two an axis, that the row's `resolve` fills in where callers leave them out.
 *
 * @param fill What all of them are by the standard's default; left out where it is another one.
 */
export function ints(fill?: number): Defaulted<readonly number[]> {
  const spec = { kind: "ints", required: false } as const;
  return fill === undefined ? spec : { ...spec, fill };
}

/** Integers that callers must give. */
export function requiredInts(): Required<readonly number[]> {
  return { kind: "ints", required: true };
}

/** A float with the standard's default. */
export function float(value: number): Defaulted<number> {
  return { kind: "float", required: false, default: value };
}

/** A float that is left out of the node where callers do not give it. */
export function optionalFloat(): Optional<number> {
  return { kind: "float", required: false };
}

/** One of several words; the first is the standard's default. */
export function choice<const T extends string>(...words: readonly [T, ...T[]]): Defaulted<T> {
  return { kind: "string", required: false, default: words[0] };
}

/** Text that callers must give. */
export function requiredString(): Required<string> {
  return { kind: "string", required: true };
}

/** An element type that callers must give. */
export function requiredType(): Required<DataType> {
  return { kind: "type", required: true };
}

/** The type that callers give an attribute. */
export type GivenAttribute<S> = S extends AttributeSpec<infer T, infer _R, infer _Q> ? T : never;
/** The type of an attribute with its default filled in. */
export type ResolvedAttribute<S> = S extends AttributeSpec<infer _T, infer R, infer _Q> ? R : never;
/** Names of the attributes that callers must give. */
export type RequiredAttributeNames<A> = {
  [N in keyof A]: A[N] extends { readonly required: true } ? N : never;
}[keyof A];

/** Attributes as callers give them. */
export type GivenAttributesOf<A> =
  & { readonly [N in RequiredAttributeNames<A>]: GivenAttribute<A[N]> }
  & { readonly [N in Exclude<keyof A, RequiredAttributeNames<A>>]?: GivenAttribute<A[N]> };

/** Attributes with the defaults filled in. */
export type ResolvedAttributesOf<A> = { readonly [N in keyof A]: ResolvedAttribute<A[N]> };

/** Element type and shape of an output. */
export interface TensorType {
  /** Element type. */
  readonly dtype: DataType;
  /** Extents. */
  readonly shape: Shape;
}

/** What shape inference sees of a node that is being made. */
export class Inference<A> {
  /** All attributes. */
  readonly attributes: A;
  /** Inputs in the operator's order; null or absent where an optional one is left out. */
  readonly inputs: readonly (Value | null)[];
  /** Number of outputs that were asked for. */
  readonly outputCount: number;
  readonly #operator: string;
  readonly #node: string;
  readonly #inputNames: readonly string[];

  /** Bundle what is known of the node. */
  constructor(
    node: { operator: string; name: string; inputNames: readonly string[] },
    inputs: readonly (Value | null)[],
    attributes: A,
    outputCount: number,
  ) {
    this.#operator = node.operator;
    this.#node = node.name;
    this.#inputNames = node.inputNames;
    this.inputs = inputs;
    this.attributes = attributes;
    this.outputCount = outputCount;
  }

  /** An input that is there. */
  input(index: number): Value {
    const value = this.inputs[index];
    if (!value) return this.fail(`${this.#inputName(index)} is missing`);
    return value;
  }

  /** An input that may have been left out. */
  optional(index: number): Value | null {
    return this.inputs[index] ?? null;
  }

  /** All inputs that are there. */
  present(): Value[] {
    return this.inputs.filter((value) => value !== null);
  }

  /** An axis counted from the start; negative ones count from the end. */
  axis(axis: number, rank: number): number {
    const fromStart = axis < 0 ? axis + rank : axis;
    if (!Number.isInteger(axis) || fromStart < 0 || fromStart >= rank) {
      this.fail(`axis must be in [-${rank}, ${rank - 1}]: current axis is ${axis}`);
    }
    return fromStart;
  }

  /** Axes counted from the start, each at most once. */
  axes(axes: readonly number[], rank: number): number[] {
    const fromStart = axes.map((axis) => this.axis(axis, rank));
    if (new Set(fromStart).size !== axes.length) this.fail(`axes repeat: [${axes.join(", ")}]`);
    return fromStart;
  }

  /** Refuse inputs of different element types; the common one is returned. */
  sameType(...indices: number[]): DataType {
    const values = indices.map((index) => this.optional(index)).filter((value) => value !== null);
    const [first] = values;
    if (first === undefined) return this.fail("inputs are missing");
    if (values.some((value) => value.dtype !== first.dtype)) this.fail("element types differ");
    return first.dtype;
  }

  /** The common shape of inputs that are broadcast against one another. */
  broadcast(...values: Value[]): Dim[] {
    return broadcastShapes(values.map((value) => value.shape)) ??
      this.fail("shapes do not broadcast");
  }

  /** Refuse an input that has another shape than wanted. */
  expectShape(index: number, shape: Shape, why: string): void {
    const value = this.optional(index);
    if (value === null) return;
    if (value.shape.length !== shape.length || value.shape.some((dim, i) => dim !== shape[i])) {
      this.fail(`${this.#inputName(index)} must be ${formatShape(shape)} ${why}`);
    }
  }

  /** Refuse the node; the operator, its path and the shapes of all inputs are added to the message. */
  fail(message: string): never {
    const shapes = this.inputs.flatMap((value, index) =>
      value === null
        ? []
        : [`${this.#inputName(index)} is ${value.dtype} ${formatShape(value.shape)}`]
    );
    throw new GraphError(
      `${this.#operator} "${this.#node}": ${
        [message, shapes.join(", ")].filter(Boolean).join(": ")
      }`,
    );
  }

  #inputName(index: number): string {
    const names = this.#inputNames;
    const last = names.at(-1)!;
    if (index >= names.length - 1 && last.endsWith("...")) {
      return `${last.slice(0, -3)}[${index - names.length + 1}]`;
    }
    return names[index]?.replace("?", "") ?? `input ${index}`;
  }
}

/** A row of the operator table. */
export interface Operator<A extends AttributeSpecs = AttributeSpecs> {
  /** Domain; `""` is the standard's own. */
  readonly domain: string;
  /** Its name in the domain, where the table has it under another one; else null. */
  readonly onnxName: string | null;
  /** Names of the inputs: `B?` may be left out, `inputs...` (last) repeats. */
  readonly inputs: readonly string[];
  /** Names of the outputs: `Mean?` is there on request, `outputs...` repeats. */
  readonly outputs: readonly string[];
  /** Attributes by name. */
  readonly attributes: A;
  /** Fill in attributes whose default depends on the inputs. */
  readonly resolve?: (
    context: Inference<Partial<ResolvedAttributesOf<A>>>,
  ) => Partial<ResolvedAttributesOf<A>>;
  /** Types of the outputs, for as many as were asked for; throws through `context.fail`. */
  readonly infer: (context: Inference<ResolvedAttributesOf<A>>) => readonly TensorType[];
}

/** What {@linkcode operator} takes: a row as it is written in the table. */
export interface OperatorRow<A extends AttributeSpecs> {
  /** Names of inputs separated by blanks, such as `X W B?`. */
  readonly inputs: string;
  /** Names of outputs separated by blanks; `Y` where left out. */
  readonly outputs?: string;
  /** Domain; the standard's own where left out. */
  readonly domain?: string;
  /** Its name in the domain; the table's where left out. */
  readonly onnxName?: string;
  /** Attributes; none where left out. */
  readonly attributes?: A;
  /** See {@linkcode Operator.resolve}. */
  readonly resolve?: Operator<A>["resolve"];
  /** See {@linkcode Operator.infer}. */
  readonly infer: Operator<A>["infer"];
}

/** Make a row of the operator table. */
export function operator<A extends AttributeSpecs = Record<never, never>>(
  row: OperatorRow<A>,
): Operator<A> {
  return {
    domain: row.domain ?? "",
    onnxName: row.onnxName ?? null,
    inputs: row.inputs.split(" "),
    outputs: (row.outputs ?? "Y").split(" "),
    attributes: row.attributes ?? {} as A,
    ...(row.resolve && { resolve: row.resolve }),
    infer: row.infer,
  };
}
