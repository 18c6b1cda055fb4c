/**
 * JSON files that swath writes and reads back: `{"swath": 1, "type": "scores", …}`.
 *
 * @module
 */
import * as v from "valibot";
import { InputError } from "./errors.ts";

/** Version of these files; one for all types. */
export const DOCUMENT_VERSION = 1;

/** A count that float64 holds exactly. */
export const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** Classes as they travel everywhere; null where unknown. */
export const classesSchema = v.nullable(
  v.array(v.object({ name: v.string(), color: v.pipe(v.string(), v.regex(/^#[0-9a-f]{6}$/)) })),
);

const envelope = v.looseObject({ swath: v.number(), type: v.string() });

/**
 * Read a document of a known type.
 *
 * @param schema What it holds besides version and type; unknown members are dropped.
 * @param text The JSON text.
 * @param type The type expected, a plural noun such as `scores`.
 * @param source File that it comes from, for errors.
 * @throws {InputError} If it is not JSON, of another type or version, or not valid.
 */
export function parseDocument<Schema extends v.GenericSchema>(
  schema: Schema,
  text: string,
  type: string,
  source: string,
): v.InferOutput<Schema> {
  const what = `Cannot read ${type} from ${JSON.stringify(source)}`;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new InputError(`${what}: it is not JSON`, { cause });
  }
  const opened = v.safeParse(envelope, json);
  if (!opened.success) {
    throw new InputError(`${what}: it is not a file of ${type} written by swath`);
  }
  if (opened.output.type !== type) {
    throw new InputError(`${what}: it holds ${opened.output.type}`);
  }
  if (opened.output.swath !== DOCUMENT_VERSION) {
    throw new InputError(
      `${what}: it is of version ${opened.output.swath}, this swath reads version ${DOCUMENT_VERSION}`,
    );
  }
  const result = v.safeParse(schema, json, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new InputError(
    `${what}: at "${v.getDotPath(issue) ?? ""}" expected ${
      issue.expected ?? "something else"
    }, found ${issue.received}`,
  );
}
