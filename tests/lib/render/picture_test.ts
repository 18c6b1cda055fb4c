import assert from "node:assert/strict";
import { join } from "node:path";
import { decode } from "fast-png";
import { ndarray } from "../../../lib/array/mod.ts";
import { groundScale } from "../../../lib/geo/mod.ts";
import {
  colorizeValues,
  drawMapFigure,
  encodePng,
  encodeWebp,
  overlayPictures,
  RAMP_NAMES,
  rampColors,
  renderSvg,
  renderSvgPixels,
} from "../../../lib/image/mod.ts";
import { roundLength } from "../../../lib/image/map_furniture.ts";
import { drawRaster } from "../../../lib/render/mod.ts";

Deno.test("rampColors: the even ramps get lighter from step to step", async () => {
  for (const name of RAMP_NAMES) {
    const colors = await rampColors(name);
    assert.equal(colors.length, 256);
    if (name === "brbg" || name === "rdylgn") continue;
    const luminance = colors.map((color) => {
      const [r, g, b] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16)) as [
        number,
        number,
        number,
      ];
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    });
    luminance.slice(1).forEach((value, at) =>
      assert.ok(value >= luminance[at]! - 1, `${name} ${at}`)
    );
  }
});

Deno.test("colorizeValues and overlayPictures: ends, no data, opacity", () => {
  const values = ndarray("float32", [1, 1, 4], Float32Array.of(-1, 0, 9, NaN));
  const valid = ndarray("uint8", [1, 4], Uint8Array.of(1, 1, 1, 1));
  const picture = colorizeValues(values, valid, ["#000000", "#ffffff"], [0, 1]);
  assert.deepEqual([...picture.data.filter((_, index) => index % 4 === 0)], [0, 0, 255, 0]);
  assert.equal(picture.data[15], 0);
  const red = ndarray("uint8", [1, 1, 4], Uint8Array.of(200, 0, 0, 255));
  const blue = ndarray("uint8", [1, 1, 4], Uint8Array.of(0, 0, 100, 255));
  const none = ndarray("uint8", [1, 1, 4]);
  assert.deepEqual([...overlayPictures(blue, red, 0.25).data], [50, 0, 75, 255]);
  assert.deepEqual([...overlayPictures(blue, none, 1).data], [0, 0, 100, 255]);
  assert.deepEqual([...overlayPictures(none, red, 0.5).data], [200, 0, 0, 128]);
});

Deno.test("encodeWebp: a WebP file, lossless or small", async () => {
  const data = Uint8Array.from(
    { length: 64 * 64 * 4 },
    (_, i) => i % 4 === 3 ? 255 : (i * 31) % 256,
  );
  const picture = ndarray("uint8", [64, 64, 4], data);
  const lossless = await encodeWebp(picture);
  const lossy = await encodeWebp(picture, { quality: 30 });
  const kind = (bytes: Uint8Array) => new TextDecoder().decode(bytes.subarray(12, 16));
  assert.equal(kind(lossless), "VP8L");
  assert.match(kind(lossy), /^VP8/);
  await assert.rejects(encodeWebp(ndarray("uint8", [2, 2, 3])), RangeError);
});

Deno.test("groundScale: metres, degrees, Web Mercator, rotation, and nothing known", () => {
  const at = (crs: string | null, transform: readonly number[]) =>
    groundScale(
      {
        crs,
        transform: transform as unknown as [number, number, number, number, number, number],
        geoKeys: null,
        pixelIsPoint: false,
      },
      2,
      2,
    );
  assert.deepEqual(at("EPSG:32633", [0, 10, 0, 0, 0, -20]), {
    metresPerColumn: 10,
    metresPerRow: 20,
    north: 0,
  });
  // A degree at 60° north: 55,800 m and 111,412 m on WGS 84.
  const degrees = at("EPSG:4326", [10, 1, 0, 61, 0, -1])!;
  assert.ok(Math.abs(degrees.metresPerColumn - 55_800) < 1, String(degrees.metresPerColumn));
  assert.ok(Math.abs(degrees.metresPerRow - 111_412) < 1, String(degrees.metresPerRow));
  const mercator = at("EPSG:3857", [0, 100, 0, 8_399_838, 0, -100])!;
  assert.ok(Math.abs(mercator.metresPerColumn - 50) < 0.01, String(mercator.metresPerColumn));
  // South is up.
  assert.equal(Math.abs(at("EPSG:32633", [0, -10, 0, 0, 0, 10])!.north), 180);
  assert.equal(at("EPSG:32633", [0, 0, -10, 0, -10, 0])!.north, -90);
  assert.equal(at(null, [0, 10, 0, 0, 0, -10]), null);
});

Deno.test("roundLength: the longest round length that fits", () => {
  assert.deepEqual([1, 1.9, 2, 4.99, 5, 9, 10, 720, 0.3].map(roundLength), [
    1,
    1,
    2,
    2,
    5,
    5,
    10,
    500,
    0.2,
  ]);
});

Deno.test("drawMapFigure: pictures, furniture, colour bar and legend, as SVG and pixels", async () => {
  const picture = ndarray("uint8", [20, 40, 4], new Uint8Array(20 * 40 * 4).fill(255));
  const svg = drawMapFigure({
    title: "a < b",
    panels: [
      { title: "one", picture, ground: { metresPerPixel: 10, north: 30 } },
      { title: "two", picture, values: { label: "NDVI", low: 0, high: 1, colors: ["#000000"] } },
    ],
    classes: [{ name: "water & ice", color: "#0000ff" }],
    panelSize: 200,
  });
  assert.match(svg, /a &lt; b/);
  assert.match(svg, />100 m</);
  assert.match(svg, /rotate\(30 /);
  assert.match(svg, />NDVI</);
  assert.match(svg, /water &amp; ice/);
  const pixels = await renderSvgPixels(svg, { scale: 1 });
  const { width, height, data } = decode(await renderSvg(svg, { scale: 1 }));
  assert.deepEqual(pixels.shape, [height, width, 4]);
  assert.deepEqual(pixels.data, new Uint8Array(data));
});

Deno.test("drawRaster: what a raster says decides how it is shown", async () => {
  const directory = await Deno.makeTempDir();
  const write = async (name: string, shape: readonly number[], data: Uint8Array<ArrayBuffer>) => {
    const path = join(directory, name);
    await Deno.writeFile(path, encodePng(ndarray("uint8", shape, data)));
    return path;
  };
  const photo = await write("photo.png", [1, 2, 3], Uint8Array.of(10, 20, 30, 255, 0, 7));
  const shown = await drawRaster(photo, { maxSide: 10 });
  assert.deepEqual([...shown.picture.data], [10, 20, 30, 255, 255, 0, 7, 255]);
  assert.equal(shown.ground, null);

  const labels = await write("labels.png", [1, 3, 1], Uint8Array.of(0, 2, 255));
  const map = await drawRaster(labels, { maxSide: 10 });
  assert.deepEqual(map.classes.map(({ value, name }) => [value, name]), [[0, "0"], [2, "2"]]);
  assert.equal(map.picture.data[11], 0);

  const values = await drawRaster(labels, {
    maxSide: 10,
    index: { text: "b1", names: ["1"], evaluate: ([value]) => value! },
    range: [0, 2],
  });
  assert.deepEqual(values.values?.high, 2);
  await assert.rejects(drawRaster(photo, { maxSide: 10, bands: ["1", "2"] }), {
    message: /Cannot show 2 bands: expected three for red, green and blue, or one/,
  });
  await Deno.remove(directory, { recursive: true });
});
