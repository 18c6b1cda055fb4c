/**
 * What the two encodings of a stream have in common: each reader yields records, each encoder turns
 * items into bytes.
 *
 * @module
 */
import type { Sample, StreamHeader } from "./sample.ts";
import type { EndJson } from "./wire.ts";

/** A header, sample or end mark as it arrives, before validation; `File` is the content of a `.npy` file. */
export type StreamRecord<File = Uint8Array<ArrayBuffer>> =
  | { readonly kind: "header"; readonly text: Uint8Array; readonly json: unknown }
  | { readonly kind: "end"; readonly text: Uint8Array; readonly json: unknown }
  | {
    readonly kind: "sample";
    /** Its JSON as it was transmitted; the end mark's checksum covers these texts. */
    readonly text: Uint8Array;
    readonly json: unknown;
    /** From the member's name; null where only the JSON tells. */
    readonly key: string | null;
    /** The `.npy` file of each array. */
    readonly files: ReadonlyMap<string, File>;
  };

/** The bytes of a header or sample. */
export interface EncodedRecord {
  /** The part that the end mark's checksum covers. */
  readonly text: Uint8Array;
  /** All of it, in order; large arrays are views of the caller's. */
  readonly parts: readonly Uint8Array[];
}

/** One encoding of a stream. */
export interface StreamEncoder {
  /** Encode a header. */
  header(header: StreamHeader): EncodedRecord;
  /** Encode a sample of the segment with the given header. */
  sample(sample: Sample, header: StreamHeader): EncodedRecord;
  /** Encode an end mark. */
  end(end: EndJson): readonly Uint8Array[];
  /** What follows the last segment. */
  close(): readonly Uint8Array[];
}
