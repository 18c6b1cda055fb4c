/**
 * What a map is of, so that a run does not go on with the rows of another.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import { InputError } from "../errors.ts";
import type { SceneInfo, StreamHeader } from "../stream/mod.ts";
import { abbreviateList } from "../text/mod.ts";
import { sceneOf, type StitchOptions } from "./stitch.ts";
import type { PartialLayer } from "./partial_map.ts";

/** All that a stream says of what decides about the pixels of a map; of the pixels, a checksum of their layout. */
export interface MapIdentity {
  /** The scene. */
  readonly scene: SceneInfo;
  /** How it is cut. */
  readonly grid: StreamHeader["grid"];
  /** The part of it; null for all. */
  readonly shard: StreamHeader["shard"] | null;
  /** Which patches are wanted; null for all. */
  readonly selection: StreamHeader["selection"] | null;
  /** Names of the bands. */
  readonly bands: readonly string[];
  /** Their scales and offsets. */
  readonly scales: readonly (readonly [scale: number, offset: number])[];
  /** What was applied to them. */
  readonly normalization: StreamHeader["normalization"];
  /** The classes. */
  readonly classes: StreamHeader["classes"];
  /** What the model gives. */
  readonly output: StreamHeader["output"];
  /** Command lines between `tile` and the map, without how much they say. */
  readonly commands: readonly string[];
  /** Pixels whose class has a lower probability have none. */
  readonly minConfidence: number;
  /** What is put aside. */
  readonly layers: readonly PartialLayer[];
}

/**
 * What the map of a segment is of.
 *
 * @param header Header of the segment.
 * @param options Which pixels are left without a class.
 * @throws {InputError} If the samples have no scene.
 */
export function identityOf(
  header: StreamHeader,
  { minConfidence = 0 }: StitchOptions = {},
): MapIdentity {
  return {
    scene: sceneOf(header),
    grid: header.grid,
    shard: header.shard ?? null,
    selection: header.selection ?? null,
    bands: header.bands.map(({ name }) => name),
    scales: header.bands.map(({ scale, offset }) => [scale, offset]),
    normalization: header.normalization,
    classes: header.classes,
    output: header.output,
    commands: header.history.slice(1).map(withoutVerbosity),
    minConfidence,
    layers: [],
  };
}

function withoutVerbosity(command: string): string {
  return command.replace(/ (-q|--quiet|-v|--verbose)(?= |$)/g, "");
}

/**
 * What has to be said where two maps differ in one of some parts; null where they are alike.
 *
 * @param path The file that is to be gone on with.
 * @param found What it is of.
 * @param wanted What this run makes.
 * @param keys The parts.
 */
export function differenceOf(
  path: string,
  found: MapIdentity,
  wanted: MapIdentity,
  keys: readonly (keyof MapIdentity)[],
): InputError | null {
  // Through JSON, as one of them has been: it spells NaN and -0 in its own way.
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify([value]));
  const key = keys.find((key) => !isDeepStrictEqual(plain(found[key]), plain(wanted[key])));
  if (key === undefined) return null;
  const { title, describe } = PARTS[key];
  const [before, now] = [describe?.(found), describe?.(wanted)];
  const values = before === now ? "" : `: it has ${before}, this run has ${now}`;
  return new InputError(
    `Cannot go on with ${JSON.stringify(path)}: it is of another map, whose ${title} ${
      title.endsWith("s") ? "differ" : "differs"
    }${values}`,
    { hint: "Repeat the run that it is of, or remove it to begin anew" },
  );
}

/** What the parts are called, and their values where they are short. */
const PARTS: Readonly<
  Record<keyof MapIdentity, { title: string; describe?: (identity: MapIdentity) => string }>
> = {
  scene: { title: "scene", describe: ({ scene }) => describeScene(scene) },
  grid: { title: "grid", describe: ({ grid }) => describeGrid(grid) },
  shard: { title: "shard" },
  selection: { title: "selection" },
  bands: { title: "bands", describe: ({ bands }) => abbreviateList(bands) },
  scales: { title: "scales" },
  normalization: { title: "normalization" },
  classes: {
    title: "classes",
    describe: ({ classes }) => abbreviateList(classes?.map(({ name }) => name) ?? []),
  },
  output: { title: "output", describe: ({ output }) => describeOutput(output) },
  commands: { title: "commands", describe: ({ commands }) => commands.join(" | ") || "none" },
  minConfidence: {
    title: "--min-confidence",
    describe: ({ minConfidence }) => String(minConfidence),
  },
  layers: {
    title: "files",
    describe: ({ layers }) => layers.map(({ name, dtype }) => `${name} (${dtype})`).join(", "),
  },
};

function describeScene({ source, crc32 }: SceneInfo): string {
  return JSON.stringify(source) + withChecksum(crc32);
}

function describeGrid(grid: StreamHeader["grid"]): string {
  return grid === null
    ? "none"
    : `patches of ${grid.width}x${grid.height} with overlap ${grid.overlap}`;
}

function describeOutput(output: StreamHeader["output"]): string {
  if (output === null) return "none";
  const { kind, model, crc32 } = output;
  return `${kind} of ${JSON.stringify(model)}${withChecksum(crc32)}`;
}

function withChecksum(crc32: number | undefined): string {
  return crc32 === undefined ? "" : ` (CRC-32 ${crc32.toString(16).padStart(8, "0")})`;
}
