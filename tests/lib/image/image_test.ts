import assert from "node:assert/strict";
import fc from "fast-check";
import { decode } from "fast-png";
import { ndarray } from "../../../lib/array/mod.ts";
import {
  colorizeClasses,
  compositeBands,
  encodePng,
  mapFigure,
  renderSvg,
} from "../../../lib/image/mod.ts";

Deno.test("encodePng: another decoder finds the same pixels", () => {
  const extent = fc.integer({ min: 1, max: 12 });
  const picture = fc.tuple(extent, extent, fc.integer({ min: 1, max: 4 })).chain((shape) => {
    const length = shape[0] * shape[1] * shape[2];
    const data = fc.uint8Array({ minLength: length, maxLength: length });
    return data.map((bytes) => ndarray("uint8", shape, new Uint8Array(bytes)));
  });
  fc.assert(fc.property(picture, (image) => {
    const decoded = decode(encodePng(image), { checkCrc: true });
    assert.deepEqual([decoded.height, decoded.width, decoded.channels], image.shape);
    assert.equal(decoded.depth, 8);
    assert.deepEqual(new Uint8Array(decoded.data), image.data);
  }));
});

Deno.test("encodePng: smooth pictures shrink by their filters", () => {
  const size = 128;
  const ramp = Uint8Array.from({ length: size * size }, (_, index) => {
    return (index % size) + Math.floor(index / size) * 3;
  });
  assert.ok(encodePng(ndarray("uint8", [size, size, 1], ramp)).length < 1000);
});

Deno.test("encodePng refuses what is no picture", () => {
  for (const shape of [[4, 4], [4, 4, 5], [0, 4, 3]]) {
    assert.throws(() => encodePng(ndarray("uint8", shape)), RangeError);
  }
});

Deno.test("compositeBands: percentiles of the valid pixels become black and white", () => {
  const values = Float32Array.from({ length: 100 }, (_, index) => index);
  values[99] = 1e6;
  values[98] = NaN;
  const valid = new Uint8Array(100).fill(1);
  valid[99] = 0;
  const image = ndarray("float32", [1, 10, 10], values);
  const { data, shape } = compositeBands(image, {
    bands: [0],
    valid: ndarray("uint8", [10, 10], valid),
    percentiles: [0, 100],
  });
  assert.deepEqual(shape, [10, 10, 4]);
  assert.deepEqual([...data.subarray(0, 4)], [0, 0, 0, 255]);
  assert.deepEqual([...data.subarray(97 * 4, 97 * 4 + 4)], [255, 255, 255, 255]);
  assert.equal(data[99 * 4 + 3], 0);
});

Deno.test("compositeBands: bands go to the channels asked for", () => {
  const image = ndarray("uint16", [3, 1, 2], Uint16Array.of(0, 10, 10, 0, 5, 5));
  const { data } = compositeBands(image, { bands: [1, 0, 2], percentiles: [0, 100] });
  assert.deepEqual([...data], [255, 0, 0, 255, 0, 255, 0, 255]);
  assert.throws(() => compositeBands(image, { bands: [0, 1, 3] }), RangeError);
});

Deno.test("colorizeClasses: classes in their colours, all else transparent", () => {
  const classes = [{ name: "water", color: "#102030" }, { name: "forest", color: "#ffa001" }];
  const { data } = colorizeClasses(ndarray("uint8", [1, 3], Uint8Array.of(1, 0, 255)), classes);
  assert.deepEqual([...data], [255, 160, 1, 255, 16, 32, 48, 255, 0, 0, 0, 0]);
});

Deno.test("renderSvg: text is drawn with the fonts that come along", async () => {
  const svg = (content: string) =>
    `<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20">` +
    `<text y="15" font-family="DejaVu Sans">${content}</text></svg>`;
  const { data, width, height } = decode(await renderSvg(svg("map"), { scale: 2 }));
  assert.deepEqual([width, height], [120, 40]);
  assert.ok(data.some((value) => value > 0));
  assert.ok(decode(await renderSvg(svg(""))).data.every((value) => value === 0));
});

Deno.test("mapFigure: panels, names with markup and a long legend fit", async () => {
  const picture = ndarray("uint8", [8, 4, 3], new Uint8Array(8 * 4 * 3).fill(200));
  const classes = Array.from({ length: 12 }, (_, index) => ({
    name: `class <${index}> & "more"`,
    color: "#a01020",
  }));
  const options = {
    title: "a & b",
    subtitle: "c < d",
    panels: [{ title: "one", picture }, { title: "two", picture }],
    classes,
    panelSize: 100,
    scale: 1,
  };
  const png = await mapFigure(options);
  assert.deepEqual(await mapFigure(options), png);
  const { width, height, data, channels } = decode(png);
  assert.equal(width, 2 * 50 + 18 + 2 * 24);
  assert.ok(height > 100 + 12 * 20, "one class a line");
  const swatches = Array.from(
    { length: data.length / channels },
    (_, index) => data.slice(index * channels, index * channels + 3).join(),
  ).filter((color) => color === "160,16,32");
  assert.ok(swatches.length > 12 * 100);
});
