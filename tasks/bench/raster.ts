/**
 * The raster engine against rasterio, which is GDAL, with two threads: all windows of 512×512 of a
 * 14-band uint16 scene in each layout and compression, and the class map as a Cloud-Optimized GeoTIFF.
 *
 *     deno task bench raster [SIZE [ROW…]]
 *
 * The scene is SIZE × SIZE pixels (8192 where left out). Above 2048 it is made of the blocks of a smaller
 * one, over and over. Rows such as "read planar deflate" are all measured where none is named.
 */
import type { BenchRow } from "./bench_row.ts";
import { enlargeTiff } from "./enlarge_tiff.ts";
import { interleave, timed } from "./interleave.ts";
import { Peer } from "./peer.ts";
import { createGeoTiff, type NdArray, ndarray, openRaster, synthLandcover } from "swath";

const WINDOW = 512;
/** Largest side of the scene that is made, which a larger one repeats. */
const SMALL = 2048;
const THREADS = 2;
const ROUNDS = 3;
const LAYOUTS = ["pixel", "band"] as const;
const CODECS = ["deflate", "lzw", "zstd"] as const;

/** Read every window of a raster, as `tile` does without overlap. */
async function readWindows(path: string): Promise<void> {
  const raster = await openRaster(path);
  const { width, height } = raster.info;
  for (let y = 0; y < height; y += WINDOW) {
    for (let x = 0; x < width; x += WINDOW) {
      await raster.read({
        x,
        y,
        width: Math.min(WINDOW, width - x),
        height: Math.min(WINDOW, height - y),
      });
    }
  }
  raster.close();
}

/** Write the scene as `scene.tif`, and its labels, repeated up to the size, as `map.tif`; return these. */
async function makeScene(folder: string, size: number): Promise<NdArray<"uint8">> {
  const small = Math.min(size, SMALL);
  const scene = synthLandcover({ width: small, height: small, seed: 1 });
  using image = await createGeoTiff(`${folder}/scene.tif`, {
    width: small,
    height: small,
    georeference: scene.georeference,
    overviews: "none",
    dtype: scene.dtype,
    bands: scene.bands,
    nodata: scene.nodata,
    classes: null,
    compression: "zstd",
  });
  const labels = ndarray("uint8", [1, size, size]);
  for (let row = 0; row < small; row += WINDOW) {
    const rows = scene.rows(row, Math.min(WINDOW, small - row));
    for (let line = 0; line < rows.labels.data.length / small; line++) {
      const part = rows.labels.data.subarray(line * small, (line + 1) * small);
      for (let y = row + line; y < size; y += small) {
        for (let x = 0; x < size; x += small) {
          labels.data.set(part.subarray(0, size - x), y * size + x);
        }
      }
    }
    await image.writeRows(rows.image);
  }
  await image.finish();
  await writeMap(`${folder}/map.tif`, labels);
  return labels;
}

/** Write a class map as `stitch` does. */
async function writeMap(path: string, labels: NdArray<"uint8">): Promise<void> {
  const [, height, width] = labels.shape as [number, number, number];
  const { classes, georeference } = synthLandcover({ width, height, seed: 1 });
  using writer = await createGeoTiff(path, {
    width,
    height,
    dtype: "uint8",
    bands: [{ name: "class", scale: 1, offset: 0 }],
    nodata: 255,
    georeference,
    classes,
    overwrite: true,
  });
  for (let row = 0; row < height; row += WINDOW) {
    const count = Math.min(WINDOW, height - row);
    const rows = labels.data.subarray(row * width, (row + count) * width);
    await writer.writeRows(ndarray("uint8", [1, count, width], rows));
  }
  await writer.finish();
}

/**
 * Measure reading and writing.
 *
 * @param args Size of the scene, and names of rows.
 * @returns Megabytes of pixels per second; ratios to rasterio.
 */
export async function run(args: readonly string[]): Promise<BenchRow[]> {
  const [size = "8192", ...wanted] = args;
  const folder = await Deno.makeTempDir();
  try {
    const labels = await makeScene(folder, Number(size));
    await using peer = await Peer.start("raster.py", [String(THREADS), folder]);
    const rows: BenchRow[] = [];
    const compare = async (
      name: string,
      megabytes: number,
      swath: () => Promise<void>,
      work: string,
    ) => {
      if (wanted.length > 0 && !wanted.includes(name)) return;
      const timings = await interleave({
        swath: () => timed(swath),
        rasterio: () => peer.ask(work),
      }, ROUNDS);
      const rate = (seconds: number) => megabytes / seconds;
      const { swath: own, rasterio } = timings;
      rows.push({
        name: `${name}, rasterio`,
        value: rate(rasterio.median),
        unit: "MB/s",
        best: rate(rasterio.best),
      }, {
        name: `${name}, swath`,
        value: rate(own.median),
        unit: "MB/s",
        best: rate(own.best),
        ratio: rasterio.median / own.median,
        bestRatio: rasterio.best / own.best,
      });
    };
    const pixels = Number(size) ** 2;
    for (const layout of LAYOUTS) {
      for (const codec of CODECS) {
        const file = `${layout}-${codec}.tif`;
        const source = `${folder}/${layout}-${codec}.small.tif`;
        await enlargeTiff(source, `${folder}/${file}`, Number(size), Number(size));
        const name = `read ${layout === "pixel" ? "chunky" : "planar"} ${codec}`;
        await compare(
          name,
          pixels * 14 * 2 / 1e6,
          () => readWindows(`${folder}/${file}`),
          `read ${file}`,
        );
      }
    }
    await compare(
      "write the class map",
      pixels / 1e6,
      () => writeMap(`${folder}/swath.tif`, labels),
      "write",
    );
    return rows;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
