/**
 * The raster engine against rasterio, which is GDAL, with two threads: all windows of 512×512 of a
 * 14-band uint16 scene in each layout and compression, and the class map as a Cloud-Optimized GeoTIFF.
 *
 *     deno task bench raster [SIZE]
 *
 * The scene is SIZE × SIZE pixels (4096 where left out).
 */
import type { BenchRow } from "./bench_row.ts";
import { interleave, timed } from "./interleave.ts";
import { Peer } from "./peer.ts";
import { createGeoTiff, type NdArray, ndarray, openRaster, synthLandcover } from "swath";

const WINDOW = 512;
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

/** Write the scene as `scene.tif`; its labels as `map.tif`, and return them. */
async function makeScene(folder: string, size: number): Promise<NdArray<"uint8">> {
  const scene = synthLandcover({ width: size, height: size, seed: 1 });
  const common = { width: size, height: size, georeference: scene.georeference };
  using image = await createGeoTiff(`${folder}/scene.tif`, {
    ...common,
    overviews: "none",
    dtype: scene.dtype,
    bands: scene.bands,
    nodata: scene.nodata,
    classes: null,
    compression: "zstd",
  });
  const labels = ndarray("uint8", [1, size, size]);
  for (let row = 0; row < size; row += WINDOW) {
    const rows = scene.rows(row, Math.min(WINDOW, size - row));
    labels.data.set(rows.labels.data, row * size);
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
 * @param args Size of the scene.
 * @returns Megabytes of pixels per second; ratios to rasterio.
 */
export async function run(args: readonly string[]): Promise<BenchRow[]> {
  const [size = "4096"] = args;
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
