/**
 * The JSON of a stream: header, samples and end mark as they are written, and their validation when
 * they are read. Both encodings (tar and JSON lines) use these texts.
 *
 * @module
 */
import * as v from "valibot";
import { type DataType, type NdArray, TYPED_ARRAY_CONSTRUCTORS } from "../array/mod.ts";
import {
  ARRAY_NAMES,
  type ArrayName,
  type Sample,
  type SampleInfo,
  STREAM_VERSION,
  type StreamHeader,
} from "./sample.ts";
import { StreamFault } from "./stream_fault.ts";

/** Most samples that a header may announce, and the largest extent of a scene. */
const MAX_COUNT = 2 ** 31;

const finite = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_COUNT));
const extent = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_COUNT));
const offset = v.pipe(v.number(), v.integer(), v.minValue(-MAX_COUNT), v.maxValue(MAX_COUNT));
const crc32 = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff));
const dtype = v.picklist(Object.keys(TYPED_ARRAY_CONSTRUCTORS) as DataType[]);
const transform = v.tuple([finite, finite, finite, finite, finite, finite]);
const window = v.object({ x: offset, y: offset, width: extent, height: extent });
const core = v.object({ ...window.entries, height: count });

const georeference = v.object({
  crs: v.nullable(v.string()),
  transform: v.nullable(transform),
  geoKeys: v.nullable(v.object({
    directory: v.array(count),
    doubles: v.array(finite),
    ascii: v.string(),
  })),
  pixelIsPoint: v.boolean(),
});

const headerSchema = v.object({
  swath: v.literal(STREAM_VERSION),
  scene: v.nullable(v.object({
    name: v.string(),
    source: v.string(),
    crc32: v.exactOptional(crc32),
    date: v.exactOptional(v.string()),
    width: extent,
    height: extent,
    georeference,
  })),
  grid: v.nullable(v.object({
    width: extent,
    height: extent,
    columns: extent,
    rows: extent,
    overlap: count,
  })),
  shard: v.exactOptional(v.object({ number: extent, count: extent, y: count, height: extent })),
  selection: v.exactOptional(v.object({ patches: count, crc32 })),
  resume: v.exactOptional(v.object({ y: count })),
  samples: v.nullable(count),
  bands: v.array(v.object({ name: v.string(), scale: finite, offset: finite })),
  dtype: v.nullable(dtype),
  normalization: v.nullable(v.object({
    bands: v.array(v.string()),
    scale: v.array(finite),
    offset: v.array(finite),
    mean: v.array(finite),
    std: v.array(finite),
    clip: v.nullable(v.tuple([finite, finite])),
  })),
  classes: v.nullable(v.array(v.object({ name: v.string(), color: v.string() }))),
  output: v.nullable(v.object({
    stride: extent,
    kind: v.picklist(["logits", "probabilities"]),
    model: v.string(),
    crc32: v.exactOptional(crc32),
  })),
  history: v.array(v.string()),
});

const arrayEntry = v.object({
  dtype,
  shape: v.array(count),
  crc32: v.optional(crc32),
  npy: v.optional(v.string()),
});

const sampleSchema = v.object({
  key: v.optional(v.string()),
  window,
  core,
  position: v.tuple([count, count]),
  transform: v.nullable(transform),
  crs: v.nullable(v.string()),
  validPixels: count,
  arrays: v.optional(v.record(v.string(), arrayEntry)),
});

// Strict, so that an altered name of a field is an error and not a check that is left out.
const endSchema = v.strictObject({
  type: v.optional(v.literal("end")),
  samples: v.optional(count),
  skipped: v.optional(count),
  crc32: v.optional(crc32),
});

/** What a sample's JSON says of one of its arrays. */
export type ArrayEntry = v.InferOutput<typeof arrayEntry>;

/** A sample's JSON. */
export interface SampleJson {
  /** The key; undefined where a foreign writer leaves it to the member's name. */
  readonly key: string | undefined;
  /** Where it lies. */
  readonly info: SampleInfo;
  /** The arrays that belong to it; undefined where a foreign writer does not list them. */
  readonly arrays: Readonly<Record<string, ArrayEntry>> | undefined;
}

/** The end mark's JSON; what a foreign writer leaves out is not checked. */
export type EndJson = v.InferOutput<typeof endSchema>;

/** The arrays that a sample holds, in the order they are written. */
export function arraysOf(sample: Sample): [ArrayName, NdArray][] {
  return ARRAY_NAMES.flatMap((name) => {
    const array = sample.arrays[name];
    return array === undefined ? [] : [[name, array] as [ArrayName, NdArray]];
  });
}

/**
 * A sample as it is written.
 *
 * @param sample The sample.
 * @param header Header of its segment, for the names of the bands.
 * @param entries What to say of each of its arrays.
 */
export function sampleJson(
  sample: Sample,
  header: StreamHeader,
  entries: Readonly<Record<string, ArrayEntry>>,
): Record<string, unknown> {
  return {
    key: sample.key,
    ...sample.info,
    bands: header.bands.map((band) => band.name),
    arrays: entries,
  };
}

/** Parse JSON text. */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new StreamFault(`${what} is not valid JSON`);
  }
}

/** Validate a header: its version, its fields, and that its numbers agree with one another. */
export function parseHeader(json: unknown): StreamHeader {
  const version = v.safeParse(v.looseObject({ swath: v.number() }), json);
  if (!version.success) throw new StreamFault("its header states no version of the stream format");
  if (version.output.swath !== STREAM_VERSION) {
    throw new StreamFault(
      `it is written in version ${version.output.swath} of the stream format: this swath reads version ${STREAM_VERSION}`,
    );
  }
  const header: StreamHeader = validate(headerSchema, json, "its header");
  const { scene, grid, shard, resume, samples } = header;
  if (shard !== undefined) {
    if (scene === null || shard.y + shard.height > scene.height || shard.number > shard.count) {
      throw new StreamFault("its header describes a shard that is no part of its scene");
    }
  }
  if (resume !== undefined) {
    const { y, height } = shard ?? { y: 0, height: scene?.height ?? 0 };
    if (resume.y < y || resume.y > y + height) {
      throw new StreamFault("its header goes on at a row that is not its scene's or shard's");
    }
  }
  if (grid !== null) {
    if (scene === null) throw new StreamFault("its header has a grid but no scene");
    if (grid.columns > scene.width || grid.rows > scene.height) {
      throw new StreamFault(
        `its header cuts a scene of ${scene.width}x${scene.height} into ${grid.columns}x${grid.rows} patches`,
      );
    }
    if (samples !== null && samples > grid.columns * grid.rows) {
      throw new StreamFault(
        `its header announces ${samples} samples in a grid of ${grid.columns}x${grid.rows}`,
      );
    }
  }
  return header;
}

/** Validate a sample's JSON, all but its relation to the header. */
export function parseSample(json: unknown, what: string): SampleJson {
  const { key, arrays, ...info } = validate(sampleSchema, json, what);
  return { key, info, arrays };
}

/** Validate an end mark. */
export function parseEnd(json: unknown): EndJson {
  return validate(endSchema, json, "its end mark");
}

function validate<Schema extends v.GenericSchema>(
  schema: Schema,
  json: unknown,
  what: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, json, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  const path = v.getDotPath(issue);
  if (path !== null && issue.received === "undefined") {
    throw new StreamFault(`${what} lacks "${path}"`);
  }
  throw new StreamFault(
    `${what} is not valid${path === null ? "" : ` at "${path}"`}: expected ${
      issue.expected ?? issue.message
    }, found ${issue.received}`,
  );
}
