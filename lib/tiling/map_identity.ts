/**
 * What a map is of, so that a run does not go on with the rows of another.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import type { SceneInfo, StreamHeader } from "../stream/mod.ts";
import { sceneOf } from "./stitch.ts";
import type { PartialLayer } from "./partial_map.ts";

/** All that a stream says of what decides about the pixels of a map; not the pixels and weights themselves. */
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
  /** What is put aside. */
  readonly layers: readonly PartialLayer[];
}

/**
 * What the map of a segment is of.
 *
 * @param header Header of the segment.
 * @throws {InputError} If the samples have no scene.
 */
export function identityOf(header: StreamHeader): MapIdentity {
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
    layers: [],
  };
}

function withoutVerbosity(command: string): string {
  return command.replace(/ (-q|--quiet|-v|--verbose)(?= |$)/g, "");
}

/** The first of some parts in which two maps differ; null where they are alike. */
export function differingKey(
  a: MapIdentity,
  b: MapIdentity,
  keys: readonly (keyof MapIdentity)[],
): keyof MapIdentity | null {
  // Through JSON, as one of them has been: it spells NaN and -0 in its own way.
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify([value]));
  return keys.find((key) => !isDeepStrictEqual(plain(a[key]), plain(b[key]))) ?? null;
}
