/**
 * Encoding of graphs as ONNX models, which ONNX Runtime loads.
 *
 * Format: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
 *
 * @module
 */
import { bytesOf, type DataType, formatShape, type NdArray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import type { Shape } from "./dims.ts";
import { type Graph, reachable } from "./graph.ts";
import { type AttributeSpec, type AttributeValue, OPSETS } from "./operator.ts";
import { OPERATORS } from "./operators.ts";
import { ProtobufMessage } from "./protobuf.ts";
import type { Node, Value } from "./value.ts";

/** Version of the model format that goes with operator set 21. */
const IR_VERSION = 10;

/** Largest message that Protocol Buffers can hold. */
const MAX_MODEL_BYTES = 2 ** 31 - 1;

/** Codes of the element types (TensorProto.DataType). */
export const TENSOR_TYPE_CODES: Readonly<Record<DataType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
};

/** Codes of the kinds of attributes (AttributeProto.AttributeType). */
const ATTRIBUTE_CODES = { float: 1, int: 2, string: 3, ints: 7 };

/**
 * Elements of a parameter by its name: the array makes it part of the model, null leaves it an input
 * of the model.
 */
export type ParameterLookup = (name: string) => NdArray | null | undefined;

/** Options of {@linkcode encodeModel}. */
export interface EncodeOptions {
  /** Elements of parameters; where left out, all parameters are inputs of the model. */
  readonly parameters?: ParameterLookup;
}

/**
 * Encode a graph as an ONNX model (`.onnx`). Nodes, constants and parameters that lead to no output
 * are left out.
 *
 * @param graph The graph.
 * @param options Where the elements of parameters come from.
 * @returns The model's bytes.
 * @throws {InputError} If a parameter is missing or has another shape or element type, or if the
 * model would not fit the format's 2 GB.
 */
export function encodeModel(graph: Graph, options: EncodeOptions = {}): Uint8Array<ArrayBuffer> {
  const names = outputNames(graph);
  const nameOf = (value: Value) => names.get(value) ?? value.name;
  const { nodes, parameters, constants } = reachable(graph);
  const lookup = options.parameters ?? (() => null);
  const arrays = parameters.map((value) => parameterArray(value, lookup));

  const body = new ProtobufMessage();
  for (const node of nodes) body.message(1, encodeNode(node, nameOf));
  body.string(2, graph.name);
  for (const value of constants) {
    if (value.producer.kind === "constant") {
      body.message(5, encodeTensor(value.name, value.producer.array));
    }
  }
  for (const [i, value] of parameters.entries()) {
    const array = arrays[i]!;
    if (array !== null) body.message(5, encodeTensor(value.name, array));
  }
  for (const value of graph.inputs) body.message(11, encodeValueInfo(value.name, value));
  for (const [i, value] of parameters.entries()) {
    if (arrays[i] === null) body.message(11, encodeValueInfo(value.name, value));
  }
  for (const [name, value] of graph.outputs) body.message(12, encodeValueInfo(name, value));

  const model = new ProtobufMessage()
    .int(1, IR_VERSION)
    .string(2, "swath")
    .message(7, body);
  const used = new Set(nodes.map(({ operator }) => OPERATORS[operator].domain));
  for (const [domain, version] of Object.entries(OPSETS)) {
    if (domain !== "" && !used.has(domain)) continue;
    model.message(8, new ProtobufMessage().string(1, domain).int(2, version));
  }
  if (model.byteLength > MAX_MODEL_BYTES) {
    throw new InputError(
      `Cannot encode model "${graph.name}" as ONNX holds at most 2 GB in one file: ` +
        `current size is ${(model.byteLength / 1e9).toFixed(1)} GB`,
    );
  }
  return model.toBytes();
}

/** Names of the values that are outputs of the graph; they replace the values' own. */
function outputNames(graph: Graph): Map<Value, string> {
  return new Map([...graph.outputs].map(([name, value]) => [value, name]));
}

function parameterArray(value: Value, lookup: ParameterLookup): NdArray | null {
  const array = lookup(value.name);
  if (array === null) return null;
  if (array === undefined) {
    throw new InputError(`Cannot encode the model as parameter "${value.name}" has no value`);
  }
  if (array.dtype !== value.dtype || array.shape.join() !== value.shape.join()) {
    throw new InputError(
      `Cannot encode the model as parameter "${value.name}" is ${array.dtype} ` +
        `${formatShape(array.shape)}: the graph has ${value.dtype} ${formatShape(value.shape)}`,
    );
  }
  return array;
}

function encodeNode(node: Node, nameOf: (value: Value) => string): ProtobufMessage {
  const row = OPERATORS[node.operator];
  const message = new ProtobufMessage();
  for (const input of node.inputs) message.string(1, input === null ? "" : nameOf(input));
  for (const output of node.outputs) message.string(2, nameOf(output));
  message.string(3, node.name).string(4, row.onnxName ?? node.operator);
  for (const [name, value] of givenAttributes(node)) {
    message.message(5, encodeAttribute(name, row.attributes[name]!, value));
  }
  if (row.domain !== "") message.string(7, row.domain);
  return message;
}

/** Attributes of a node that differ from the standard's defaults. */
export function givenAttributes(node: Node): [name: string, value: AttributeValue][] {
  const specs = OPERATORS[node.operator].attributes;
  const attributes: Readonly<Record<string, AttributeValue | undefined>> = node.attributes;
  return Object.entries(attributes).flatMap(([name, value]) =>
    value === undefined || isDefault(value, specs[name]!) ? [] : [[name, value]]
  );
}

function isDefault(value: AttributeValue, { default: standard, fill }: AttributeSpec): boolean {
  if (!Array.isArray(value)) return value === standard;
  return fill !== undefined && value.every((element) => element === fill);
}

/** The standard's name of an attribute. */
function onnxAttributeName(name: string, spec: AttributeSpec): string {
  return spec.onnxName ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function encodeAttribute(
  name: string,
  spec: AttributeSpec,
  value: AttributeValue,
): ProtobufMessage {
  const message = new ProtobufMessage().string(1, onnxAttributeName(name, spec));
  switch (spec.kind) {
    case "flag":
    case "int":
      return message.int(3, Number(value)).int(20, ATTRIBUTE_CODES.int);
    case "type":
      return message.int(3, TENSOR_TYPE_CODES[value as DataType]).int(20, ATTRIBUTE_CODES.int);
    case "float":
      return message.float(2, value as number).int(20, ATTRIBUTE_CODES.float);
    case "string":
      return message.string(4, value as string).int(20, ATTRIBUTE_CODES.string);
    case "ints":
      for (const element of value as readonly number[]) message.int(8, element);
      return message.int(20, ATTRIBUTE_CODES.ints);
  }
}

function encodeTensor(name: string, array: NdArray): ProtobufMessage {
  const message = new ProtobufMessage();
  for (const extent of array.shape) message.int(1, extent);
  return message.int(2, TENSOR_TYPE_CODES[array.dtype]).string(8, name).bytes(9, bytesOf(array));
}

function encodeValueInfo(name: string, value: { dtype: DataType; shape: Shape }): ProtobufMessage {
  const shape = new ProtobufMessage();
  for (const dim of value.shape) {
    const message = new ProtobufMessage();
    shape.message(1, typeof dim === "number" ? message.int(1, dim) : message.string(2, dim));
  }
  const tensor = new ProtobufMessage()
    .int(1, TENSOR_TYPE_CODES[value.dtype])
    .message(2, shape);
  return new ProtobufMessage().string(1, name).message(2, new ProtobufMessage().message(1, tensor));
}
