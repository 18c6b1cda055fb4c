/** Scenes of several files: bands apart, neighbours, products. @module */
export { openSceneFiles, type OpenSceneFilesOptions } from "./open_scene_files.ts";
