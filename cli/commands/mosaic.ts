/** `swath mosaic`. @module */
import { createGeoTiff, mosaicRows, openRaster, planMosaic, type RasterInfo } from "../../mod.ts";
import { defineCommand } from "../command.ts";
import {
  compressionOption,
  fileArguments,
  headerOption,
  outputOption,
  overwriteOption,
} from "../options.ts";
import { object } from "../optique.ts";
import { RASTER_EXTENSIONS } from "../values.ts";

/** Many rasters may be open side by side, each with its blocks. */
const READ_MEMORY = 256 * 1024 * 1024;

export default defineCommand({
  name: "mosaic",
  summary: "Put maps together: of shards, or of neighbouring scenes",
  description: [
    "Writes one Cloud-Optimized GeoTIFF that covers all of the rasters. They must have one CRS and one " +
    "pixel grid, and the same bands, type, nodata and classes; nothing is resampled. Where they " +
    "overlap, the first one that has data wins. Pixels that none of them has become nodata, or 0 " +
    "where there is no such value.",
    "The maps that stitch made of all shards of a scene give, byte by byte, the map that it would have " +
    "made of the whole scene with the same compression.",
  ],
  examples: [
    {
      note: "Share a scene between two processes",
      command: "for i in 1 2; do\n" +
        "  swath tile scene.tif --size 64 --shard $i/2 | swath infer model/ | swath upsample | " +
        "swath stitch -o part-$i.tif &\n" +
        "done; wait\n" +
        "swath mosaic part-1.tif part-2.tif -o map.tif",
    },
    { note: "Neighbouring maps", command: "swath mosaic east.tif west.tif -o both.tif" },
  ],
  parser: object({
    rasters: fileArguments("RASTER", "Raster to put in, path or URL; the first have precedence", {
      extensions: RASTER_EXTENSIONS,
    }),
    output: outputOption("GeoTIFF to write"),
    compression: compressionOption(),
    overwrite: overwriteOption(),
    header: headerOption(),
  }),
  async run({ rasters, output, header, ...how }, io) {
    const headers = Object.fromEntries(header.map(({ name, value }) => [name, value]));
    const open = (path: string) => openRaster(path, { headers, maxMemory: READ_MEMORY });
    const infos: RasterInfo[] = [];
    for (const path of rasters) {
      const reader = await open(path);
      infos.push(reader.info);
      reader.close();
    }
    const plan = planMosaic(infos);
    const { width, height } = plan.spec;
    using writer = await createGeoTiff(output, { ...plan.spec, ...how });
    io.onInterrupt(() => writer.abort());
    const progress = io.progress("Writing", "rows", height);
    try {
      for await (const rows of mosaicRows(plan, (number) => open(rasters[number]!))) {
        await writer.writeRows(rows);
        progress.update(writer.rowsWritten, height);
      }
    } finally {
      progress.finish();
    }
    await writer.finish();
    const count = rasters.length === 1 ? "1 raster" : `${rasters.length} rasters`;
    io.info(`wrote ${output}, ${width}x${height} pixels of ${count}`);
  },
});
