/**
 * Spectral indices by name, over the bands of Sentinel-2.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { nearMiss } from "../text/mod.ts";
import { type Expression, parseExpression } from "./expression.ts";

/** Formulas over reflectance by the names of Sentinel-2's bands. */
const INDICES = {
  /** Vegetation. Rouse et al., 1974. */
  ndvi: "(B08 - B04) / (B08 + B04)",
  /** Vegetation, less saturated. Huete et al., 2002. */
  evi: "2.5 * (B08 - B04) / (B08 + 6 * B04 - 7.5 * B02 + 1)",
  /** Vegetation over bright soil. Huete, 1988. */
  savi: "1.5 * (B08 - B04) / (B08 + B04 + 0.5)",
  /** Chlorophyll, by the red edge. Barnes et al., 2000. */
  ndre: "(B08 - B05) / (B08 + B05)",
  /** Open water. McFeeters, 1996. */
  ndwi: "(B03 - B08) / (B03 + B08)",
  /** Open water among buildings. Xu, 2006. */
  mndwi: "(B03 - B11) / (B03 + B11)",
  /** Water in leaves. Gao, 1996. */
  ndmi: "(B08 - B11) / (B08 + B11)",
  /** Snow. Hall, Riggs and Salomonson, 1995. */
  ndsi: "(B03 - B11) / (B03 + B11)",
  /** Burnt ground. García and Caselles, 1991. */
  nbr: "(B08 - B12) / (B08 + B12)",
  /** Buildings. Zha, Gao and Ni, 2003. */
  ndbi: "(B11 - B08) / (B11 + B08)",
} as const;

/** Names of the indices. */
export const INDEX_NAMES = Object.keys(INDICES) as readonly string[];

/**
 * An index by its name, or an expression.
 *
 * @param text Such as `NDVI`, or `(B08 - B04) / (B08 + B04)`.
 * @throws {InputError} If it is neither.
 */
export function bandIndex(text: string): Expression {
  const name = text.trim().toLowerCase();
  if (Object.hasOwn(INDICES, name)) {
    const { names, evaluate } = parseExpression(INDICES[name as keyof typeof INDICES]);
    return { text: name.toUpperCase(), names, evaluate };
  }
  return parseExpression(text);
}

/**
 * Zero-based numbers of the bands that an expression names. `b1`, `b2`, … stand for the bands in file order
 * where no band has a name of that kind; case and leading
 * zeros do not matter.
 *
 * @param expression The expression.
 * @param raster Where the bands are.
 * @throws {InputError} If a band is missing; it says which, and which there are.
 */
export function expressionBands(
  { text, names }: Expression,
  raster: { readonly source: string; readonly bands: readonly { readonly name: string }[] },
): number[] {
  const known = raster.bands.map(({ name }) => name);
  // The ninth band of Sentinel-2 is B8A: its B9 must not be taken for it.
  const isNumbered = known.some((name) => /^b\d/i.test(name));
  return names.map((name) => {
    const exact = known.indexOf(name);
    if (exact >= 0) return exact;
    const folded = known.findIndex((one) => foldName(one) === foldName(name));
    if (folded >= 0) return folded;
    const number = Number(/^b(\d+)$/i.exec(name)?.[1] ?? 0);
    if (!isNumbered && number >= 1 && number <= known.length) return number - 1;
    const near = nearMiss(name, [...known, ...INDEX_NAMES]);
    throw new InputError(
      `Cannot compute ${text} of ${
        JSON.stringify(raster.source)
      } as it has no band "${name}": its bands are ${known.join(", ")}`,
      near === null ? {} : { hint: `Did you mean "${near}"?` },
    );
  });
}

/** `b8` for `B08`. */
function foldName(name: string): string {
  return name.toLowerCase().replace(/^b0+(?=\d)/, "b");
}
