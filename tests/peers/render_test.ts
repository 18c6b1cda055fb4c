/**
 * What `swath render` draws of a real scene, against GDAL and Pillow; `swath plot` and `swath report` of the same. The data
 * lies beside the repository, in `../shared/data`; the tests are skipped where it does not.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ROOT, runShell } from "../support/shell.ts";
import { peerTest, runPythonJson } from "./python.ts";

const DATA = join(ROOT, "../shared/data/s2-landcover");
const SCENE = join(DATA, "eolearn_S2L1C_2015-07-11_u16.tif");
const LABELS = join(DATA, "eolearn_LULC.tif");

const SETUP = `
cat > classes.json <<END
[{"value": 1, "name": "cultivated", "color": "#ff0000"}, {"value": 2, "name": "forest", "color": "#00ff00"},
 {"value": 3, "name": "grassland", "color": "#0000ff"}, {"value": 4, "name": "shrubland", "color": "#ffff00"},
 {"value": 8, "name": "artificial", "color": "#010203"}]
END
`;

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

async function inFolder(script: string, look: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "swath-render-" });
  try {
    const { code, stderr } = await runShell(`set -e\n${SETUP}\n${script}`, folder);
    assert.equal(code, 0, stderr);
    await look(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (isThere(LABELS)) {
  peerTest(
    "pictures of a real scene are those of GDAL and Pillow",
    ["rasterio", "PIL"],
    () =>
      inFolder(
        `swath render ${LABELS} --classes classes.json --plain -o map.png
swath render ${LABELS} --classes classes.json --plain -o map.webp
swath render ${LABELS} --classes classes.json --plain --size 50 -o half.png
swath render ${SCENE} --index ndvi --range=-1,1 --ramp greys --plain -o ndvi.png`,
        async (folder) => {
          const { png, webp, ndvi, half } = await runPythonJson<
            { png: number; webp: number; ndvi: number; half: number }
          >("render.py", [folder, SCENE, LABELS]);
          assert.equal(png, 0);
          assert.equal(webp, 0);
          assert.equal(half, 0);
          assert.ok(ndvi > 0.995, String(ndvi));
        },
      ),
  );
}

Deno.test({
  name: `a real scene is rendered, plotted and reported${
    isThere(LABELS) ? "" : " (skipped: no ../shared/data/s2-landcover)"
  }`,
  ignore: !isThere(LABELS),
  fn: () =>
    inFolder(
      `swath iou ${LABELS} ${LABELS} --classes classes.json --format json > scores.json
swath render ${SCENE} ${LABELS} --classes classes.json -o both.svg
swath plot scores.json -o confusion.svg
swath report ${LABELS} --scene ${SCENE} --classes classes.json --scores scores.json -o report.html`,
      async (folder) => {
        const read = (name: string) => Deno.readTextFile(join(folder, name));
        for (const name of ["both.svg", "confusion.svg", "report.html"]) {
          const text = await read(name);
          for (const label of ["cultivated", "forest", "grassland", "shrubland", "artificial"]) {
            assert.ok(text.includes(label), `${label} in ${name}`);
          }
        }
        assert.ok((await read("both.svg")).includes(">200 m</text>"));
      },
    ),
});
