/**
 * What a raster is to the rest of the library, whatever file holds it.
 *
 * @module
 */
import type { DataType, NdArray } from "../array/mod.ts";
import type { ClassInfo } from "../classes/mod.ts";
import type { Georeference, PixelWindow } from "../geo/mod.ts";

/** One band of a raster. */
export interface BandInfo {
  /** Name, such as `B04`; from the file's description, or `1`, `2`, … where it has none. */
  readonly name: string;
  /** Factor from stored numbers to physical values; 1 where the file says nothing. */
  readonly scale: number;
  /** Added after scaling; 0 where the file says nothing. */
  readonly offset: number;
}

/** What a raster holds. */
export interface RasterInfo {
  /** Where it was read from: a path or URL. */
  readonly source: string;
  /** Format and layout in words, such as `GeoTIFF, tiled 512x512, deflate, predictor 2`. */
  readonly format: string;
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Element type that all bands share. */
  readonly dtype: DataType;
  /** Bands in file order. */
  readonly bands: readonly BandInfo[];
  /** Value that marks pixels without data; null where there is none. */
  readonly nodata: number | null;
  /** CRS and transform. */
  readonly georeference: Georeference;
  /** Names and colours of the classes where the raster is a class map that carries them. */
  readonly classes: readonly ClassInfo[] | null;
  /** Width and height of the blocks that the file is stored in. */
  readonly block: { readonly width: number; readonly height: number };
  /** Sizes of the reduced-resolution copies. */
  readonly overviews: readonly { readonly width: number; readonly height: number }[];
}

/** Pixels of a window. */
export interface RasterPixels {
  /** Shape (C, H, W), bands in the order asked for, in the raster's element type. */
  readonly image: NdArray;
  /** Shape (H, W): 1 where every band has data; 0 at nodata, NaN, masked pixels and outside the raster. */
  readonly valid: NdArray<"uint8">;
}

/** An open raster. */
export interface RasterReader {
  /** What it holds. */
  readonly info: RasterInfo;
  /**
   * Read a window.
   *
   * @param window Pixels to read; it may reach beyond the raster, where pixels are 0 and not valid.
   * @param bands Zero-based band numbers, in the order wanted; all where left out.
   * @returns The pixels and which of them have data.
   * @throws {InputError} If the file is damaged or uses a feature that is not supported; it names both.
   */
  read(window: PixelWindow, bands?: readonly number[]): Promise<RasterPixels>;
  /**
   * Say which windows will be read, row by row from the top. They are decoded ahead then, and what is
   * read more than once is kept until its last turn; without it, both go by a guess. Other windows may
   * still be read.
   *
   * @param windows The windows in their order.
   */
  announce?(windows: readonly PixelWindow[]): void;
  /**
   * CRC-32 of where the blocks of pixels lie in the file, or files, and how long each is: another file
   * under the same name has another one, unless its blocks are not compressed. Null where that is not known.
   */
  readonly checksum: number | null;
  /** Reads of the file, or requests to the server, and the bytes that came, up to now. */
  readonly traffic: { readonly requests: number; readonly bytes: number };
  /** Release the file and its caches. */
  close(): void;
}
