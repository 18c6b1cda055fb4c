/**
 * A real land-cover map of a Sentinel-2 scene: statistics by two zones cut from it are exactextract's,
 * areas corrected by scores are those of the truth, and polygons of it have its areas.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { peerTest, runPythonJson } from "./python.ts";
import { runShell } from "../support/shell.ts";

const DATA = fileURLToPath(new URL("../../../shared/data/s2-landcover", import.meta.url));
const hasData = await Deno.stat(DATA).then(() => true, () => false);

interface PeerZone {
  readonly count: number;
  readonly unique: readonly number[];
  readonly frac: readonly number[];
}

async function run(script: string, folder: string): Promise<string> {
  const { code, stdout, stderr } = await runShell(`set -e\n${script}`, folder);
  assert.equal(code, 0, stderr);
  return stdout;
}

if (!hasData) {
  Deno.test({ name: "zones of a real map (skipped: no shared data)", ignore: true, fn() {} });
} else {
  peerTest(
    "zones of a real map, then areas, then polygons",
    ["exactextract", "rasterio"],
    async () => {
      const folder = await Deno.makeTempDir();
      try {
        await Deno.symlink(`${DATA}/eolearn_LULC.tif`, `${folder}/truth.tif`);
        const info = JSON.parse(await run("swath info truth.tif --json", folder));
        const [x0, a, , y0, , e] = info.georeference.transform;
        const corner = (column: number, row: number) => [x0 + a * column, y0 + e * row];
        const ring = (...corners: [number, number][]) => {
          const places = corners.map(([column, row]) => corner(column, row));
          return [...places, places[0]];
        };
        const zones = [
          ring([3.3, 4.2], [52.7, 9.1], [47.2, 88.4], [8.8, 71.3]),
          ring([40.5, 2.2], [98.4, 30.1], [80.3, 97.7], [55.5, 60.1]),
        ];
        await Deno.writeTextFile(
          `${folder}/zones.geojson`,
          JSON.stringify({
            type: "FeatureCollection",
            crs: { type: "name", properties: { name: info.georeference.crs } },
            features: zones.map((coordinates, i) => ({
              type: "Feature",
              properties: { name: `zone ${i + 1}` },
              geometry: { type: "Polygon", coordinates: [coordinates] },
            })),
          }),
        );
        const peer = await runPythonJson<PeerZone[]>("zones.py", [
          "exact",
          `${folder}/truth.tif`,
          `${folder}/zones.geojson`,
        ]);
        const rows = (await run(
          "swath stats truth.tif --kind classes --zones zones.geojson --id name --format ndjson",
          folder,
        )).trim().split("\n").map((line) => JSON.parse(line));
        for (const [i, { unique, frac }] of peer.entries()) {
          const own = rows.filter(({ name }) => name === `zone ${i + 1}`);
          assert.deepEqual(own.map((row) => row.class), unique.toSorted((p, q) => p - q));
          for (const row of own) {
            const share = frac[unique.indexOf(row.class)]!;
            assert.ok(Math.abs(row.share - share) < 2e-6, `${row.class}: ${row.share}, ${share}`);
          }
        }
        // A map with errors: small regions are gone. As all pixels are compared with the truth, the
        // corrected areas must be those of the truth, whatever the map has.
        await run(
          "swath sieve truth.tif --threshold 40 -o map.tif\n" +
            "swath iou map.tif truth.tif --ignore-index 255 --format json > iou.json",
          folder,
        );
        const estimated = JSON.parse(
          await run("swath area --confusion iou.json --map map.tif --format json", folder),
        ).areas as Record<string, number>[];
        const own = JSON.parse(await run("swath iou truth.tif truth.tif --format json", folder));
        const hectares = Math.abs(a * e) / 1e4;
        assert.ok(estimated.length >= 4);
        for (const row of estimated) {
          const truth = own.perClass[row.class!].support * hectares;
          assert.ok(Math.abs(row.area_ha! - truth) < 1e-6 * truth, `${row.area_ha}, ${truth}`);
          assert.ok(row.area_low_ha! <= truth && truth <= row.area_high_ha! && row.area_se_ha! > 0);
        }
        assert.ok(estimated.some((row) => Math.abs(row.mapped_ha! - row.area_ha!) > hectares));
        await run("swath polygonize truth.tif -o truth.gpkg", folder);
        const polygons = (await run(
          "swath stats truth.tif --kind classes --zones truth.gpkg --id class --wide --format ndjson",
          folder,
        )).trim().split("\n").map((line) => JSON.parse(line));
        for (const row of polygons) {
          assert.equal(row.classes, 1);
          assert.equal(row.majority, String(row.zone_class));
        }
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  );
}
