/**
 * Writing of Protocol Buffers messages, as much as ONNX and TensorBoard need.
 *
 * A message is a list of byte strings that are joined once at the very end, so that large tensors
 * are copied exactly once, into the final buffer.
 *
 * Encoding: https://protobuf.dev/programming-guides/encoding/.
 *
 * @module
 */

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

const encoder = new TextEncoder();

/** A message that is being written. */
export class ProtobufMessage {
  readonly #parts: Uint8Array[] = [];
  /** Size in bytes so far. */
  byteLength = 0;

  /** An integer field; negative ones take ten bytes, as the format wants. */
  int(field: number, value: number | bigint): this {
    return this.#varint((field << 3) | VARINT).#varint(value);
  }

  /** A single-precision field. */
  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#varint((field << 3) | FIXED32).#push(bytes);
  }

  /** A double-precision field. */
  double(field: number, value: number): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    return this.#varint((field << 3) | FIXED64).#push(bytes);
  }

  /** A text field. */
  string(field: number, value: string): this {
    return this.bytes(field, encoder.encode(value));
  }

  /** A field of bytes, which are not copied. */
  bytes(field: number, value: Uint8Array): this {
    return this.#varint((field << 3) | LENGTH_DELIMITED).#varint(value.length).#push(value);
  }

  /** A message within the message. */
  message(field: number, value: ProtobufMessage): this {
    this.#varint((field << 3) | LENGTH_DELIMITED).#varint(value.byteLength);
    for (const part of value.#parts) this.#parts.push(part);
    this.byteLength += value.byteLength;
    return this;
  }

  /** The whole message in one buffer. */
  toBytes(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.byteLength);
    let offset = 0;
    for (const part of this.#parts) {
      bytes.set(part, offset);
      offset += part.length;
    }
    return bytes;
  }

  #varint(value: number | bigint): this {
    let rest = BigInt.asUintN(64, BigInt(value));
    const bytes: number[] = [];
    while (rest > 0x7fn) {
      bytes.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    bytes.push(Number(rest));
    return this.#push(Uint8Array.from(bytes));
  }

  #push(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    this.byteLength += bytes.length;
    return this;
  }
}
