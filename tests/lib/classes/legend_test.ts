import assert from "node:assert/strict";
import { join } from "node:path";
import {
  classesFromLegend,
  classesFromNames,
  parseLegend,
  qgisStyle,
  readClassList,
  readLegend,
  recolorClasses,
  SCHEME_NAMES,
  schemeLegend,
} from "../../../lib/classes/mod.ts";
import { InputError } from "../../../lib/errors.ts";

const QML = `<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.34"><pipe><rasterrenderer type="paletted" band="1"><colorPalette>
  <paletteEntry value="10" color="#006400" label="Tree cover" alpha="255"/>
  <paletteEntry alpha="255" color="#FFBB22" label="Shrub &amp; heath" value="20"/>
</colorPalette></rasterrenderer></pipe></qgis>`;

const SLD = `<?xml version="1.0"?><sld:StyledLayerDescriptor xmlns:sld="http://www.opengis.net/sld">
<sld:RasterSymbolizer><sld:ColorMap type="values">
  <sld:ColorMapEntry color="#006400" quantity="10" label="Tree cover"/>
  <sld:ColorMapEntry color="#ffbb22" quantity="20"/>
</sld:ColorMap></sld:RasterSymbolizer></sld:StyledLayerDescriptor>`;

Deno.test("parseLegend: QGIS, Styled Layer Descriptor and JSON", () => {
  assert.deepEqual(parseLegend(QML, "a.qml"), [
    { value: 10, name: "Tree cover", color: "#006400" },
    { value: 20, name: "Shrub & heath", color: "#ffbb22" },
  ]);
  assert.deepEqual(parseLegend(SLD, "a.sld"), [
    { value: 10, name: "Tree cover", color: "#006400" },
    { value: 20, name: null, color: "#ffbb22" },
  ]);
  const json = (value: unknown) => parseLegend(JSON.stringify(value), "a.json");
  assert.deepEqual(json({ "10": "#006400", "20": "#FFBB22ff" }), [
    { value: 10, name: null, color: "#006400" },
    { value: 20, name: null, color: "#ffbb22" },
  ]);
  assert.deepEqual(json({ water: "#0064c8" }), [{ value: null, name: "water", color: "#0064c8" }]);
  assert.deepEqual(json([{ value: 7, name: "x", color: "#010203" }]), [
    { value: 7, name: "x", color: "#010203" },
  ]);
  assert.deepEqual(json(["#010203", "#040506"]).map(({ value }) => value), [0, 1]);
  assert.deepEqual(json(["water", "forest"]).map(({ name }) => name), ["water", "forest"]);
});

Deno.test("parseLegend: what is wrong is named", () => {
  const faults: readonly (readonly [string, RegExp])[] = [
    ["hello", /"a" as it is neither JSON nor XML/],
    ["<html/>", /no colours of values/],
    ['{"water": "#0064c8", "forest": "green"}', /the colour of "forest" must look like "#1f78b4"/],
    ['[{"value": -1, "color": "#000000"}]', /value -1 is not a whole number/],
    [
      '[{"value": 1, "color": "#000000"}, {"value": 1, "color": "#000001"}]',
      /value 1 is in it twice/,
    ],
  ];
  for (const [text, message] of faults) {
    assert.throws(
      () => parseLegend(text, "a"),
      (error) => error instanceof InputError && message.test(error.message),
      text,
    );
  }
});

Deno.test("schemes: values are distinct, colours are colours, sizes are those of their publishers", () => {
  const sizes = Object.fromEntries(
    SCHEME_NAMES.map((name) => {
      const legend = schemeLegend(name);
      assert.equal(new Set(legend.map(({ value }) => value)).size, legend.length);
      for (const { color } of legend) assert.match(color, /^#[0-9a-f]{6}$/);
      return [name, legend.length];
    }),
  );
  assert.deepEqual(sizes, { "clc+": 11, worldcover: 11, ade20k: 150, camvid: 11, camvid32: 32 });
});

Deno.test("classesFromLegend: a class for each number, named or not", () => {
  const classes = classesFromLegend(schemeLegend("worldcover"), "worldcover");
  assert.equal(classes.length, 101);
  assert.deepEqual(classes[95], { name: "Mangroves", color: "#00cf75" });
  assert.equal(classes[11]!.name, "11");
  assert.throws(() => classesFromLegend([{ value: 300, name: "x", color: "#000000" }], "a"), {
    message: /value 300 is no class: expected 0 to 254/,
  });
});

Deno.test("recolorClasses: by name, by value, and a legend of other names is refused", () => {
  const classes = classesFromNames(["Water", "Forest"]);
  const byName = recolorClasses(classes, [{ value: 9, name: "forest", color: "#00aa00" }], "a");
  assert.deepEqual(byName, [classes[0], { name: "Forest", color: "#00aa00" }]);
  const byValue = recolorClasses(classes, [{ value: 0, name: null, color: "#0000ff" }], "a");
  assert.deepEqual(byValue[0], { name: "Water", color: "#0000ff" });
  assert.throws(() => recolorClasses(classes, schemeLegend("camvid"), "camvid"), {
    message: /none of its names is that of a class: the classes are Water, Forest/,
  });
  // Without names of its own, the data takes those of the legend.
  assert.equal(recolorClasses(null, schemeLegend("clc+"), "clc+")[1]!.name, "Sealed");
});

Deno.test("readClassList and readLegend: names, schemes and files", async () => {
  const directory = await Deno.makeTempDir();
  const file = join(directory, "style.qml");
  await Deno.writeTextFile(file, QML);
  assert.deepEqual((await readClassList("water, forest")).map(({ name }) => name), [
    "water",
    "forest",
  ]);
  assert.equal((await readClassList("CLC+"))[10]!.name, "Water");
  assert.equal((await readClassList(file))[20]!.color, "#ffbb22");
  assert.equal((await readLegend(file)).length, 2);
  await assert.rejects(readLegend(join(directory, "missing.qml")), InputError);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("qgisStyle: what is written can be read; numbers that a legend leaves out are not in it", () => {
  const classes = classesFromNames(["Water & ice", 'a "b" <c>']);
  const legend = parseLegend(qgisStyle(classes), "map.qml");
  assert.deepEqual(legend, classes.map((info, value) => ({ ...info, value })));
  const sparse = classesFromLegend(schemeLegend("worldcover"), "worldcover");
  assert.deepEqual(parseLegend(qgisStyle(sparse), "map.qml"), schemeLegend("worldcover"));
  assert.equal(parseLegend(qgisStyle(classesFromNames(["0", "1"])), "map.qml").length, 2);
});
