/**
 * The same scene as one file, as bands in files of their own, and over HTTP: the same map, by the whole
 * pipe of commands.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { createGeoTiff, openSceneFiles } from "swath";
import { withFolder } from "../lib/raster/support.ts";
import { runShell } from "../support/shell.ts";

const BANDS = "B01,B02,B03,B04,B05,B06,B07,B08,B8A,B09,B10,B11,B12";

const MAKE_SCENE = `
synth() { swath synth landcover --size 240 --seed 5 --bands ${BANDS} "$@"; }
synth -o scene.tif
mkdir ten native
synth -o 'ten/{band}.tif'
synth -o 'native/{band}.tif' --native
tiny model model bands=${BANDS} scale=${"1e-4,".repeat(13).slice(0, -1)} \
  classes=a,b,c,d,e statistics=yes`;

/** Map what `swath tile` is given, and return what it says. */
async function mapOf(source: string, name: string, folder: string): Promise<string> {
  const { code, stderr } = await runShell(
    `swath tile ${source} --size 96 --overlap 16 --verbose |
      swath infer model --quiet 2> /dev/null | swath stitch -o ${name}.tif --quiet`,
    folder,
  );
  assert.equal(code, 0, stderr);
  return stderr;
}

async function hashOf(folder: string, name: string): Promise<string> {
  const bytes = await Deno.readFile(join(folder, `${name}.tif`));
  return createHash("sha256").update(bytes).digest("hex");
}

/** The scene that files are together, as one file. */
async function joinFiles(source: string, target: string): Promise<void> {
  const scene = await openSceneFiles([source]);
  const { width, height, dtype, bands, nodata, georeference } = scene.info;
  const { image } = await scene.read({ x: 0, y: 0, width, height });
  scene.close();
  using writer = await createGeoTiff(target, {
    width,
    height,
    dtype,
    bands,
    nodata,
    georeference,
    classes: null,
  });
  await writer.writeRows(image);
  await writer.finish();
}

/** Serve the files of a folder by ranges, and count the requests and bytes. */
async function withServer(
  folder: string,
  work: (url: string, served: { requests: number; bytes: number }) => Promise<void>,
): Promise<void> {
  const served = { requests: 0, bytes: 0 };
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    served.requests++;
    const path = join(folder, new URL(request.url).pathname);
    const file = await Deno.readFile(path).catch(() => null);
    if (file === null) return new Response(null, { status: 404 });
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "") ?? [];
    const part = file.slice(Number(first), Number(last) + 1);
    served.bytes += part.length;
    return new Response(part, {
      status: 206,
      headers: {
        "content-range": `bytes ${first}-${Number(first) + part.length - 1}/${file.length}`,
      },
    });
  });
  try {
    await work(`http://127.0.0.1:${server.addr.port}`, served);
  } finally {
    await server.shutdown();
  }
}

Deno.test("one file, files of bands, and files on a server give the same map", async (t) => {
  await withFolder(async (folder) => {
    const made = await runShell(MAKE_SCENE, folder);
    assert.equal(made.code, 0, made.stderr);
    await mapOf("scene.tif", "whole", folder);
    const expected = await hashOf(folder, "whole");

    await t.step("bands in files of their own", async () => {
      await mapOf("ten", "ten", folder);
      assert.equal(await hashOf(folder, "ten"), expected);
      await mapOf("--join ten/B*.tif", "joined", folder);
      assert.equal(await hashOf(folder, "joined"), expected);
    });

    await t.step("bands at 10, 20 and 60 m, as the file that they are together", async () => {
      await joinFiles(join(folder, "native"), join(folder, "resampled.tif"));
      await mapOf("resampled.tif", "from-one", folder);
      await mapOf("native", "native", folder);
      assert.equal(await hashOf(folder, "native"), await hashOf(folder, "from-one"));
    });

    await t.step("over HTTP, with the requests counted", async () => {
      await withServer(folder, async (url, served) => {
        const said = await mapOf(`${url}/scene.tif`, "served", folder);
        assert.equal(await hashOf(folder, "served"), expected);
        const [, requests, size] = /scene\.tif: (\d+) requests, ([\d.]+ \w+)/.exec(said) ?? [];
        assert(size !== undefined, said);
        // Requests for sidecars, which are not there, are the server's alone.
        assert(Number(requests) > 0 && Number(requests) <= served.requests, said);
        const { size: bytes } = await Deno.stat(join(folder, "scene.tif"));
        assert(served.bytes < 1.5 * bytes, `${served.bytes} of ${bytes} bytes`);
      });
      await withServer(join(folder, "ten"), async (url) => {
        const urls = BANDS.split(",").map((band) => `${url}/${band}.tif`).join(" ");
        const said = await mapOf(`--join ${urls}`, "served-bands", folder);
        assert.equal(await hashOf(folder, "served-bands"), expected);
        assert.match(said, /12 more files: \d+ (requests|reads), /);
      });
    });
  });
});
