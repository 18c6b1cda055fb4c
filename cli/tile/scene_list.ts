/**
 * Which scenes are to be cut, and which files each is made of.
 *
 * @module
 */
import { distinctSceneNames, joinedSceneName, readCatalogue } from "../../mod.ts";
import { CommandError } from "../errors.ts";

/** A scene and its labels by name. */
export interface ScenePaths {
  /** Files, URLs or folders; several are one scene together. */
  readonly files: readonly string[];
  /** Null where there are none. */
  readonly labels: string | null;
  /** Name in the keys of samples. */
  readonly name: string;
  /** When it was taken; null where that is not known. */
  readonly date: string | null;
}

/** What a scene is called in messages. */
export function describeScene({ files, name }: ScenePaths): string {
  return files.length === 1 ? files[0]! : name;
}

/** Options that say which scenes there are. */
export interface SceneChoice {
  /** Files. */
  readonly scenes: readonly string[];
  /** A catalogue in their place. */
  readonly catalogue: string | undefined;
  /** One for all scenes, or one for each. */
  readonly labels: readonly string[];
  /** True if all files are one scene. */
  readonly join: boolean;
}

/** The scenes that the options of a command name, at least one. */
export async function listScenes(choice: SceneChoice): Promise<ScenePaths[]> {
  const { scenes, catalogue, labels, join } = choice;
  if (catalogue !== undefined) {
    const others = [["SCENE", scenes.length > 0], ["--labels", labels.length > 0], [
      "--join",
      join,
    ]];
    const other = others.find(([, isGiven]) => isGiven);
    if (other !== undefined) {
      throw new CommandError(
        `${other[0]} and --scenes exclude one another`,
        "A line of a catalogue names the files of its scene, all of one scene, and its labels",
      );
    }
    const entries = await readCatalogue(catalogue);
    return entries.map(({ id, files, labels, date }) => ({ files, labels, name: id, date }));
  }
  if (scenes.length === 0) throw new CommandError("Missing SCENE", "See: swath tile --help");
  if (join) {
    const [own = null] = pairLabels(1, labels);
    return [{ files: scenes, labels: own, name: joinedSceneName(scenes), date: null }];
  }
  const pairs = pairLabels(scenes.length, labels);
  const names = distinctSceneNames(scenes);
  return scenes.map((scene, i) => ({
    files: [scene],
    labels: pairs[i]!,
    name: names[i]!,
    date: null,
  }));
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
