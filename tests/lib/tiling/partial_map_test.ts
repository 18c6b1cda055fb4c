import assert from "node:assert/strict";
import { join } from "node:path";
import {
  bytesOf,
  finishedRows,
  identityOf,
  InputError,
  type NdArray,
  openPartialMap,
  type PartialLayer,
  type StreamHeader,
} from "swath";
import { withFolder } from "../raster/support.ts";
import { segment } from "./segment.ts";
import { numbered } from "./support.ts";

const WIDTH = 9;
const HEIGHT = 40;
const LAYERS: readonly PartialLayer[] = [
  { name: "map", dtype: "uint8", bands: 1 },
  { name: "confidence", dtype: "float32", bands: 2 },
];
const { header: HEADER } = segment({ width: WIDTH, height: HEIGHT, size: 16, stride: 4 }, () => 1);

/** Rows of a layer, each unlike all others. */
function rowsOf(layer: PartialLayer, y: number, count: number): NdArray {
  const shape = [layer.bands, count, WIDTH];
  const value = (i: number) =>
    (31 * (y + Math.floor(i / WIDTH) % count) + 7 * i + 50 * Math.floor(i / WIDTH / count)) % 251;
  return layer.dtype === "uint8"
    ? numbered("uint8", shape, value)
    : numbered("float32", shape, (i) => value(i) / 3);
}

/** Put rows aside as stitch does: a piece of all layers, then the next. */
async function putAside(path: string, from: number, to: number, header = HEADER) {
  using partial = await openPartialMap(path, identityOf(header), LAYERS);
  assert.equal(partial.rows, from);
  for (let y = from; y < to; y += 5) {
    for (const layer of LAYERS) {
      await partial.append(layer.name, rowsOf(layer, y, Math.min(5, to - y)));
    }
  }
  assert.equal(partial.rows, to);
}

/** That what is there are the first rows of every layer, and how many they are. */
async function checkRows(path: string, header = HEADER): Promise<number> {
  using partial = await openPartialMap(path, identityOf(header), LAYERS);
  for (const layer of LAYERS) {
    let y = 0;
    for await (const rows of partial.rowsOf(layer.name)) {
      const count = rows.shape[1]!;
      assert.deepEqual(bytesOf(rows), bytesOf(rowsOf(layer, y, count)));
      y += count;
    }
    assert.equal(y, partial.rows);
  }
  return partial.rows;
}

async function refuses(work: Promise<unknown>, message: RegExp, hint: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert(error instanceof InputError, String(error));
    assert.match(error.message, message);
    assert.match(error.hint ?? "", hint);
    return true;
  });
}

Deno.test("rows that were put aside come back, and more are added below", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "map.tif");
    assert.equal(await finishedRows(path, HEADER), 0);
    await putAside(path, 0, 10);
    assert.equal(await finishedRows(path, HEADER), 10);
    await putAside(path, 10, 23);
    assert.equal(await checkRows(path), 23);
    using partial = await openPartialMap(path, identityOf(HEADER), LAYERS);
    await partial.remove();
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
  });
});

Deno.test("cut off anywhere, what is left is right and can be gone on with", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "map.tif");
    await putAside(path, 0, 15);
    const whole = await Deno.readFile(`${path}.partial`);
    const kept = new Set<number>();
    for (let length = 0; length <= whole.length; length += 3) {
      await Deno.writeFile(`${path}.partial`, whole.subarray(0, length));
      const rows = await finishedRows(path, HEADER);
      assert.equal(await checkRows(path), rows);
      kept.add(rows);
    }
    // A piece counts when all layers have it.
    assert.deepEqual([...kept].slice(0, 3), [0, 5, 10]);
    await Deno.writeFile(`${path}.partial`, whole.subarray(0, whole.length - 1));
    await putAside(path, 10, 20);
    assert.equal(await checkRows(path), 20);
  });
});

Deno.test("with any byte altered, rows from there on are made again", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "map.tif");
    await putAside(path, 0, 10);
    const whole = await Deno.readFile(`${path}.partial`);
    for (let position = 0; position < whole.length; position += 3) {
      const altered = whole.slice();
      altered[position]! ^= 1 << position % 8;
      await Deno.writeFile(`${path}.partial`, altered);
      const rows = await finishedRows(path, HEADER);
      assert(rows < 10);
      assert.equal(await checkRows(path), rows);
    }
  });
});

Deno.test("rows of another map are refused, and what differs is named", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "map.tif");
    await putAside(path, 0, 10);
    const scene = HEADER.scene!;
    const others: [StreamHeader, RegExp, boolean][] = [
      [
        { ...HEADER, scene: { ...scene, source: "other.tif" } },
        /whose scene differs: it has "s.tif", this run has "other.tif"$/,
        true,
      ],
      [
        { ...HEADER, grid: { ...HEADER.grid!, overlap: 3 } },
        /whose grid differs: it has patches of 16x16 with overlap 0, this run has .* overlap 3$/,
        true,
      ],
      [
        { ...HEADER, shard: { number: 1, count: 1, y: 0, height: HEIGHT } },
        /whose shard differs/,
        true,
      ],
      [
        { ...HEADER, bands: [{ name: "B02", scale: 1, offset: 0 }] },
        /whose bands differ/,
        true,
      ],
      [
        { ...HEADER, output: { ...HEADER.output!, model: "n" } },
        /output differs: it has logits of "m", this run has logits of "n"$/,
        false,
      ],
      [
        { ...HEADER, history: ["tile", "infer m --tta flips"] },
        /commands differ: it has none, this run has infer m --tta flips$/,
        false,
      ],
      [{ ...HEADER, classes: [{ name: "a", color: "#000000" }] }, /whose classes differ/, false],
    ];
    for (const [header, message, isSeenByTile] of others) {
      await refuses(openPartialMap(path, identityOf(header), LAYERS), message, /begin anew/);
      if (isSeenByTile) await refuses(finishedRows(path, header), message, /begin anew/);
      else assert.equal(await finishedRows(path, header), 10);
    }
    await refuses(
      openPartialMap(path, identityOf(HEADER, { minConfidence: 0.5 }), LAYERS),
      /whose --min-confidence differs: it has 0, this run has 0.5$/,
      /begin anew/,
    );
    using again = await openPartialMap(
      path,
      identityOf({ ...HEADER, history: ["tile --resume-from map.tif"] }),
      LAYERS,
    );
    assert.equal(again.rows, 10);
    again.close();
    await refuses(
      openPartialMap(path, identityOf(HEADER), LAYERS.slice(0, 1)),
      /whose files differ: it has map \(uint8\), confidence \(float32\), this run has map \(uint8\)$/,
      /begin anew/,
    );
    assert.equal(await checkRows(path), 10);
  });
});

Deno.test("two processes do not go on with one map", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "map.tif");
    using _partial = await openPartialMap(path, identityOf(HEADER), LAYERS);
    await refuses(
      openPartialMap(path, identityOf(HEADER), LAYERS),
      /another process is writing it/,
      /Wait/,
    );
  });
});
