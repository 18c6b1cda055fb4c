/**
 * TensorBoard event files: TFRecords that each hold an `Event` protocol buffer.
 *
 * Record: https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details.
 * Messages: tensorboard/compat/proto/event.proto, summary.proto and tensor.proto.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { ProtobufMessage } from "../onnx/mod.ts";
import { openAppendFile } from "./append_file.ts";
import { crc32c } from "./crc32c.ts";

const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 } as const;
const SUMMARY = { value: 1 } as const;
const VALUE = { tag: 1, simpleValue: 2, image: 4, tensor: 8, metadata: 9 } as const;
const IMAGE = { height: 1, width: 2, colorspace: 3, encoded: 4 } as const;
const TENSOR = { dtype: 1, shape: 2, stringValue: 8 } as const;
const METADATA = { pluginData: 1 } as const;
const PLUGIN_DATA = { pluginName: 1 } as const;
const SHAPE = { dimension: 2 } as const;
const DIMENSION = { size: 1 } as const;
const DT_STRING = 7;
const RGB = 3;

/** Length and its checksum before the data of a record, and the data's checksum after it. */
const HEAD_BYTES = 12;
const TAIL_BYTES = 4;

/** A picture for TensorBoard. */
export interface EventImage {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** The RGB picture as a PNG file. */
  readonly png: Uint8Array;
}

/** An event file being written. Each call is on the disk's way when it returns. */
export interface EventFile extends Disposable {
  /**
   * Write scalars; they are stored in single precision.
   *
   * @param step Step of the run.
   * @param values Values by tag, such as `loss/train`; null ones are left out.
   * @throws {InputError} If the file system refuses.
   */
  scalars(step: number, values: Readonly<Record<string, number | null>>): void;
  /** Write a text in Markdown, such as the configuration. */
  text(step: number, tag: string, markdown: string): void;
  /** Write a picture. */
  image(step: number, tag: string, image: EventImage): void;
  /** Release the file; harmless when repeated. */
  close(): void;
}

/** Options of {@linkcode openEventFile}. */
export interface EventFileOptions {
  /** Events of later steps are cut off, for a run that resumes; all stay where left out. */
  readonly keepUntil?: number;
  /** Seconds since 1970 for each event; the clock where left out. */
  readonly now?: () => number;
}

