/**
 * Names of bands that are files of their own.
 *
 * @module
 */
import type { BandInfo, RasterInfo } from "../raster/mod.ts";

/**
 * A band at the end of a file's name, as in `T33UVP_20200101T100000_B02_10m`, `B8A`,
 * `LC08_L2SP_190024_20200101_02_T1_SR_B4`: Sentinel-2's and Landsat's, and the layers of Sentinel-2's
 * level 2A.
 */
const BAND_IN_NAME = /(?:^|[_.-])((?:B\d{1,2}A?)|SCL|AOT|WVP|TCI|CLD|SNW)(?:_(?:10|20|60)m)?$/i;

/** The part of a file's name without folder, query and extension. */
export function stemOf(source: string): string {
  const path = /^https?:/i.test(source) ? new URL(source).pathname : source;
  const file = path.split(/[/\\]/).findLast((part) => part !== "") ?? "";
  return file.replace(/(?<=.)\.[^.]*$/, "");
}

/**
 * The band that a file's name ends with.
 *
 * @param source Path or URL.
 * @returns Such as `B02`; null where there is none.
 */
export function bandInName(source: string): string | null {
  return BAND_IN_NAME.exec(stemOf(source))?.[1]?.toUpperCase() ?? null;
}

/**
 * Names of the bands of several files: the description where a file has a short one, the band in the
 * file's name, or else what tells the file's name from those of the others.
 *
 * @param files The files.
 * @returns Bands of each file.
 */
export function nameBands(files: readonly RasterInfo[]): BandInfo[][] {
  const stems = files.map(({ source }) => stemOf(source));
  const distinct = withoutCommonEnds(stems);
  return files.map(({ source, bands }, file) => {
    const fromFile = bandInName(source);
    return bands.map((band, index) => {
      const described = band.name !== String(index + 1) ? band.name : null;
      if (bands.length > 1) return { ...band, name: described ?? `${distinct[file]}_${index + 1}` };
      // Descriptions such as "B2, central wavelength 490 nm" are no names.
      const isName = described !== null && /^[^\s,;]+$/.test(described);
      return { ...band, name: isName ? described : fromFile ?? described ?? distinct[file]! };
    });
  });
}

/** Stems without the words that all of them begin or end with. */
function withoutCommonEnds(stems: readonly string[]): string[] {
  if (stems.length < 2) return [...stems];
  const words = stems.map((stem) => stem.split(/(?<=[_.-])|(?=[_.-])/));
  const shortest = Math.min(...words.map((list) => list.length));
  const isCommon = (place: (list: readonly string[]) => string | undefined) =>
    words.every((list) => place(list) === place(words[0]!));
  let start = 0;
  while (start < shortest - 1 && isCommon((list) => list[start])) start++;
  let end = 0;
  while (end < shortest - 1 - start && isCommon((list) => list.at(-1 - end))) end++;
  return words.map((list, index) =>
    list.slice(start, list.length - end).join("").replace(/^[_.-]+|[_.-]+$/g, "") || stems[index]!
  );
}
