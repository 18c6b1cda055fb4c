/** Scenes of several files: bands apart, neighbours, products; catalogues of scenes. @module */
export { type CatalogueScene, readCatalogue } from "./catalogue.ts";
export { polygonsOnScene, windowOfBounds } from "./ground.ts";
export { openSceneFiles, type OpenSceneFilesOptions } from "./open_scene_files.ts";
