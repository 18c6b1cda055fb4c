/**
 * How the pixels of one raster lie on those of another, where both are parallel.
 *
 * @module
 */
import type { GeoTransform } from "../geo/mod.ts";
import type { RasterInfo } from "../raster/mod.ts";

/**
 * Where a column (or row) of one raster lies in another: its middle is at `(x + 0.5) * scale + offset`
 * from the outer edge of the other's first column, in columns of the other.
 */
export interface AxisMapping {
  /** Pixels of the other raster for one pixel. */
  readonly scale: number;
  /** Where the first column begins, in pixels of the other raster. */
  readonly offset: number;
}

/** Where the pixels of one raster lie in another. */
export interface GridMapping {
  /** From columns to columns. */
  readonly x: AxisMapping;
  /** From rows to rows. */
  readonly y: AxisMapping;
}

/** Share of a pixel over the whole raster that counts as rounding of the georeference. */
const TOLERANCE = 0.01;
/** Scales and offsets this near to a simple fraction are that fraction. */
const SNAP = 1e-6;
/** Denominator of offsets that are told apart from rounding. */
const OFFSET_STEPS = 840;

/**
 * Find where the pixels of one raster lie in another.
 *
 * @param target The raster whose pixels are looked up.
 * @param source The raster that they are looked up in.
 * @returns The mapping; null where the two are turned or skewed against one another.
 */
export function mapGrid(
  target: Pick<RasterInfo, "width" | "height"> & { readonly transform: GeoTransform },
  source: { readonly transform: GeoTransform },
): GridMapping | null {
  const [tx, ta, tb, ty, tc, td] = target.transform;
  const [sx, sa, sb, sy, sc, sd] = source.transform;
  const determinant = sa * sd - sb * sc;
  const column = (dx: number, dy: number) => (sd * dx - sb * dy) / determinant;
  const row = (dx: number, dy: number) => (sa * dy - sc * dx) / determinant;
  const x = { scale: column(ta, tc), offset: column(tx - sx, ty - sy) };
  const y = { scale: row(tb, td), offset: row(tx - sx, ty - sy) };
  const skew = Math.max(
    Math.abs(row(ta, tc)) * target.width,
    Math.abs(column(tb, td)) * target.height,
  );
  if (!(skew <= TOLERANCE) || !(x.scale > 0) || !(y.scale > 0)) return null;
  return { x: snapAxis(x, target.width), y: snapAxis(y, target.height) };
}

/** True if every pixel of the one raster is a pixel of the other. */
export function isAligned({ x, y }: GridMapping): boolean {
  return [x, y].every(({ scale, offset }) => scale === 1 && Number.isInteger(offset));
}

/** Ratios of pixel sizes are 1/2, 1/6, 3, …, but for the rounding of decimal coordinates. */
function snapAxis({ scale, offset }: AxisMapping, extent: number): AxisMapping {
  const inverse = Math.round(1 / scale);
  const simple = inverse >= 1 ? 1 / inverse : Math.round(scale);
  const isSimple = Math.abs(scale - simple) * extent <= TOLERANCE;
  const fraction = Math.round(offset * OFFSET_STEPS) / OFFSET_STEPS;
  const whole = Math.round(offset);
  // Whole pixels as generously as mosaics take them, fractions only within rounding.
  const snapped = Math.abs(offset - whole) <= TOLERANCE
    ? whole
    : Math.abs(offset - fraction) <= SNAP
    ? fraction
    : offset;
  return { scale: isSimple ? simple : scale, offset: snapped };
}
