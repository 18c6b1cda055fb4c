/**
 * Legends in common use: values, names and colours as their publishers give them.
 *
 * @module
 */
import type { LegendEntry } from "./legend.ts";

type Row = readonly [value: number, name: string, color: string];

/**
 * CLC+ Backbone raster, 10 m. Copernicus Land Monitoring Service, "CLC+ Backbone 2021 Product User
 * Manual", annex with the colour palette. The technical values 253 (coastal seawater buffer) and 254
 * (outside area) are no land cover, and left out.
 */
const CLC_PLUS: readonly Row[] = [
  [1, "Sealed", "#ff0000"],
  [2, "Woody needle leaved trees", "#228b22"],
  [3, "Woody broadleaved deciduous trees", "#80ff00"],
  [4, "Woody broadleaved evergreen trees", "#00ff08"],
  [5, "Low-growing woody plants", "#804000"],
  [6, "Permanent herbaceous", "#ccf24d"],
  [7, "Periodically herbaceous", "#ffff80"],
  [8, "Lichens and mosses", "#ff80ff"],
  [9, "Non and sparsely vegetated", "#bfbfbf"],
  [10, "Water", "#0080ff"],
  [11, "Snow and ice", "#00ffff"],
];

/** ESA WorldCover, 10 m. "WorldCover Product User Manual", v2.0 (2022), table 2. */
const WORLD_COVER: readonly Row[] = [
  [10, "Tree cover", "#006400"],
  [20, "Shrubland", "#ffbb22"],
  [30, "Grassland", "#ffff4c"],
  [40, "Cropland", "#f096ff"],
  [50, "Built-up", "#fa0000"],
  [60, "Bare / sparse vegetation", "#b4b4b4"],
  [70, "Snow and ice", "#f0f0f0"],
  [80, "Permanent water bodies", "#0064c8"],
  [90, "Herbaceous wetland", "#0096a0"],
  [95, "Mangroves", "#00cf75"],
  [100, "Moss and lichen", "#fae6a0"],
];

/**
 * CamVid as most networks are trained on it: the 11 groups of SegNet (Badrinarayanan, Kendall and
 * Cipolla, 2017), in the colours of the data set's own classes.
 */
const CAM_VID: readonly Row[] = [
  [0, "Sky", "#808080"],
  [1, "Building", "#800000"],
  [2, "Pole", "#c0c080"],
  [3, "Road", "#804080"],
  [4, "Pavement", "#0000c0"],
  [5, "Tree", "#808000"],
  [6, "SignSymbol", "#c08080"],
  [7, "Fence", "#404080"],
  [8, "Car", "#400080"],
  [9, "Pedestrian", "#404000"],
  [10, "Bicyclist", "#0080c0"],
];

/** CamVid's own 32 classes. Brostow, Fauqueur and Cipolla (2009), `label_colors.txt`, by name. */
const CAM_VID_32: readonly Row[] = [
  [0, "Animal", "#408040"],
  [1, "Archway", "#c00080"],
  [2, "Bicyclist", "#0080c0"],
  [3, "Bridge", "#008040"],
  [4, "Building", "#800000"],
  [5, "Car", "#400080"],
  [6, "CartLuggagePram", "#4000c0"],
  [7, "Child", "#c08040"],
  [8, "Column_Pole", "#c0c080"],
  [9, "Fence", "#404080"],
  [10, "LaneMkgsDriv", "#8000c0"],
  [11, "LaneMkgsNonDriv", "#c00040"],
  [12, "Misc_Text", "#808040"],
  [13, "MotorcycleScooter", "#c000c0"],
  [14, "OtherMoving", "#804040"],
  [15, "ParkingBlock", "#40c080"],
  [16, "Pedestrian", "#404000"],
  [17, "Road", "#804080"],
  [18, "RoadShoulder", "#8080c0"],
  [19, "Sidewalk", "#0000c0"],
  [20, "SignSymbol", "#c08080"],
  [21, "Sky", "#808080"],
  [22, "SUVPickupTruck", "#4080c0"],
  [23, "TrafficCone", "#000040"],
  [24, "TrafficLight", "#004040"],
  [25, "Train", "#c04080"],
  [26, "Tree", "#808000"],
  [27, "Truck_Bus", "#c080c0"],
  [28, "Tunnel", "#400040"],
  [29, "VegetationMisc", "#c0c000"],
  [30, "Void", "#000000"],
  [31, "Wall", "#40c000"],
];

