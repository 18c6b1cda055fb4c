/** `swath tile`. @module */
import {
  type ClassInfo,
  type GridPlan,
  releaseBuffer,
  type Sample,
  type StreamEnd,
  type StreamItem,
  tileScene,
} from "../../mod.ts";
import { namedClasses } from "../classes.ts";
import { defineCommand } from "../command.ts";
import { CommandError } from "../errors.ts";
import type { CommandIo } from "../io.ts";
import { flag, message, multiple, object, option, optional, withDefault } from "../optique.ts";
import { OutputNames, SCENE_PLACEHOLDER } from "../output_names.ts";
import {
  bandsOption,
  classesOption,
  headerOption,
  jsonOption,
  maxMemoryOption,
  optionalFileArguments,
  overviewOption,
  patchSizeOption,
  streamFormatOption,
} from "../options.ts";
import { factorOf, offsetOption, scaleOption, watchDivisors } from "../scale.ts";
import { writePatches } from "../stream.ts";
import { pictureOptions, picturesOf } from "../tile/picture_options.ts";
import { openScene, reportTraffic } from "../tile/open_scene.ts";
import { formatPlans, formatTotal, planOf, type ScenePlan } from "../tile/plan_table.ts";
import { describeScene, listScenes, type ScenePaths } from "../tile/scene_list.ts";
import { type SceneTask, shareScenes } from "../tile/share_scenes.ts";
import {
  crs,
  groundBounds,
  overlap,
  path,
  pixelWindow,
  RASTER_EXTENSIONS,
  shard,
  wholeNumber,
} from "../values.ts";

