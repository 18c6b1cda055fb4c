/**
 * What happens when commands run together: consumers that leave, producers that die, maps that come
 * out as the labels went in.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  classesFromNames,
  createStreamWriter,
  ndarray,
  openRaster,
  type PixelWindow,
  planGrid,
  type RasterInfo,
  readStream,
  tileScene,
  transformStream,
} from "../../mod.ts";
import { ROOT, runShell } from "../support/shell.ts";

const SCENES = join(ROOT, "../shared/data/s2-landcover");
const REAL_SCENE = join(SCENES, "eolearn_S2L1C_2015-09-09_u16.tif");
const REAL_LABELS = join(SCENES, "eolearn_LULC.tif");
const HAS_REAL_SCENE = exists(REAL_SCENE);

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

async function inTemporaryDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "swath-pipeline-" });
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Run a script that must end well and say nothing but what `--quiet` lets through. */
async function run(script: string, directory: string): Promise<string> {
  const { code, stdout, stderr } = await runShell(`set -e\n${script}`, directory);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function writeWhole(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await file.write(bytes.subarray(written));
  }
}

async function readWhole(path: string) {
  const raster = await openRaster(path);
  try {
    const { width, height } = raster.info;
    const window: PixelWindow = { x: 0, y: 0, width, height };
    return { info: raster.info, ...await raster.read(window) };
  } finally {
    raster.close();
  }
}

/** The map is the labels, with 255 where they have no data. */
async function assertMapIsLabels(map: string, labels: string, scene: string): Promise<void> {
  const [actual, expected, cut] = await Promise.all([map, labels, scene].map(readWhole));
  const truth = expected!.image.data as Uint8Array;
  const wanted = truth.map((label, i) => expected!.valid.data[i] === 0 ? 255 : label);
  assert.deepEqual(actual!.image.data, wanted);
  assert.equal(actual!.info.nodata, 255);
  const place = ({ width, height, georeference }: RasterInfo) => ({ width, height, georeference });
  assert.deepEqual(place(actual!.info), place(cut!.info));
}

Deno.test({
  name: "a real scene: a map of its labels equals them and lies where the scene lies",
  ignore: !HAS_REAL_SCENE,
  fn: () =>
    inTemporaryDirectory(async (directory) => {
      await run(
        `swath tile ${REAL_SCENE} --labels ${REAL_LABELS} --size 48 --overlap 16 | tiny predict | \
         swath stitch -o map.tif --quiet`,
        directory,
      );
      await assertMapIsLabels(join(directory, "map.tif"), REAL_LABELS, REAL_SCENE);
    }),
});

Deno.test("a synthetic scene: its map equals the labels, class names and colours included", () =>
  inTemporaryDirectory(async (directory) => {
    await run(
      `swath synth landcover --size 300x200 --seed 7 -o scene.tif --labels labels.tif
       swath tile scene.tif --labels labels.tif --size 64 --overlap 25% | tiny predict | \
       swath stitch -o map.tif --quiet`,
      directory,
    );
    const path = (name: string) => join(directory, name);
    await assertMapIsLabels(path("map.tif"), path("labels.tif"), path("scene.tif"));
    const [map, labels] = await Promise.all(["map.tif", "labels.tif"].map(path).map(readWhole));
    assert.deepEqual(map!.info.classes, labels!.info.classes);
    assert.equal(map!.info.classes?.length, 10);
  }));

Deno.test("a window of a scene: its map lies where the window lies", () =>
  inTemporaryDirectory(async (directory) => {
    await run(
      `swath synth landcover --size 128 --seed 7 -o scene.tif --labels labels.tif
       swath tile scene.tif --labels labels.tif --size 32 --window 16,40,70,50 | tiny predict | \
       swath stitch -o map.tif --quiet`,
      directory,
    );
    const { info } = await readWhole(join(directory, "map.tif"));
    assert.deepEqual([info.width, info.height], [70, 50]);
    assert.deepEqual(info.georeference.transform, [600160, 10, 0, 5199600, 0, -10]);
  }));

Deno.test("logits of overlapping patches are blended: a constant stays constant", () =>
  inTemporaryDirectory(async (directory) => {
    await run("swath synth landcover --size 200x150 --seed 7 -o scene.tif", directory);
    const scene = await openRaster(join(directory, "scene.tif"));
    const plan = planGrid({ ...scene.info, size: 64, overlap: 32 });
    const logits = transformStream(tileScene(scene, plan, { bands: ["B04"] }), (header) => ({
      header: {
        ...header,
        classes: classesFromNames(["water", "forest", "field"]),
        output: { stride: 4, kind: "logits", model: "constant" },
      },
      transform: ([sample]) => {
        const data = Float32Array.from({ length: 3 * 16 * 16 }, (_, i) => [0.1, 0.7, -1][i >> 8]!);
        const arrays = { ...sample!.arrays, logits: ndarray("float32", [3, 16, 16], data) };
        return [{ ...sample!, arrays }];
      },
    }));
    using file = await Deno.open(join(directory, "logits.tar"), { write: true, create: true });
    const writer = createStreamWriter({ write: (bytes) => writeWhole(file, bytes) });
    for await (const item of logits) await writer.write(item);
    await writer.close();
    scene.close();

    await run(
      "swath stitch -o map.tif --confidence confidence.tif --quiet < logits.tar",
      directory,
    );
    const map = await readWhole(join(directory, "map.tif"));
    const confidence = await readWhole(join(directory, "confidence.tif"));
    const { valid } = await readWhole(join(directory, "scene.tif"));
    const [first, second, third] = Float32Array.of(0.1, 0.7, -1) as unknown as number[];
    const share = Math.fround(1 / (1 + Math.exp(first! - second!) + Math.exp(third! - second!)));
    assert.deepEqual(map.image.data, valid.data.map((isData) => isData === 1 ? 1 : 255));
    assert.deepEqual(
      confidence.image.data,
      Float32Array.from(valid.data, (isData) => isData === 1 ? share : NaN),
    );
  }));

