/** `swath sieve`. @module */
import { createGeoTiff, IGNORE_LABEL, openRaster, sieveRaster } from "../../mod.ts";
import { defineCommand } from "../command.ts";
import { compressionOption, headerOption, outputOption, overwriteOption } from "../options.ts";
import { argument, choice, message, object, option, withDefault } from "../optique.ts";
import { path, RASTER_EXTENSIONS, wholeNumber } from "../values.ts";

export default defineCommand({
  name: "sieve",
  summary: "Drop small regions from a class map",
  description: [
    "Regions of equal class that have fewer pixels than --threshold take the class of their largest " +
    "neighbour; if that is too small as well, of that one's largest neighbour, and so on. The result is " +
    "that of gdal_sieve. Pixels without data stay, and are no neighbours.",
    "The map is read three times, some rows at a time; what is held grows with the number of regions, " +
    "not with the size of the map.",
  ],
  examples: [
    {
      note: "A smallest mapping unit of half a hectare, in pixels of 10 m",
      command: "swath sieve map.tif --threshold 50 -o sieved.tif",
    },
    {
      note: "Pixels that touch at a corner belong together",
      command: "swath sieve map.tif --threshold 50 --connectivity 8 -o sieved.tif",
    },
  ],
  parser: object({
    map: argument(path("MAP", { extensions: RASTER_EXTENSIONS }), {
      description: message`Class map: one band of 8 bits; path or URL`,
    }),
    threshold: option("--threshold", wholeNumber("PIXELS", { min: 1 }), {
      description: message`Regions of fewer pixels are dropped`,
    }),
    connectivity: withDefault(
      option("--connectivity", choice(["4", "8"], { metavar: "COUNT" }), {
        description: message`Neighbours that make a region: 4 by edges, 8 by corners too`,
      }),
      "4" as const,
    ),
    output: outputOption("GeoTIFF to write"),
    compression: compressionOption(),
    overwrite: overwriteOption(),
    header: headerOption(),
  }),
  async run({ map, threshold, connectivity, output, header, ...how }, io) {
    const headers = Object.fromEntries(header.map(({ name, value }) => [name, value]));
    const reader = await openRaster(map, { headers });
    const { width, height, georeference, classes, bands, nodata } = reader.info;
    try {
      using writer = await createGeoTiff(output, {
        width,
        height,
        georeference,
        classes,
        bands,
        dtype: "uint8",
        nodata: nodata ?? (classes === null ? null : IGNORE_LABEL),
        overviews: "mode",
        ...how,
      });
      io.onInterrupt(() => writer.abort());
      const progress = io.progress("Sieving", "rows", 3 * height);
      const report = await sieveRaster(reader, writer, nodata ?? IGNORE_LABEL, {
        threshold,
        connectivity: connectivity === "8" ? 8 : 4,
        onProgress: progress.update,
      }).finally(() => progress.finish());
      await writer.finish();
      const { regions, dropped, kept, pixels } = report;
      io.info(
        `wrote ${output}: ${dropped} of ${regions} regions dropped, ${pixels} pixels changed` +
          (kept > 0 ? `; ${kept} are small and have no large neighbour` : ""),
      );
    } finally {
      reader.close();
    }
  },
});