export default defineCommand({
  name: "tile",
  summary: "Cut scenes into a stream of patches",
  description: [
    "Reads GeoTIFF (files, or URLs by range requests), PNG and JPEG, and writes patches row by row: the " +
    "stored numbers as image, valid (1 where there is data), and label with --labels. Each scene is one " +
    "segment of the stream; scenes of one name get numbers.",
    "Every pixel is covered. Patches of the last column and row are moved inwards; offsets are " +
    "multiples of 16, so that a few pixels of them may lie beyond the scene, where they are not valid. " +
    "A scene smaller than a patch is one patch of its own size, rounded up to a multiple of 32. A " +
    "patch without any data is left out, and counted in the end mark.",
    "A folder, such as a Sentinel-2 product (.SAFE), is one scene, and with --join all files are. Files " +
    "that cover the same ground are bands of it: the finest gives the grid, and coarser ones are " +
    "resampled to it, bilinear, classes by the nearest pixel, as GDAL's warper does. Bands are called " +
    "by their descriptions or by the names of the files. Files that cover different ground are " +
    "neighbours, which must have one CRS, one pixel grid and the same bands; where they overlap, the " +
    "first one that has data wins.",
    "Scale and offset of the stored numbers come from the files, from the metadata of a Sentinel-2 " +
    "product (with the offset of baseline 04.00), or from --scale and --offset. infer and normalize " +
    "apply a model's statistics to what they make of the numbers.",
    "With --overview, a scene is its reduced-resolution copy of that number, with larger pixels on the " +
    "same ground; info lists the overviews. Labels are read from their own of the same number. --window, " +
    "--size and --overlap count its pixels.",
    "--window and --bbox make a part of the scene the whole of what is cut, and mapped. --aoi leaves the " +
    "grid as it is, and out of it the patches that polygons do not depend on: inside them, the map is " +
    "that of the whole scene; elsewhere it has no data where no patch came. Polygons are GeoJSON, " +
    "GeoPackage, FlatGeobuf or Shapefile, in any CRS.",
    "Labels are a raster of one band on the same pixels: class numbers from 0, and 255 or nodata where " +
    "there is no label. Their names come from --classes, or the raster itself.",
    "A folder that holds nothing but pictures (PNG, JPEG; also in subfolders) is a data set of independent " +
    "images: RGB, each a sample, of its own size unless --fit says otherwise. --labels is then a folder with a " +
    "PNG under the same name for each: class numbers, a palette's indices, or the colours of --classes (such as " +
    "camvid). With ADE20K's annotations, --reduce-labels.",
    "A catalogue (--scenes) has a JSON object a line: " +
    '{"id": "T33UVP-2020", "files": ["B02.tif", "B03.tif"], "labels": "truth.tif", "date": ' +
    '"2020-07-01"}. ' +
    "The files, paths from the catalogue's folder or URLs, are one scene together; labels and date may " +
    "be left out.",
    "With --shard, several processes or machines share the work, equally and always in the same way: " +
    "each takes some rows of patches of some scenes, and as many of their neighbours' as it takes to " +
    "blend across the border, which answer for no pixels themselves. The maps of all shards of a " +
    "scene, put together by mosaic, are the map of the scene.",
    "With --resume-from, the pipe goes on with a map that was broken off: patches that only finished " +
    "rows need are left out. Without such a map, or rows of it, everything is cut.",
    "With --plan, nothing is cut but a row of patches in the middle, to estimate the time that reading " +
    "takes; a network takes longer.",
  ],
  examples: [
    {
      note: "Map a scene",
      command: "swath tile scene.tif --overlap 64 | swath infer model/ | swath stitch -o map.tif",
    },
    {
      note: "Training data, with names for the classes",
      command: "swath tile scene.tif --labels labels.tif --classes water,forest,field > train.tar",
    },
    {
      note: "A quick look at a large scene: its first overview, of half the resolution",
      command: "swath tile granule.tif --overview 0 --overlap 64 | swath infer model/ | " +
        "swath stitch -o map.tif",
    },
    { note: "What it will cost", command: "swath tile scene.tif --overlap 12.5% --plan" },
    {
      note: "Three bands of a part of the scene",
      command:
        "swath tile scene.tif --bands B04,B03,B02 --window 0,0,256,256 --size 128 > part.tar",
    },
    {
      note: "The part inside some coordinates, and the patches that touch polygons",
      command: "swath tile scene.tif --bbox 600500,5198000,601500,5199000 > part.tar\n" +
        "swath tile scene.tif --size 64 --aoi area.geojson > area.tar",
    },
    {
      note: "A quarter of a scene, to be put together with the other three by swath mosaic",
      command: "swath tile scene.tif --size 64 --shard 1/4 | swath infer model/ | " +
        "swath stitch -o part-1.tif",
    },
    {
      note: "Bands in files of their own, and a Sentinel-2 product",
      command: "swath tile --join bands/B*.tif > scene.tar\n" +
        "swath tile bands --bands B02,B03,B04,B8A > product.tar",
    },
    {
      note: "The second of three equal parts of a catalogue of scenes",
      command:
        "mkdir parts && swath tile --scenes scenes.ndjson --size 64 --shard 2/3 | swath infer model/ | " +
        "swath stitch -o 'parts/{scene}.2.tif'",
    },
    {
      note: "Pictures and annotations as ADE20K has them",
      command:
        "swath tile images --labels annotations --reduce-labels --fit crop --size 64 > ade.tar",
    },
    { note: "Look inside", command: "swath tile scene.tif --size 256 | tar tv" },
  ],
  parser: object({
    scenes: optionalFileArguments(
      "SCENE",
      "Raster to cut: GeoTIFF, PNG or JPEG, path or URL; or a folder",
      { extensions: RASTER_EXTENSIONS },
    ),
    catalogue: optional(
      option("--scenes", path("FILE", { extensions: [".ndjson", ".jsonl"] }), {
        description: message`Catalogue of scenes instead, one a line: id, files, labels, date`,
      }),
    ),
    join: withDefault(
      flag("--join", {
        description:
          message`All files are one scene: its bands, where they cover the same ground, or neighbours`,
      }),
      false,
    ),
    labels: multiple(
      option("--labels", path("FILE", { extensions: RASTER_EXTENSIONS }), {
        description: message`Raster of class numbers: one for all scenes, or one for each`,
      }),
    ),
    classes: classesOption(),
    size: patchSizeOption(),
    overlap: optional(
      option("--overlap", overlap(), {
        description:
          message`Pixels that neighbours share at least, or percent of the size; 0 by default`,
      }),
    ),
    stride: optional(
      option("--stride", wholeNumber("PIXELS", { min: 16 }), {
        description: message`Pixels from one patch to the next at most, instead of --overlap`,
      }),
    ),
    overview: overviewOption(),
    bands: bandsOption(),
    scale: scaleOption(),
    offset: offsetOption(),
    ...pictureOptions(),
    window: optional(
      option("--window", pixelWindow(), {
        description: message`Part of each scene to cut: first column, first row, columns, rows`,
      }),
    ),
    bbox: optional(
      option("--bbox", groundBounds(), {
        description:
          message`Part of each scene to cut, by coordinates of its CRS: whole pixels around it`,
      }),
    ),
    bboxCrs: optional(
      option("--bbox-crs", crs(), {
        description: message`CRS of --bbox, such as EPSG:4326`,
      }),
    ),
    aoi: optional(
      option("--aoi", path("FILE", { extensions: [".geojson", ".gpkg", ".fgb", ".shp"] }), {
        description: message`Polygons: patches that touch none of them are left out`,
      }),
    ),
    limit: optional(
      option("--limit", wholeNumber("COUNT", { min: 1 }), {
        description: message`Stop after so many patches of each scene`,
      }),
    ),
    shard: optional(
      option("--shard", shard(), {
        description:
          message`Cut only this part of all scenes, such as 2/4, of as many as share the work`,
      }),
    ),
    resumeFrom: optional(
      option("--resume-from", path("MAP"), {
        description:
          message`Leave out rows that this map of stitch --resume has already; {scene} stands for the name of each scene`,
      }),
    ),
    header: headerOption(),
    maxMemory: maxMemoryOption(),
    plan: withDefault(
      flag("--plan", {
        description:
          message`Print how many patches there are, and what they take in memory and time, instead`,
      }),
      false,
    ),
    json: jsonOption(),
    format: streamFormatOption(),
  }),
  async run(
    { scenes, catalogue, join, labels, classes, plan, json, format, ...cut },
    io,
  ) {
    if (json && !plan) {
      throw new CommandError("--json goes with --plan", "For patches as JSON: --format ndjson");
    }
    const named = classes === undefined ? null : await namedClasses(classes);
    if (cut.window !== undefined && cut.bbox !== undefined) {
      throw new CommandError("--window and --bbox exclude one another");
    }
    if (cut.bboxCrs !== undefined && cut.bbox === undefined) {
      throw new CommandError("--bbox-crs goes with --bbox");
    }
    const { fit, reduceLabels, preprocessor } = cut;
    if (catalogue === undefined && !plan) {
      const pictures = { scenes, labels, size: cut.size, fit, reduceLabels, preprocessor };
      const items = await picturesOf(pictures, named, io);
      if (items !== null && cut.overview !== undefined) {
        throw new CommandError(
          "--overview goes with scenes: a folder of pictures has no overviews",
        );
      }
      if (items !== null) return await writePatches(io, items, format);
    }
    watchDivisors(cut.scale, io);
    const listed = await listScenes({ scenes, catalogue, join, labels });
    if (listed.length > 1 && cut.resumeFrom !== undefined) {
      requirePattern("--resume-from", cut.resumeFrom);
    }
    const tasks = await shareScenes(listed, cut);
    if (plan) {
      const plans = await planScenes(tasks, io);
      await io.write(formatPlans(plans, json ? "json" : "table"));
      if (plans.length > 1) io.info(formatTotal(plans));
      return;
    }
    await writePatches(io, cutScenes(tasks, named, io), format);
  },
});

