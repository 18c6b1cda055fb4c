/**
 * Names of scenes, as they stand in the keys of samples.
 *
 * @module
 */

/** So that a key and the longest extension fit the fields of a plain tar. */
const MAX_NAME_BYTES = 120;

/**
 * The name of a scene: its file's name without folder and extension, made safe for paths in a tar.
 *
 * @param source Path or URL.
 * @returns The name; never empty, without slashes and control characters, and not starting with a dot.
 *
 * @example
 * ```ts
 * import { sceneNameOf } from "swath";
 *
 * if (sceneNameOf("https://host/tiles/T33UUP B.tif?token=1") !== "T33UUP_B") throw new Error();
 * ```
 */
export function sceneNameOf(source: string): string {
  const path = /^https?:/i.test(source) ? decodePath(new URL(source).pathname) : source;
  const file = path.split(/[/\\]/).findLast((part) => part !== "") ?? "";
  const stem = file.replace(/(?<=.)\.[^.]*$/, "");
  const safe = stem.replace(/[^\p{L}\p{M}\p{N}._-]+/gu, "_").replace(/^[._-]+(?=.)/, "");
  const bytes = new TextEncoder().encode(safe).subarray(0, MAX_NAME_BYTES);
  // A character that the limit cuts in two is left out.
  const name = new TextDecoder().decode(bytes, { stream: true });
  return name === "" || name === "." || name === ".." ? "scene" : name;
}

/**
 * Names of several scenes, all different: a name that was taken gets a number, such as `scene-2`.
 *
 * @param sources Paths or URLs.
 * @returns A name for each; see {@linkcode sceneNameOf}.
 *
 * @example
 * ```ts
 * import { distinctSceneNames } from "swath";
 *
 * const names = distinctSceneNames(["2023/scene.tif", "2024/scene.tif"]);
 * if (names.join() !== "scene,scene-2") throw new Error(names.join());
 * ```
 */
export function distinctSceneNames(sources: readonly string[]): string[] {
  const names = sources.map(sceneNameOf);
  const taken = new Set(names);
  const last = new Map<string, number>();
  return names.map((name) => {
    let number = last.get(name);
    let distinct = name;
    if (number === undefined) {
      number = 1;
    } else {
      do distinct = `${name}-${++number}`; while (taken.has(distinct));
      taken.add(distinct);
    }
    last.set(name, number);
    return distinct;
  });
}

/**
 * The name of a scene of several files: what their names begin with, up to where words differ; or else
 * that of their folder.
 *
 * @param sources Paths or URLs.
 * @returns The name; see {@linkcode sceneNameOf}.
 *
 * @example
 * ```ts
 * import { joinedSceneName } from "swath";
 *
 * const name = joinedSceneName(["s2/T33UVP_B02_10m.tif", "s2/T33UVP_B05_20m.tif"]);
 * if (name !== "T33UVP") throw new Error(name);
 * ```
 */
export function joinedSceneName(sources: readonly string[]): string {
  const names = sources.map(sceneNameOf);
  const words = names.map((name) => name.split(/(?=[_.-])/));
  const shared = words[0]!.findIndex((word, index) => words.some((other) => other[index] !== word));
  const stem = shared < 0 ? names[0]! : words[0]!.slice(0, shared).join("");
  if (stem !== "") return stem;
  const folders = new Set(sources.map((source) => source.replace(/[/\\]*[^/\\]*$/, "")));
  const [folder] = folders;
  return folders.size === 1 && folder !== "" ? sceneNameOf(folder!) : "scene";
}

/** Undo percent-encoding where it is well-formed. */
function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
