/**
 * Catalogues of scenes: what is to be mapped, or learnt from, one JSON object a line.
 *
 * @module
 */
import { dirname, isAbsolute, join } from "node:path";
import * as v from "valibot";
import { InputError } from "../errors.ts";
import { readTextFile } from "../files/mod.ts";

/** A scene of a catalogue. */
export interface CatalogueScene {
  /** Name of the scene, unlike those of all others: letters, digits, `.`, `_` and `-`. */
  readonly id: string;
  /** Files, folders or URLs that it is made of; several are one scene together. */
  readonly files: readonly string[];
  /** Raster of class numbers; null where there is none. */
  readonly labels: string | null;
  /** When it was taken, such as `2020-01-01`; null where that is not said. */
  readonly date: string | null;
}

/** Names that fit into keys of samples and names of files. */
const ID = /^(?!\.)[\p{L}\p{M}\p{N}._-]{1,100}$/u;

const source = v.pipe(v.string(), v.nonEmpty());
const sceneSchema = v.object({
  id: v.pipe(v.string(), v.regex(ID, "letters, digits, ., _ and -, 100 at most")),
  files: v.union([source, v.pipe(v.array(source), v.minLength(1))]),
  labels: v.optional(v.nullable(source), null),
  date: v.optional(
    v.nullable(v.pipe(
      v.string(),
      v.regex(/^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:?\d\d)?)?$/, "a date such as 2020-01-31"),
    )),
    null,
  ),
});

/**
 * Read a catalogue.
 *
 * Each line is an object such as
 * `{"id": "T33UVP-2020", "files": ["B02.tif", "B03.tif"], "labels": "truth.tif", "date": "2020-07-01"}`;
 * `files` may be a single text. Fields of other names are passed over, and so are empty lines.
 *
 * @param path The catalogue; paths in it count from its folder.
 * @returns The scenes, in order.
 * @throws {InputError} If it cannot be read or has no scenes, a line is no such object, or two scenes
 * have one id; it names the line.
 *
 * @example
 * ```ts
 * import { readCatalogue } from "swath";
 *
 * const directory = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${directory}/scenes.ndjson`, '{"id": "a", "files": "a.tif"}\n');
 * const [scene] = await readCatalogue(`${directory}/scenes.ndjson`);
 * await Deno.remove(directory, { recursive: true });
 * if (scene?.files[0] !== `${directory}/a.tif`) throw new Error("beside the catalogue");
 * ```
 */
export async function readCatalogue(path: string): Promise<CatalogueScene[]> {
  const text = await readTextFile(path);
  const scenes: CatalogueScene[] = [];
  const lines = new Map<string, number>();
  const beside = (name: string) =>
    /^https?:\/\//i.test(name) || isAbsolute(name) ? name : join(dirname(path), name);
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const where = `line ${index + 1} of ${JSON.stringify(path)}`;
    const { id, files, labels, date } = parseLine(line, where);
    const other = lines.get(id);
    if (other !== undefined) {
      throw new InputError(
        `Cannot read ${where}: its id, "${id}", is that of line ${other} already`,
      );
    }
    lines.set(id, index + 1);
    scenes.push({
      id,
      files: (typeof files === "string" ? [files] : files).map(beside),
      labels: labels === null ? null : beside(labels),
      date,
    });
  }
  if (scenes.length > 0) return scenes;
  throw new InputError(`Cannot read ${JSON.stringify(path)}: there are no scenes in it`);
}

function parseLine(line: string, where: string): v.InferOutput<typeof sceneSchema> {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    throw new InputError(`Cannot read ${where}: it is not JSON`, {
      hint: 'A catalogue has one scene a line: {"id": "a", "files": ["B02.tif", "B03.tif"]}',
    });
  }
  const parsed = v.safeParse(sceneSchema, json, { abortEarly: true });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const field = v.getDotPath(issue);
  const expected = issue.type === "regex" ? issue.message : issue.expected;
  throw new InputError(
    `Cannot read ${where}: ${
      field === null ? "" : `at "${field}" `
    }expected ${expected}, found ${issue.received}`,
  );
}