/** Several scenes make several maps. */
function requirePattern(name: string, pattern: string): void {
  if (new OutputNames(pattern).isPattern) return;
  throw new CommandError(
    `${name} "${pattern}" is one map: there are several scenes`,
    `Put ${SCENE_PLACEHOLDER} where the name of each scene is to stand`,
  );
}

async function planScenes(tasks: readonly SceneTask[], io: CommandIo): Promise<ScenePlan[]> {
  const plans: ScenePlan[] = [];
  for (const { paths, cut } of tasks) {
    using scene = await openScene(paths, cut);
    plans.push(await planOf(paths, scene, cut));
    reportTraffic(io, scene);
  }
  return plans;
}

/** One segment for each scene. */
async function* cutScenes(
  tasks: readonly SceneTask[],
  classes: readonly ClassInfo[] | null,
  io: CommandIo,
): AsyncGenerator<StreamItem, void, undefined> {
  // A stream must not break off in the middle because of what could have been known at its start.
  const total = tasks.length === 1 ? null : await countPatches(tasks);
  const progress = io.progress("Cutting", "patches");
  let done = 0;
  try {
    for (const { paths, cut } of tasks) {
      using scene = await openScene(paths, cut);
      if (scene.plan.selected?.size === 0) {
        io.warn(`${describeScene(paths)}: no patch touches the polygons of ${cut.aoi}`);
      }
      const items = tileScene(scene.reader, scene.plan, {
        sceneName: paths.name,
        history: [io.commandLine],
        ...(paths.date === null ? {} : { date: paths.date }),
        ...(scene.labels === null ? {} : { labels: scene.labels }),
        ...(cut.bands === undefined ? {} : { bands: cut.bands }),
        ...(cut.scale === undefined ? {} : { scale: cut.scale.map(factorOf) }),
        ...(cut.offset === undefined ? {} : { offset: cut.offset }),
        ...(classes === null ? {} : { classes }),
      });
      for await (const item of items) {
        if (item.type === "sample") done++;
        if (item.type === "end") {
          done += item.end.skipped;
          reportPatches(paths, scene.plan, item.end, io);
        }
        progress.update(done, total ?? scene.plan.patches);
        yield item;
        if (item.type === "sample") giveBack(item.sample);
      }
      reportTraffic(io, scene);
    }
  } finally {
    progress.finish();
  }
}

/** Patches of all scenes. Whatever is wrong with one of them, but for its pixels, is found here. */
async function countPatches(tasks: readonly SceneTask[]): Promise<number> {
  let patches = 0;
  for (const { paths, cut } of tasks) {
    using scene = await openScene(paths, cut);
    patches += scene.plan.patches;
  }
  return patches;
}

function reportPatches(
  paths: ScenePaths,
  { resume }: GridPlan,
  { samples, skipped }: StreamEnd,
  io: CommandIo,
): void {
  const scene = describeScene(paths);
  const without = skipped === 0 ? "" : `, ${skipped} without data left out`;
  const finished = resume === null ? "" : `, rows above ${resume.y} are finished`;
  io.debug(`${scene}: ${samples} patches${without}${finished}`);
  if (samples === 0 && skipped > 0 && resume === null) {
    io.warn(`${scene} has no data: all of its patches are left out`);
  }
}

/** Patches of many bands are megabytes: once written, their memory is not left to the collector. */
function giveBack({ arrays }: Sample): void {
  for (const { data } of Object.values(arrays)) {
    const { buffer } = data;
    if (data.byteLength === buffer.byteLength) releaseBuffer(buffer);
  }
}
