/**
 * Which part of which scenes a process is to cut, where several share the work.
 *
 * @module
 */
import { type GridPlan, type SceneShard, type ShardPart, shareOut } from "../../mod.ts";
import { type CutOptions, openScene } from "./open_scene.ts";
import type { ScenePaths } from "./scene_list.ts";

/** A scene, and how to cut it. */
export interface SceneTask {
  readonly paths: ScenePaths;
  /** With the rows of patches that are to be cut, where there are others. */
  readonly cut: CutOptions;
}

/**
 * Scenes with the rows of patches that a shard answers for; all of them without one.
 *
 * @param scenes The scenes.
 * @param cut How to cut them; its shard is one of all scenes together.
 */
export async function shareScenes(
  scenes: readonly ScenePaths[],
  cut: CutOptions & { readonly shard: SceneShard | undefined },
): Promise<SceneTask[]> {
  const { shard } = cut;
  if (shard === undefined || scenes.length === 1) return scenes.map((paths) => ({ paths, cut }));
  const plans: GridPlan[] = [];
  for (const paths of scenes) {
    using scene = await openScene(paths, { ...cut, shard: undefined, resumeFrom: undefined });
    plans.push(scene.plan);
  }
  return shareOut(plans, shard).flatMap((part, index) =>
    part === null
      ? []
      : [{ paths: scenes[index]!, cut: { ...cut, shard: isWhole(part) ? undefined : part } }]
  );
}

function isWhole({ count }: ShardPart): boolean {
  return count === 1;
}
