import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { bundleModules } from "../../../lib/report/bundle.ts";
import { PAGE_MODULES } from "../../../lib/report/page_source.ts";
import {
  buildPyramid,
  type ByteRaster,
  halveClasses,
  halveValues,
  NO_DATA,
} from "../../../lib/report/pyramid.ts";
import { reportPage } from "../../../lib/report/report_page.ts";

/** The raster of a level, put together from its tiles. */
function unpack({ pyramid, bytes }: ReturnType<typeof buildPyramid>, index: number): ByteRaster {
  const { width, height, columns, rows, offsets } = pyramid.levels[index]!;
  const data = new Uint8Array(width * height);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = row * columns + column;
      const tile = inflateRawSync(bytes.subarray(offsets[at], offsets[at + 1]));
      const [left, top] = [column * pyramid.tileSize, row * pyramid.tileSize];
      const across = Math.min(pyramid.tileSize, width - left);
      for (let y = 0; y < tile.length / across; y++) {
        data.set(tile.subarray(y * across, (y + 1) * across), (top + y) * width + left);
      }
    }
  }
  return { width, height, data };
}

Deno.test("buildPyramid: every level comes back, whatever its size", () => {
  const size = fc.integer({ min: 1, max: 1200 });
  fc.assert(
    fc.property(size, size, fc.nat(), (width, height, seed) => {
      const data = Uint8Array.from(
        { length: width * height },
        (_, i) => ((i * 31 + seed) >> 7) % 11,
      );
      const built = buildPyramid({ width, height, data }, Infinity, halveClasses);
      let expected: ByteRaster = { width, height, data };
      built.pyramid.levels.forEach((_, index) => {
        const level = unpack(built, index);
        assert.deepEqual([level.width, level.height], [expected.width, expected.height]);
        assert.ok(Buffer.compare(level.data, expected.data) === 0, `level ${index}`);
        expected = halveClasses(expected);
      });
      const { width: w, height: h } = built.pyramid.levels.at(-1)!;
      assert.ok(Math.max(w, h) <= built.pyramid.tileSize);
    }),
    { numRuns: 8 },
  );
});

Deno.test("buildPyramid: the finest resolutions are left out where they do not fit", () => {
  const [width, height] = [2048, 2048];
  const noise = new Uint8Array(width * height);
  for (let at = 0; at < noise.length; at += 65_536) {
    crypto.getRandomValues(noise.subarray(at, at + 65_536));
  }
  const built = buildPyramid({ width, height, data: noise }, 1_500_000, halveValues);
  assert.deepEqual(built.pyramid.levels.map((level) => level.width), [1024, 512]);
  assert.ok(built.bytes.length <= 1_500_000);
  // One resolution is kept in any case.
  const least = buildPyramid({ width, height, data: noise }, 10, halveValues);
  assert.deepEqual(least.pyramid.levels.map((level) => level.width), [512]);
});

Deno.test("halveClasses and halveValues: most of four, means, and no data", () => {
  const four = (...data: number[]) => ({ width: 2, height: 2, data: Uint8Array.from(data) });
  const classes = (...data: number[]) => halveClasses(four(...data)).data[0];
  assert.equal(classes(1, 2, 2, 3), 2);
  assert.equal(classes(1, 2, 3, 3), 3);
  assert.equal(classes(1, 2, 3, 4), 1);
  assert.equal(classes(NO_DATA, NO_DATA, NO_DATA, 4), 4);
  assert.equal(classes(NO_DATA, NO_DATA, NO_DATA, NO_DATA), NO_DATA);
  assert.equal(halveValues(four(10, 20, NO_DATA, 30)).data[0], 20);
  const edge = halveClasses({ width: 3, height: 1, data: Uint8Array.of(1, 1, 7) });
  assert.deepEqual([edge.width, edge.height, ...edge.data], [2, 1, 1, 7]);
});

Deno.test("bundleModules: one script, and what cannot be one is refused", () => {
  const script = bundleModules({
    "a.ts": 'import { twice } from "./b.ts";\nexport const four: number = twice(2);',
    "b.ts": "export function twice(x: number): number { return 2 * x; }",
  }, "a.ts");
  assert.match(
    script,
    /^function twice\(x\s*\)\s*\{ return 2 \* x; \}\s+const four\s*= twice\(2\);$/,
  );
  const refuse = (modules: Record<string, string>, message: RegExp) =>
    assert.throws(() => bundleModules(modules, "a.ts"), { message });
  refuse({ "a.ts": 'import { x } from "./c.ts";' }, /no module "c.ts"/);
  refuse({ "a.ts": 'import { x } from "./a.ts";' }, /need one another: a.ts, a.ts/);
  refuse({ "a.ts": "export default 1;" }, /"a.ts" imports or exports in another way/);
  refuse({ "a.ts": 'import x from "elsewhere";' }, /"a.ts" imports or exports in another way/);
});

Deno.test("the page's script has no types, imports or exports left, and every module is in it", () => {
  const script = bundleModules(PAGE_MODULES, "main.ts");
  assert.doesNotMatch(script, /^\s*(import|export|interface|type) /m);
  for (const name of ["class MapView", "class TileSource", "function startReport"]) {
    assert.ok(script.includes(name), name);
  }
});

Deno.test("reportPage: names that look like the end of a script do no harm", () => {
  const html = reportPage({
    title: "</title><script>alert(1)</script>",
    subtitle: "</script>",
    classes: [{ name: "<!--<script>", color: "#000000" }],
    map: null,
    scores: null,
    zones: null,
    curves: [],
    provenance: [],
  }, new Map([["a", Uint8Array.of(1, 2, 3)]]));
  assert.equal(html.match(/<script\b/g)!.length, 3);
  assert.ok(html.includes("&lt;/title&gt;&lt;script&gt;"));
  assert.ok(html.includes(">AQID</script>"));
  assert.doesNotMatch(html, /(src|href)="https?:/);
});
