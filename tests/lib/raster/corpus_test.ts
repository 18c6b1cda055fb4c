/**
 * Real and hostile TIFFs with what GDAL makes of them: read to the last bit, or refused by name. The
 * files are not part of the project; without them the tests are skipped.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { bytesOf, InputError, openRaster } from "swath";
import { print } from "../../../tasks/print.ts";
import { readWhole } from "./support.ts";

const CORPUS = fileURLToPath(new URL("../../../../shared/data/tiff/", import.meta.url));
const missing = !exists(CORPUS);
const reason = missing ? " (skipped: no ../shared/data/tiff)" : "";

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

interface Golden {
  readonly p: string;
  readonly w: number;
  readonly h: number;
  readonly n: number;
  readonly dt: string;
  readonly comp: string;
  readonly nodata: string | null;
  readonly epsg: number | null;
  readonly gt: readonly number[];
  readonly ovr: readonly number[];
  readonly sha256: string;
}

async function readLines<T>(name: string): Promise<T[]> {
  const text = await Deno.readTextFile(CORPUS + name);
  return text.trim().split("\n").map((line) => JSON.parse(line));
}

/** A raster's pixels, or the message with which it is refused. */
async function readOrRefuse(path: string) {
  try {
    const raster = await openRaster(path);
    try {
      return { info: raster.info, image: (await readWhole(raster)).image };
    } finally {
      raster.close();
    }
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return error.message;
  }
}

Deno.test({
  name: `golden files are equal to GDAL's pixels, or refused${reason}`,
  ignore: missing,
  fn: async () => {
    const hostile = new Set((await readLines<{ p: string }>("corrupt.jsonl")).map(({ p }) => p));
    const counts = { equal: 0, unsupported: 0, damaged: 0 };
    const common = { equal: 0, all: 0 };
    const wrong: string[] = [];
    for (const file of await readLines<Golden>("golden.jsonl")) {
      const isCommon = ["None", "deflate", "lzw", "packbits", "zstd", "jpeg"].includes(file.comp);
      if (isCommon) common.all++;
      const found = await readOrRefuse(CORPUS + file.p);
      if (typeof found === "string") {
        if (/: unsupported/.test(found)) counts.unsupported++;
        else if (hostile.has(file.p)) counts.damaged++;
        else wrong.push(found);
        continue;
      }
      const { info, image } = found;
      const digest = createHash("sha256").update(bytesOf(image)).digest("hex");
      const [dx, xy, x, yx, dy, y] = file.gt;
      const expected = {
        size: [file.w, file.h, file.n],
        dtype: file.dt,
        sha256: file.sha256,
        crs: file.epsg === null ? null : `EPSG:${file.epsg}`,
        nodata: file.nodata === null ? null : Number(file.nodata),
        overviews: file.ovr.length,
      };
      const actual = {
        size: [info.width, info.height, info.bands.length],
        dtype: info.dtype,
        sha256: digest,
        crs: info.georeference.crs,
        nodata: info.nodata,
        overviews: info.overviews.length,
      };
      // GDAL's identity stands for no transform.
      const transform = info.georeference.transform ?? [0, 1, 0, 0, 0, 1];
      const close = [x, dx, xy, y, yx, dy].every((number, index) =>
        Math.abs(number! - transform[index]!) <= 1e-9 * Math.abs(number!)
      );
      try {
        assert.deepEqual(actual, expected);
        assert.ok(close, `transform ${transform} instead of ${file.gt}`);
        counts.equal++;
        if (isCommon) common.equal++;
      } catch (error) {
        wrong.push(`${file.p}: ${(error as Error).message}`);
      }
    }
    print(
      `golden: ${counts.equal} bit-equal, ${counts.unsupported} unsupported, ${counts.damaged} damaged, ${wrong.length} wrong; ${common.equal} of ${common.all} with the usual codecs\n`,
    );
    assert.deepEqual(wrong, []);
    assert.ok(common.equal >= 0.95 * common.all);
  },
});

Deno.test({
  name: `hostile files end soon, with one line that names them${reason}`,
  ignore: missing,
  fn: async () => {
    const counts = { read: 0, refused: 0 };
    for (const { p, gdal } of await readLines<{ p: string; gdal: string }>("corrupt.jsonl")) {
      const started = performance.now();
      const found = await readOrRefuse(CORPUS + p);
      assert.ok(performance.now() - started < 5000, `${p} takes too long`);
      if (typeof found === "string") {
        counts.refused++;
        assert.ok(found.startsWith(`Cannot read "${CORPUS}${p}": `), found);
        assert.ok(!found.includes("\n"), found);
      } else {
        counts.read++;
        assert.equal(gdal, "ok", `${p} was read, which GDAL refuses`);
      }
    }
    print(`corrupt: ${counts.refused} refused, ${counts.read} read as by GDAL, 0 crashed\n`);
    assert.ok(Deno.memoryUsage().rss < 1e9);
  },
});