/**
 * ADE20K's 150 classes, numbered from 0 as transformers' models do. Zhou et al. (2017), scene parsing
 * benchmark: `objectInfo150.csv`, first names, and `color150.mat`.
 */
const ADE20K: readonly Row[] = [
  [0, "wall", "#787878"],
  [1, "building", "#b47878"],
  [2, "sky", "#06e6e6"],
  [3, "floor", "#503232"],
  [4, "tree", "#04c803"],
  [5, "ceiling", "#787850"],
  [6, "road", "#8c8c8c"],
  [7, "bed", "#cc05ff"],
  [8, "windowpane", "#e6e6e6"],
  [9, "grass", "#04fa07"],
  [10, "cabinet", "#e005ff"],
  [11, "sidewalk", "#ebff07"],
  [12, "person", "#96053d"],
  [13, "earth", "#787846"],
  [14, "door", "#08ff33"],
  [15, "table", "#ff0652"],
  [16, "mountain", "#8fff8c"],
  [17, "plant", "#ccff04"],
  [18, "curtain", "#ff3307"],
  [19, "chair", "#cc4603"],
  [20, "car", "#0066c8"],
  [21, "water", "#3de6fa"],
  [22, "painting", "#ff0633"],
  [23, "sofa", "#0b66ff"],
  [24, "shelf", "#ff0747"],
  [25, "house", "#ff09e0"],
  [26, "sea", "#0907e6"],
  [27, "mirror", "#dcdcdc"],
  [28, "rug", "#ff095c"],
  [29, "field", "#7009ff"],
  [30, "armchair", "#08ffd6"],
  [31, "seat", "#07ffe0"],
  [32, "fence", "#ffb806"],
  [33, "desk", "#0aff47"],
  [34, "rock", "#ff290a"],
  [35, "wardrobe", "#07ffff"],
  [36, "lamp", "#e0ff08"],
  [37, "bathtub", "#6608ff"],
  [38, "railing", "#ff3d06"],
  [39, "cushion", "#ffc207"],
  [40, "base", "#ff7a08"],
  [41, "box", "#00ff14"],
  [42, "column", "#ff0829"],
  [43, "signboard", "#ff0599"],
  [44, "chest of drawers", "#0633ff"],
  [45, "counter", "#eb0cff"],
  [46, "sand", "#a09614"],
  [47, "sink", "#00a3ff"],
  [48, "skyscraper", "#8c8c8c"],
  [49, "fireplace", "#fa0a0f"],
  [50, "refrigerator", "#14ff00"],
  [51, "grandstand", "#1fff00"],
  [52, "path", "#ff1f00"],
  [53, "stairs", "#ffe000"],
  [54, "runway", "#99ff00"],
  [55, "case", "#0000ff"],
  [56, "pool table", "#ff4700"],
  [57, "pillow", "#00ebff"],
  [58, "screen door", "#00adff"],
  [59, "stairway", "#1f00ff"],
  [60, "river", "#0bc8c8"],
  [61, "bridge", "#ff5200"],
  [62, "bookcase", "#00fff5"],
  [63, "blind", "#003dff"],
  [64, "coffee table", "#00ff70"],
  [65, "toilet", "#00ff85"],
  [66, "flower", "#ff0000"],
  [67, "book", "#ffa300"],
  [68, "hill", "#ff6600"],
  [69, "bench", "#c2ff00"],
  [70, "countertop", "#008fff"],
  [71, "stove", "#33ff00"],
  [72, "palm", "#0052ff"],
  [73, "kitchen island", "#00ff29"],
  [74, "computer", "#00ffad"],
  [75, "swivel chair", "#0a00ff"],
  [76, "boat", "#adff00"],
  [77, "bar", "#00ff99"],
  [78, "arcade machine", "#ff5c00"],
  [79, "hovel", "#ff00ff"],
  [80, "bus", "#ff00f5"],
  [81, "towel", "#ff0066"],
  [82, "light", "#ffad00"],
  [83, "truck", "#ff0014"],
  [84, "tower", "#ffb8b8"],
  [85, "chandelier", "#001fff"],
  [86, "awning", "#00ff3d"],
  [87, "streetlight", "#0047ff"],
  [88, "booth", "#ff00cc"],
  [89, "television receiver", "#00ffc2"],
  [90, "airplane", "#00ff52"],
  [91, "dirt track", "#000aff"],
  [92, "apparel", "#0070ff"],
  [93, "pole", "#3300ff"],
  [94, "land", "#00c2ff"],
  [95, "bannister", "#007aff"],
  [96, "escalator", "#00ffa3"],
  [97, "ottoman", "#ff9900"],
  [98, "bottle", "#00ff0a"],
  [99, "buffet", "#ff7000"],
  [100, "poster", "#8fff00"],
  [101, "stage", "#5200ff"],
  [102, "van", "#a3ff00"],
  [103, "ship", "#ffeb00"],
  [104, "fountain", "#08b8aa"],
  [105, "conveyer belt", "#8500ff"],
  [106, "canopy", "#00ff5c"],
  [107, "washer", "#b800ff"],
  [108, "plaything", "#ff001f"],
  [109, "swimming pool", "#00b8ff"],
  [110, "stool", "#00d6ff"],
  [111, "barrel", "#ff0070"],
  [112, "basket", "#5cff00"],
  [113, "waterfall", "#00e0ff"],
  [114, "tent", "#70e0ff"],
  [115, "bag", "#46b8a0"],
  [116, "minibike", "#a300ff"],
  [117, "cradle", "#9900ff"],
  [118, "oven", "#47ff00"],
  [119, "ball", "#ff00a3"],
  [120, "food", "#ffcc00"],
  [121, "step", "#ff008f"],
  [122, "tank", "#00ffeb"],
  [123, "trade name", "#85ff00"],
  [124, "microwave", "#ff00eb"],
  [125, "pot", "#f500ff"],
  [126, "animal", "#ff007a"],
  [127, "bicycle", "#fff500"],
  [128, "lake", "#0abed4"],
  [129, "dishwasher", "#d6ff00"],
  [130, "screen", "#00ccff"],
  [131, "blanket", "#1400ff"],
  [132, "sculpture", "#ffff00"],
  [133, "hood", "#0099ff"],
  [134, "sconce", "#0029ff"],
  [135, "vase", "#00ffcc"],
  [136, "traffic light", "#2900ff"],
  [137, "tray", "#29ff00"],
  [138, "ashcan", "#ad00ff"],
  [139, "fan", "#00f5ff"],
  [140, "pier", "#4700ff"],
  [141, "crt screen", "#7a00ff"],
  [142, "plate", "#00ffb8"],
  [143, "monitor", "#005cff"],
  [144, "bulletin board", "#b8ff00"],
  [145, "shower", "#0085ff"],
  [146, "radiator", "#ffd600"],
  [147, "glass", "#19c2c2"],
  [148, "clock", "#66ff00"],
  [149, "flag", "#5c00ff"],
];

/** Names of the legends that swath brings along. */
export const SCHEME_NAMES = ["clc+", "worldcover", "ade20k", "camvid", "camvid32"] as const;

/** Name of a legend that swath brings along. */
export type SchemeName = (typeof SCHEME_NAMES)[number];

const SCHEMES: Readonly<Record<SchemeName, readonly Row[]>> = {
  "clc+": CLC_PLUS,
  worldcover: WORLD_COVER,
  ade20k: ADE20K,
  camvid: CAM_VID,
  camvid32: CAM_VID_32,
};

/**
 * A legend in common use.
 *
 * @param name Which one.
 * @returns Values, names and colours in order of the values.
 *
 * @example
 * ```ts
 * import { schemeLegend } from "swath";
 *
 * const [treeCover] = schemeLegend("worldcover");
 * if (treeCover?.value !== 10 || treeCover.color !== "#006400") throw new Error("tree cover is 10");
 * ```
 */
export function schemeLegend(name: SchemeName): LegendEntry[] {
  return SCHEMES[name].map(([value, name, color]) => ({ value, name, color }));
}
