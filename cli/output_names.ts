/**
 * Names of the files of several scenes.
 *
 * @module
 */
import { CommandError } from "./errors.ts";

/** What stands for a scene's name in the name of an output. */
export const SCENE_PLACEHOLDER = "{scene}";

/** Gives every scene of a stream its own file. */
export class OutputNames {
  readonly #pattern: string;
  readonly #given = new Set<string>();

  /** @param pattern A path; with `{scene}` in it, it stands for one file for each scene. */
  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  /** True if several scenes may come. */
  get isPattern(): boolean {
    return this.#pattern.includes(SCENE_PLACEHOLDER);
  }

  /**
   * The file of a scene.
   *
   * @throws {CommandError} If another scene has it already, or the scene's name would lead elsewhere.
   */
  next(scene: string): string {
    if (this.isPattern && !/^(?!\.{1,2}$)[^/\\\0]+$/.test(scene)) {
      throw new CommandError(
        `Cannot put the name of the scene, ${JSON.stringify(scene)}, into the name of a file`,
      );
    }
    const path = this.#pattern.replaceAll(SCENE_PLACEHOLDER, () => scene);
    if (this.#given.has(path)) throw this.#collision(scene, path);
    this.#given.add(path);
    return path;
  }

  #collision(scene: string, path: string): CommandError {
    if (!this.isPattern) {
      return new CommandError(
        `Cannot write a second scene, "${scene}", into "${path}"`,
        `Put ${SCENE_PLACEHOLDER} where the name of each scene is to stand: -o '${SCENE_PLACEHOLDER}.tif'`,
      );
    }
    return new CommandError(
      `Cannot write "${path}" twice as two scenes are called "${scene}"`,
      "Cut them together, and they get different names: swath tile SCENE SCENE",
    );
  }
}
