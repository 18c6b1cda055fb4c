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

/** Undo percent-encoding where it is well-formed. */
function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
