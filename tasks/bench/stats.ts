/**
 * Zonal statistics against exactextract, as whole processes: classes of a map by zones.
 *
 *     deno task bench stats [SIZE [ZONES]]
 *
 * The map is SIZE × SIZE pixels (10980 where left out), the zones (1,000 where left out) are polygons of
 * 40 corners that cover it with overlaps. exactextract runs by both of its strategies, and the faster
 * one is the yardstick. Memory is the peak of each process (Linux only).
 */
import { fileURLToPath } from "node:url";
import type { BenchRow } from "./bench_row.ts";
import { interleave } from "./interleave.ts";
import { createGeoTiff, ndarray, synthLandcover } from "swath";

const ROUNDS = 3;
const CORNERS = 40;
const STRIP = 512;
/** How often the memory of a process is looked at. */
const POLL_MILLISECONDS = 20;
const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const PEER = fileURLToPath(new URL("stats.py", import.meta.url));

/** A map of patches of classes: a small synthetic scene again and again. */
async function writeMap(path: string, size: number): Promise<void> {
  const side = Math.min(1024, size);
  const { classes, georeference, rows } = synthLandcover({ width: side, height: side, seed: 1 });
  const tile = rows(0, side).labels.data;
  using writer = await createGeoTiff(path, {
    width: size,
    height: size,
    dtype: "uint8",
    bands: [{ name: "class", scale: 1, offset: 0 }],
    nodata: 255,
    georeference,
    classes,
    overviews: "none",
  });
  for (let top = 0; top < size; top += STRIP) {
    const count = Math.min(STRIP, size - top);
    const strip = ndarray("uint8", [1, count, size]);
    for (let y = 0; y < count; y++) {
      const row = tile.subarray(((top + y) % side) * side, ((top + y) % side + 1) * side);
      for (let x = 0; x < size; x += side) {
        strip.data.set(row.subarray(0, Math.min(side, size - x)), y * size + x);
      }
    }
    await writer.writeRows(strip);
  }
  await writer.finish();
}

/** Zones in UTM zone 33, where synthetic scenes lie. */
async function writeZones(path: string, size: number, count: number): Promise<void> {
  const across = Math.ceil(Math.sqrt(count));
  const cell = size / across;
  const features = Array.from({ length: count }, (_, zone) => {
    const [column, row] = [zone % across, Math.floor(zone / across)];
    const ring = Array.from({ length: CORNERS }, (_, i) => {
      const angle = 2 * Math.PI * i / CORNERS;
      const radius = cell * (0.55 + 0.12 * Math.sin(5 * angle + zone));
      const [x, y] = [
        (column + 0.5) * cell + radius * Math.cos(angle),
        (row + 0.5) * cell + radius * Math.sin(angle),
      ];
      return [600000 + 10 * x, 5200000 - 10 * y];
    });
    return {
      type: "Feature",
      properties: { zone },
      geometry: { type: "Polygon", coordinates: [[...ring, ring[0]]] },
    };
  });
  const crs = { type: "name", properties: { name: "EPSG:32633" } };
  await Deno.writeTextFile(path, JSON.stringify({ type: "FeatureCollection", crs, features }));
}

/** Run a program to its end. */
async function measure(program: string, args: readonly string[]) {
  const start = performance.now();
  const child = new Deno.Command(program, {
    args: [...args],
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let [peak, running] = [0, true];
  const watch = (async () => {
    while (running) {
      try {
        const status = await Deno.readTextFile(`/proc/${child.pid}/status`);
        peak = Math.max(peak, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024);
      } catch {
        // Gone, or not Linux.
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    }
  })();
  const { success, stderr } = await child.output();
  const seconds = (performance.now() - start) / 1000;
  running = false;
  await watch;
  if (!success) throw new Error(`${program} failed:\n${new TextDecoder().decode(stderr)}`);
  return { seconds, peak };
}

/**
 * Measure.
 *
 * @param args Size of the map and number of zones.
 * @returns Seconds, and ratios to exactextract; peaks of memory.
 */
export async function run(args: readonly string[]): Promise<BenchRow[]> {
  const [size = "10980", zones = "1000"] = args;
  const folder = await Deno.makeTempDir();
  try {
    const [map, file] = [`${folder}/map.tif`, `${folder}/zones.geojson`];
    await writeMap(map, Number(size));
    await writeZones(file, Number(size), Number(zones));
    const python = Deno.env.get("SWATH_PYTHON") ?? "python3";
    const peaks = new Map<string, number>();
    const contender = (name: string, program: string, args: readonly string[]) => async () => {
      const { seconds, peak } = await measure(program, args);
      peaks.set(name, Math.max(peaks.get(name) ?? 0, peak));
      return seconds;
    };
    const timings = await interleave({
      swath: contender("swath", Deno.execPath(), [
        ...["run", "-A", MAIN, "stats", map, "--zones", file, "--wide", "-q"],
      ]),
      features: contender("features", python, [PEER, map, file, "feature-sequential"]),
      raster: contender("raster", python, [PEER, map, file, "raster-sequential"]),
    }, ROUNDS);
    const peers = [timings.features, timings.raster];
    const median = Math.min(...peers.map((timing) => timing.median));
    const best = Math.min(...peers.map((timing) => timing.best));
    const row = (name: string, timing: typeof timings.swath): BenchRow => ({
      name,
      value: timing.median,
      unit: "s",
      best: timing.best,
    });
    const memory = (name: string, key: string): BenchRow => ({
      name: `${name}, peak memory`,
      value: peaks.get(key)!,
      unit: "MiB",
    });
    return [
      row("exactextract, zone by zone", timings.features),
      row("exactextract, along the raster", timings.raster),
      {
        ...row("swath stats", timings.swath),
        ratio: median / timings.swath.median,
        bestRatio: best / timings.swath.best,
      },
      memory("exactextract, zone by zone", "features"),
      memory("exactextract, along the raster", "raster"),
      memory("swath stats", "swath"),
    ];
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
