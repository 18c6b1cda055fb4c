/**
 * Which scenes are to be cut, and which files each is made of.
 *
 * @module
 */
import { distinctSceneNames, joinedSceneName } from "../../mod.ts";
import { CommandError } from "../errors.ts";

/** A scene and its labels by name. */
export interface ScenePaths {
  /** Files, URLs or folders; several are one scene together. */
  readonly files: readonly string[];
  /** Null where there are none. */
  readonly labels: string | null;
  /** Name in the keys of samples. */
  readonly name: string;
}

/** What a scene is called in messages. */
export function describeScene({ files, name }: ScenePaths): string {
  return files.length === 1 ? files[0]! : name;
}

/**
 * Scenes from the arguments of a command.
 *
 * @param scenes Files.
 * @param labels One for all scenes, or one for each.
 * @param join True if all files are one scene.
 */
export function listScenes(
  scenes: readonly string[],
  labels: readonly string[],
  join: boolean,
): ScenePaths[] {
  if (join) {
    const [own = null] = pairLabels(1, labels);
    return [{ files: scenes, labels: own, name: joinedSceneName(scenes) }];
  }
  const pairs = pairLabels(scenes.length, labels);
  const names = distinctSceneNames(scenes);
  return scenes.map((scene, i) => ({ files: [scene], labels: pairs[i]!, name: names[i]! }));
}

/** Which labels belong to which scene: one file for each, or one for all. */
function pairLabels(scenes: number, labels: readonly string[]): (string | null)[] {
  if (labels.length === 0) return Array<null>(scenes).fill(null);
  if (labels.length === 1) return Array<string>(scenes).fill(labels[0]!);
  if (labels.length === scenes) return [...labels];
  const count = scenes === 1 ? "1 scene" : `${scenes} scenes`;
  throw new CommandError(
    `Cannot tell which labels belong to which scene: got ${count} and ${labels.length} labels`,
    "Give --labels once for all scenes, or once for each scene in the same order",
  );
}
