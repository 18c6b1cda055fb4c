/**
 * What land cover is made of: reflectance spectra of pure materials in Sentinel-2's bands.
 *
 * A pixel is a linear mixture of two of them under some light. Classes share materials on purpose (a
 * tiled roof and ploughed clay, slate and asphalt, stubble and dry grass), so that spectra alone do
 * not tell them apart and a network has to look around.
 *
 * The numbers are typical surface reflectances × 10000 in the manner of the ECOSTRESS and USGS
 * spectral libraries, rounded, not measurements.
 *
 * @module
 */
import { type BandInfo, SENTINEL2_BANDS } from "../raster/mod.ts";

const REFLECTANCE_SCALE = 1e-4;

/**
 * Bands of a land-cover scene: Sentinel-2's as reflectance × 10000, and the elevation in metres, as
 * in Landslide4Sense (Ghorbanzadeh et al., 2022), because terrain tells water from shadow.
 */
export const LANDCOVER_BANDS: readonly BandInfo[] = [
  ...SENTINEL2_BANDS.map((name) => ({ name, scale: REFLECTANCE_SCALE, offset: 0 })),
  { name: "DEM", scale: 1, offset: 0 },
];

/** Number of bands that hold reflectance; the elevation follows them. */
export const REFLECTANCE_BAND_COUNT: number = SENTINEL2_BANDS.length;

/** Surface reflectance × 10000, one number a band. */
// deno-fmt-ignore
const SPECTRA = {
  clearWater:  [ 250,  300,  350,  200,  150,   90,   80,   60,   50,   40,   5,   30,   20],
  turbidWater: [ 450,  600,  900,  800,  700,  350,  330,  250,  220,  150,   5,   60,   40],
  broadleaf:   [ 150,  200,  450,  250,  800, 2600, 3300, 3500, 3700, 3600,  10, 1700,  750],
  conifer:     [ 120,  150,  280,  180,  450, 1400, 1750, 1900, 2000, 1950,  10,  900,  400],
  greenGrass:  [ 250,  350,  750,  450, 1150, 2900, 3600, 3800, 4000, 3900,  12, 2200, 1150],
  dryGrass:    [ 500,  700, 1100, 1350, 1700, 2300, 2600, 2800, 3000, 2900,  15, 3200, 2200],
  cereal:      [ 200,  270,  650,  280,  900, 3400, 4500, 4800, 5000, 4900,  12, 1750,  800],
  maize:       [ 220,  320,  700,  420, 1100, 2500, 3100, 3300, 3500, 3400,  12, 2300, 1250],
  stubble:     [ 650,  900, 1350, 1750, 2000, 2250, 2400, 2600, 2750, 2700,  18, 3600, 2800],
  brightSoil:  [ 800, 1100, 1550, 2050, 2350, 2550, 2700, 2850, 2950, 2900,  20, 3700, 3200],
  darkSoil:    [ 450,  600,  850, 1150, 1350, 1500, 1600, 1700, 1800, 1750,  12, 2300, 2000],
  asphalt:     [ 800,  900, 1000, 1080, 1130, 1170, 1200, 1250, 1280, 1250,  15, 1400, 1350],
  gravel:      [1300, 1500, 1750, 2000, 2150, 2250, 2300, 2400, 2450, 2400,  22, 2700, 2600],
  redTile:     [ 700,  930, 1300, 2000, 2280, 2460, 2590, 2720, 2800, 2740,  20, 3400, 2980],
  slate:       [ 790,  890,  985, 1065, 1110, 1145, 1175, 1225, 1250, 1215,  14, 1360, 1310],
  brightRoof:  [1600, 1820, 2080, 2330, 2470, 2560, 2610, 2710, 2750, 2690,  25, 3000, 2860],
} as const;

/** Name of a material. */
export type Material = keyof typeof SPECTRA;

const MATERIALS = Object.keys(SPECTRA) as Material[];

/** Number of each material, as layout rows store it. */
export const MATERIAL: Readonly<Record<Material, number>> = Object.fromEntries(
  MATERIALS.map((name, index) => [name, index]),
) as Record<Material, number>;

/** Reflectance of every material in a band, by material number. */
export function materialReflectances(band: number): Float32Array {
  return Float32Array.from(MATERIALS, (name) => SPECTRA[name][band]!);
}

/**
 * What the air adds at mean haze, reflectance × 10000: scenes are as seen from above the atmosphere,
 * as band B10 (cirrus) is only delivered there.
 */
export const PATH_RADIANCE: readonly number[] = [
  950,
  640,
  380,
  230,
  190,
  150,
  130,
  110,
  100,
  60,
  5,
  20,
  10,
];