Deno.test("a reader that leaves ends tile quietly", () =>
  inTemporaryDirectory(async (directory) => {
    const { code, stdout, stderr } = await runShell(
      `swath synth landcover --size 512 -o scene.tif
       swath tile scene.tif --size 128 | head -c 100000 | wc -c
       echo "\${PIPESTATUS[@]}"`,
      directory,
    );
    assert.equal(stderr, "");
    assert.match(stdout, /^\s*100000\n0 0 0\n$/);
    assert.equal(code, 0);
  }));

for (const victim of ["tile", "predict"] as const) {
  Deno.test(`a killed ${victim}: stitch says how far the stream came, exits 2 and leaves no file`, () =>
    inTemporaryDirectory(async (directory) => {
      // The slow stage keeps tile waiting in mid-stream, as its patches do not fit into the pipe. It is
      // time to kill when stitch has begun its file, which it does with the header.
      const { stdout, stderr } = await runShell(
        `swath synth landcover --size 512 -o scene.tif --labels labels.tif
         mkdir out && mkfifo patches predictions
         swath tile scene.tif --labels labels.tif --size 64 > patches & tile=$!
         tiny predict 100 < patches > predictions & predict=$!
         { until [ -n "$(ls -A out)" ]; do sleep 0.1; done; sleep 1; kill -9 $${victim}; } &
         swath stitch -o out/map.tif < predictions
         echo "exit $?"
         wait $predict
         ls -A out`,
        directory,
      );
      assert.equal(stdout, "exit 2\n");
      const message = stderr.split("\n").find((line) => line.startsWith("swath stitch:"));
      assert.match(
        message ?? stderr,
        /^swath stitch: Cannot read standard input: it is cut short .*; [1-9]\d* samples? came before, the last one "scene\/0/,
      );
    }));
}

Deno.test("an interrupted stitch exits 130 and leaves no file", () =>
  inTemporaryDirectory(async (directory) => {
    await run(
      `swath synth landcover --size 128 -o scene.tif --labels labels.tif
       swath tile scene.tif --labels labels.tif --size 32 | tiny predict > patches.tar
       mkdir out`,
      directory,
    );
    const out = join(directory, "out");
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", join(ROOT, "cli/main.ts"), "stitch", "-o", join(out, "map.tif")],
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const patches = await Deno.readFile(join(directory, "patches.tar"));
    const stdin = child.stdin.getWriter();
    await stdin.write(patches.subarray(0, 20_000));
    // The temporary file shows that the header has come.
    while ((await Array.fromAsync(Deno.readDir(out))).length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    child.kill("SIGINT");
    const { code } = await child.status;
    await Promise.allSettled([stdin.close(), child.stderr.cancel()]);
    assert.equal(code, 130);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(out)), []);
  }));

Deno.test("a scene on a server gives the samples of the file, and says what was fetched", () =>
  inTemporaryDirectory(async (directory) => {
    await run(
      `swath synth landcover --size 256 --seed 2 -o scene.tif
       swath tile scene.tif --size 64 > from-file.tar`,
      directory,
    );
    const bytes = await Deno.readFile(join(directory, "scene.tif"));
    await using server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request) => {
        if (request.headers.get("authorization") !== "Bearer secret") {
          return new Response(null, { status: 401 });
        }
        if (!request.url.endsWith("/scene.tif")) return new Response(null, { status: 404 });
        const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "");
        if (range === null) {
          return new Response(null, {
            headers: { "content-length": `${bytes.length}`, "accept-ranges": "bytes" },
          });
        }
        const first = Number(range[1]);
        const end = Math.min(bytes.length, Number(range[2]) + 1);
        return new Response(bytes.slice(first, end), {
          status: 206,
          headers: { "content-range": `bytes ${first}-${end - 1}/${bytes.length}` },
        });
      },
    );
    const url = `http://127.0.0.1:${server.addr.port}/scene.tif`;
    const { code, stderr } = await runShell(
      `swath tile ${url} --size 64 --verbose --header "Authorization: Bearer secret" > from-url.tar`,
      directory,
    );
    assert.equal(code, 0, stderr);
    assert.match(stderr, /scene\.tif: [1-9]\d* requests, \d+\.\d [KM]iB\n$/);
    const samples = async (name: string) => {
      using file = await Deno.open(join(directory, name));
      return (await Array.fromAsync(readStream(file))).filter((item) => item.type === "sample");
    };
    assert.deepEqual(await samples("from-url.tar"), await samples("from-file.tar"));
    assert.ok(
      !new TextDecoder().decode(await Deno.readFile(join(directory, "from-url.tar"))).includes(
        "secret",
      ),
    );

    const refused = await runShell(`swath tile ${url} > /dev/null`, directory);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /^swath tile: .*401/);
  }));
