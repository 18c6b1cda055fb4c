/** Rasters in memory, and sinks that collect rows. */
import {
  bytesOf,
  type DataType,
  elementCount,
  type NdArray,
  ndarray,
  type PixelWindow,
  type RasterInfo,
  type RasterPixels,
  type RasterReader,
  type RowSink,
} from "swath";

/** A raster over an array of shape (C, H, W); nodata is compared with every band. */
export function memoryRaster(
  image: NdArray,
  overrides: Partial<RasterInfo> = {},
): RasterReader & { readonly windows: PixelWindow[] } {
  const [bands = 0, height = 0, width = 0] = image.shape;
  const info: RasterInfo = {
    source: "scene.tif",
    format: "memory",
    width,
    height,
    dtype: image.dtype,
    bands: Array.from({ length: bands }, (_, i) => ({ name: `B${i + 1}`, scale: 1, offset: 0 })),
    nodata: null,
    georeference: {
      crs: "EPSG:32633",
      transform: [500_000, 10, 0, 5_100_000, 0, -10],
      geoKeys: null,
      pixelIsPoint: false,
    },
    classes: null,
    block: { width, height: 1 },
    overviews: [],
    ...overrides,
  };
  const windows: PixelWindow[] = [];
  const read = (
    window: PixelWindow,
    wanted: readonly number[] = info.bands.map((_, i) => i),
  ): RasterPixels => {
    windows.push(window);
    const pixels: NdArray = ndarray<DataType>(image.dtype, [
      wanted.length,
      window.height,
      window.width,
    ]);
    const valid = ndarray("uint8", [window.height, window.width]);
    for (let row = 0; row < window.height; row++) {
      for (let column = 0; column < window.width; column++) {
        const [x, y] = [window.x + column, window.y + row];
        if (x < 0 || y < 0 || x >= width || y >= height) continue;
        const to = row * window.width + column;
        valid.data[to] = 1;
        wanted.forEach((band, i) => {
          const value = image.data[(band * height + y) * width + x]!;
          pixels.data[i * window.height * window.width + to] = value;
          if (Number(value) === info.nodata) valid.data[to] = 0;
        });
      }
    }
    return { image: pixels, valid };
  };
  return {
    info,
    windows,
    checksum: null,
    traffic: { requests: 0, bytes: 0 },
    read: (window, wanted) => Promise.resolve(read(window, wanted)),
    close: () => {},
  };
}

/** Collects rows into one array of shape (bands, height, width), and the tallest piece it was given. */
export function memorySink<D extends DataType>(
  dtype: D,
  bands = 1,
): RowSink & { result(): NdArray<D>; tallest: number } {
  const pieces: NdArray[] = [];
  return {
    tallest: 0,
    writeRows(rows) {
      pieces.push(ndarray(rows.dtype, rows.shape, rows.data.slice()));
      this.tallest = Math.max(this.tallest, rows.shape[1]!);
      return Promise.resolve();
    },
    result() {
      const width = pieces[0]?.shape[2] ?? 0;
      const height = pieces.reduce((sum, piece) => sum + piece.shape[1]!, 0);
      const whole = ndarray(dtype, [bands, height, width]);
      let offset = 0;
      for (let band = 0; band < bands; band++) {
        for (const piece of pieces) {
          const size = bytesOf(piece).length / bands;
          bytesOf(whole).set(bytesOf(piece).subarray(band * size, (band + 1) * size), offset);
          offset += size;
        }
      }
      return whole;
    },
  };
}

/** An array whose elements are numbered. */
export function numbered<D extends "uint8" | "uint16" | "float32" | "int16">(
  dtype: D,
  shape: readonly number[],
  value: (index: number) => number = (index) => index,
): NdArray<D> {
  const array = ndarray(dtype, shape);
  for (let i = 0; i < elementCount(shape); i++) array.data[i] = value(i);
  return array;
}
