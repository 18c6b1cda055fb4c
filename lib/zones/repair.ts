/**
 * Zones whose edges cross or whose polygons overlap, made of polygons that do not.
 *
 * @module
 */
import type { PixelRing, ZoneShape } from "./zone_shape.ts";

type Pair = [number, number];

/**
 * Draw a zone anew: what its outer rings go around but its holes do not, polygon by polygon, all
 * together. A figure of eight becomes its two loops.
 *
 * @param polygons The zone.
 * @returns Polygons that do not overlap; null where the clipping library gives up.
 */
export async function repairShape(
  polygons: ZoneShape["polygons"],
): Promise<ZoneShape["polygons"] | null> {
  const { default: clipping } = await import("polygon-clipping") as unknown as {
    default: { union(...polygons: Pair[][][]): Pair[][][] };
  };
  const input = polygons.map((rings) => rings.map(pairsOf));
  const [first, ...others] = input;
  if (first === undefined) return [];
  try {
    return clipping.union(first, ...others).map((rings: Pair[][]) => rings.map(ringOf));
  } catch {
    return null;
  }
}

function pairsOf(ring: PixelRing): Pair[] {
  return Array.from({ length: ring.length / 2 }, (_, i): Pair => [ring[2 * i]!, ring[2 * i + 1]!]);
}

function ringOf(pairs: readonly Pair[]): PixelRing {
  return Float64Array.from(pairs.flat());
}