/**
 * Open an event file for appending; it is made where it is missing.
 *
 * What a crash left of the last event is cut off, as TensorBoard reads no further than to the first
 * damaged record.
 *
 * @param path The file; TensorBoard looks for names that contain `tfevents`.
 * @param options From where to go on.
 * @returns The file.
 * @throws {InputError} If the file system refuses, or the file is something else.
 *
 * @example
 * ```ts
 * import { openEventFile } from "swath";
 *
 * const folder = await Deno.makeTempDir();
 * using events = await openEventFile(`${folder}/events.out.tfevents.swath`);
 * events.scalars(1, { "loss/train": 0.7, "loss/val": 0.8 });
 * events.text(1, "config", "`learning_rate: 0.001`");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function openEventFile(
  path: string,
  options: EventFileOptions = {},
): Promise<EventFile> {
  const { keepUntil = Infinity, now = () => Date.now() / 1000 } = options;
  let isNew = false;
  const file = await openAppendFile(path, (existing) => {
    const kept = keptBytes(existing, keepUntil);
    if (kept === 0 && existing.length > 0 && !isTornStart(existing)) {
      throw new InputError(`Cannot write ${JSON.stringify(path)}: it is not an event file`);
    }
    isNew = kept === 0;
    return kept;
  });
  const write = (event: ProtobufMessage) => file.append(encodeRecord(event.toBytes()));
  if (isNew) {
    write(new ProtobufMessage().double(EVENT.wallTime, now()).string(EVENT.fileVersion, VERSION));
  }
  const summary = (step: number, values: readonly ProtobufMessage[]) => {
    const message = new ProtobufMessage();
    for (const value of values) message.message(SUMMARY.value, value);
    write(
      new ProtobufMessage()
        .double(EVENT.wallTime, now())
        .int(EVENT.step, step)
        .message(EVENT.summary, message),
    );
  };
  return {
    scalars(step, values) {
      const messages = Object.entries(values).flatMap(([tag, value]) =>
        value === null
          ? []
          : [new ProtobufMessage().string(VALUE.tag, tag).float(VALUE.simpleValue, value)]
      );
      if (messages.length > 0) summary(step, messages);
    },
    text(step, tag, markdown) {
      const plugin = new ProtobufMessage().string(PLUGIN_DATA.pluginName, "text");
      const shape = new ProtobufMessage()
        .message(SHAPE.dimension, new ProtobufMessage().int(DIMENSION.size, 1));
      const tensor = new ProtobufMessage()
        .int(TENSOR.dtype, DT_STRING)
        .message(TENSOR.shape, shape)
        .string(TENSOR.stringValue, markdown);
      summary(step, [
        new ProtobufMessage()
          .string(VALUE.tag, tag)
          .message(VALUE.tensor, tensor)
          .message(VALUE.metadata, new ProtobufMessage().message(METADATA.pluginData, plugin)),
      ]);
    },
    image(step, tag, { width, height, png }) {
      const image = new ProtobufMessage()
        .int(IMAGE.height, height)
        .int(IMAGE.width, width)
        .int(IMAGE.colorspace, RGB)
        .bytes(IMAGE.encoded, png);
      summary(step, [new ProtobufMessage().string(VALUE.tag, tag).message(VALUE.image, image)]);
    },
    close: file.close,
    [Symbol.dispose]: file.close,
  };
}

/** What the first event of every file says. */
const VERSION = "brain.Event:2";

/** Length, its checksum, data, its checksum. */
function encodeRecord(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const record = new Uint8Array(HEAD_BYTES + data.length + TAIL_BYTES);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(record.subarray(0, 8)), true);
  record.set(data, HEAD_BYTES);
  view.setUint32(HEAD_BYTES + data.length, maskedCrc32c(data), true);
  return record;
}

/** Rotated and shifted, as a checksum of data that holds checksums is weak. */
function maskedCrc32c(bytes: Uint8Array): number {
  const sum = crc32c(bytes);
  return (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0;
}

/** Length of the leading records that are whole and of no later step. */
function keptBytes(bytes: Uint8Array<ArrayBuffer>, keepUntil: number): number {
  const view = new DataView(bytes.buffer);
  let kept = 0;
  while (kept + HEAD_BYTES <= bytes.length) {
    const length = Number(view.getBigUint64(kept, true));
    const end = kept + HEAD_BYTES + length + TAIL_BYTES;
    if (view.getUint32(kept + 8, true) !== maskedCrc32c(bytes.subarray(kept, kept + 8))) break;
    if (end > bytes.length) break;
    const data = bytes.subarray(kept + HEAD_BYTES, end - TAIL_BYTES);
    if (view.getUint32(end - TAIL_BYTES, true) !== maskedCrc32c(data)) break;
    if (stepOf(data) > keepUntil) break;
    kept = end;
  }
  return kept;
}

/** True if the bytes may be what is left of the first event, of which nothing is worth keeping. */
function isTornStart(bytes: Uint8Array<ArrayBuffer>): boolean {
  if (bytes.length < HEAD_BYTES) return true;
  return new DataView(bytes.buffer).getUint32(8, true) === maskedCrc32c(bytes.subarray(0, 8));
}

/** The step of an event of ours: its second field, after the wall time, where there is one. */
function stepOf(event: Uint8Array): number {
  const stepAt = 9; // the tag of the wall time and eight bytes
  if (event[stepAt] !== EVENT.step << 3) return 0;
  let step = 0;
  for (let i = stepAt + 1, scale = 1; i < event.length; i++, scale *= 128) {
    step += (event[i]! & 0x7f) * scale;
    if (event[i]! < 0x80) break;
  }
  return step;
}
