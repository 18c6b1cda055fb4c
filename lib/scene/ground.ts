/**
 * Parts of a scene that are named by their place on the ground.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import {
  type Bounds,
  type Geometry,
  geometryBounds,
  type GeoTransform,
  type PixelWindow,
  polygonsOf,
  reprojectGeometry,
  type Ring,
} from "../geo/mod.ts";
import type { RasterInfo } from "../raster/mod.ts";
import { openFeatures } from "../vector/mod.ts";

/** Corners this near to the border of a pixel lie on it. */
const SNAP = 1e-6;

/**
 * The pixels of a scene that a rectangle on the ground touches.
 *
 * @param scene The scene.
 * @param bounds The rectangle; its part outside the scene is left out.
 * @param crs CRS of its coordinates; the scene's where left out.
 * @returns The window around it, of whole pixels.
 * @throws {InputError} If the scene does not say where it lies, the CRS is not known, or no pixel is in
 * the rectangle.
 *
 * @example
 * ```ts
 * import { windowOfBounds } from "swath";
 *
 * const scene = {
 *   source: "scene.tif",
 *   width: 100,
 *   height: 100,
 *   georeference: {
 *     crs: "EPSG:32633",
 *     transform: [500000, 10, 0, 5100000, 0, -10],
 *     geoKeys: null,
 *     pixelIsPoint: false,
 *   },
 * } as const;
 * const { x, y, width, height } = await windowOfBounds(scene, [500105, 5099800, 500200, 5099900]);
 * if ([x, y, width, height].join() !== "10,10,10,10") throw new Error(`${x}, ${y}`);
 * ```
 */
export async function windowOfBounds(
  scene: Pick<RasterInfo, "source" | "width" | "height" | "georeference">,
  bounds: Bounds,
  crs?: string,
): Promise<PixelWindow> {
  const [west, south, east, north] = bounds;
  const box: Geometry = {
    type: "Polygon",
    coordinates: [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
  };
  const pixels = toPixels(await onScene(scene, box, crs), placeOf(scene));
  const [left, top, right, bottom] = geometryBounds(pixels) ?? [0, 0, -1, -1];
  const x = Math.max(0, Math.floor(left + SNAP));
  const y = Math.max(0, Math.floor(top + SNAP));
  const width = Math.min(scene.width, Math.ceil(right - SNAP)) - x;
  const height = Math.min(scene.height, Math.ceil(bottom - SNAP)) - y;
  if (width > 0 && height > 0) return { x, y, width, height };
  const place = geometryBounds(borderOf(scene, placeOf(scene)))!;
  throw new InputError(
    `Cannot cut ${
      bounds.join(", ")
    } out of "${scene.source}" as no pixel of it lies there: it covers ${
      place.map((value) => Number(value.toPrecision(12))).join(", ")
    }${scene.georeference.crs === null ? "" : ` of ${scene.georeference.crs}`}`,
    crs === undefined ? { hint: "Say which CRS the coordinates have with --bbox-crs" } : {},
  );
}

/**
 * The polygons of a vector file, in pixels of a scene.
 *
 * @param scene The scene.
 * @param path GeoJSON, GeoPackage, FlatGeobuf or Shapefile; where it does not name its CRS, it is the
 * scene's.
 * @returns Polygons, each an outer ring and its holes, from the outer corner of the first pixel; those
 * far from the scene are left out.
 * @throws {InputError} If the file cannot be read or has no polygons, a CRS is not known, or the scene
 * does not say where it lies.
 */
export async function polygonsOnScene(
  scene: Pick<RasterInfo, "source" | "width" | "height" | "georeference">,
  path: string,
): Promise<(readonly Ring[])[]> {
  const transform = placeOf(scene);
  const polygons: (readonly Ring[])[] = [];
  let isEmpty = true;
  using reader = await openFeatures(path);
  for await (const { geometry } of reader.features()) {
    if (geometry === null || polygonsOf(geometry).length === 0) continue;
    isEmpty = false;
    const moved = await onScene(scene, geometry, reader.crs ?? undefined);
    polygons.push(...polygonsOf(toPixels(moved, transform)));
  }
  if (!isEmpty) return polygons;
  throw new InputError(`Cannot take "${path}" as an area as there are no polygons in it`);
}

/** A geometry in the scene's CRS, as far as it lies around the scene. */
async function onScene(
  scene: Pick<RasterInfo, "source" | "width" | "height" | "georeference">,
  geometry: Geometry,
  crs: string | undefined,
): Promise<Geometry> {
  const { source, georeference } = scene;
  if (crs === undefined || crs === georeference.crs) return geometry;
  if (georeference.crs === null) {
    throw new InputError(
      `Cannot find coordinates of ${crs} in "${source}" as it does not name its CRS by a code`,
    );
  }
  // A polygon may reach to where the scene's projection has no place for it.
  const border = await reprojectGeometry(
    borderOf(scene, placeOf(scene)),
    georeference.crs,
    crs,
  );
  const [west, south, east, north] = geometryBounds(border)!;
  const margin = Math.max(east - west, north - south);
  return await reprojectGeometry(geometry, crs, georeference.crs, {
    within: [west - margin, south - margin, east + margin, north + margin],
  });
}

function placeOf({ source, georeference }: Pick<RasterInfo, "source" | "georeference">) {
  if (georeference.transform !== null) return georeference.transform;
  throw new InputError(`Cannot find a place in "${source}" as it does not say where it lies`);
}

/** Coordinates of the ground as columns and rows. */
function toPixels(geometry: Geometry, [x0, a, b, y0, c, d]: GeoTransform): Geometry {
  const determinant = a * d - b * c;
  return mapPositions(geometry, (x, y) => [
    (d * (x - x0) - b * (y - y0)) / determinant,
    (a * (y - y0) - c * (x - x0)) / determinant,
  ]);
}

/** The border of a scene on the ground. */
function borderOf(
  { width, height }: Pick<RasterInfo, "width" | "height">,
  [x0, a, b, y0, c, d]: GeoTransform,
): Geometry {
  const corners = [[0, 0], [width, 0], [width, height], [0, height], [0, 0]] as const;
  return {
    type: "Polygon",
    coordinates: [corners.map(([x, y]) => [x0 + a * x + b * y, y0 + c * x + d * y])],
  };
}

/** The polygons of a geometry with other coordinates. */
function mapPositions(
  geometry: Geometry,
  move: (x: number, y: number) => [number, number],
): Geometry {
  return {
    type: "MultiPolygon",
    coordinates: polygonsOf(geometry).map((polygon) =>
      polygon.map((ring) => ring.map(([x = NaN, y = NaN]) => move(x, y)))
    ),
  };
}
