import assert from "node:assert/strict";
import { join } from "node:path";
import {
  classesFromId2Label,
  classesFromNames,
  classPalette,
  findClass,
  InputError,
  parseClasses,
  readClasses,
} from "../../../mod.ts";

const WATER_FOREST = [{ name: "water", color: "#e69f00" }, { name: "forest", color: "#56b4e9" }];

Deno.test("classPalette: 256 different colours, none black or white", () => {
  const colors = classPalette(256);
  assert.equal(new Set(colors).size, 256);
  for (const color of colors) {
    assert.match(color, /^#[0-9a-f]{6}$/);
    assert.notEqual(color, "#000000");
    assert.notEqual(color, "#ffffff");
  }
});

Deno.test("classPalette: a class's colour depends on its number alone", () => {
  const all = classPalette(256);
  for (const count of [0, 1, 7, 8, 11, 150]) {
    assert.deepEqual(classPalette(count), all.slice(0, count));
  }
  assert.deepEqual(classPalette(300).slice(256), all.slice(0, 44));
});

Deno.test("classPalette: twenty classes stay far apart in the screen's colours", () => {
  const colors = classPalette(20).map((color) =>
    [1, 3, 5].map((start) => Number.parseInt(color.slice(start, start + 2), 16))
  );
  colors.forEach((a, index) => {
    for (const b of colors.slice(index + 1)) {
      assert.ok(Math.hypot(...a.map((value, channel) => value - b[channel]!)) > 40, `${a} ${b}`);
    }
  });
});

const FORMS: [form: string, text: string][] = [
  ["list of names", '["water", "forest"]'],
  ["names by number", '{"1": "forest", "0": "water"}'],
  ["transformers configuration", '{"hidden_sizes": [32], "id2label": {"0":"water","1":"forest"}}'],
  ["class file", '[{"name":"water","color":"#E69F00"},{"name":"forest"}]'],
  ["byte order mark", '\uFEFF["water", "forest"]'],
];
for (const [form, text] of FORMS) {
  Deno.test(`parseClasses reads a ${form}`, () => {
    assert.deepEqual(parseClasses(text, "labels.json"), WATER_FOREST);
  });
}

const FAULTS: [text: string, message: RegExp][] = [
  ["water", /"labels.json" as it is not JSON/],
  ["3", /must be a list of names or an object of names by number/],
  ["[]", /is empty/],
  ["{}", /is empty/],
  ['["water", 3]', /class 1 has no name: found 3/],
  ['["water", " "]', /class 1 has no name: found " "/],
  ['{"0": "water", "2": "forest"}', /2 classes must be numbered 0 to 1: found "2"/],
  ['{"water": 0}', /must be numbered 0 to 0: found "water"/],
  ['{"00": "water"}', /found "00"/],
  [
    '[{"name": "water", "color": "blue"}]',
    /colour of class 0 must look like "#1f78b4": found "blue"/,
  ],
  ['[{"name": "water", "color": "#12345"}]', /found "#12345"/],
  ['[{"color": "#123456"}]', /class 0 has no name/],
];
for (const [text, message] of FAULTS) {
  Deno.test(`parseClasses refuses ${text}`, () => {
    assert.throws(() => parseClasses(text, "labels.json"), { name: "InputError", message });
  });
}

Deno.test("classesFromId2Label orders ten and more classes by number", () => {
  const names = Array.from({ length: 12 }, (_, index) => `class ${index}`);
  const classes = classesFromId2Label(Object.fromEntries(names.map((n, i) => [String(i), n])), "m");
  assert.deepEqual(classes.map(({ name }) => name), names);
});

Deno.test("findClass: by name, by number, and names before numbers", () => {
  const classes = classesFromNames(["2", "Forest", "forest", "River"]);
  assert.equal(findClass(classes, "forest"), 2);
  assert.equal(findClass(classes, "river"), 3);
  assert.equal(findClass(classes, "1"), 1);
  assert.equal(findClass(classes, "2"), 0);
});

Deno.test("findClass: hints at the nearest name, refuses ambiguity", () => {
  const classes = classesFromNames(["crane", "building", "crane"]);
  assert.throws(() => findClass(classes, "bulding"), {
    message: 'Cannot find class "bulding" among the 3 classes: crane, building, crane',
    hint: 'Did you mean "building"?',
  });
  assert.throws(() => findClass(classes, "3"), { name: "InputError" });
  assert.throws(() => findClass(classes, "crane"), { hint: "Give its number: 0, 2" });
});

Deno.test("readClasses: files and URLs", async () => {
  const directory = await Deno.makeTempDir();
  const path = join(directory, "labels.json");
  await Deno.writeTextFile(path, '["water", "forest"]');
  assert.deepEqual(await readClasses(path), WATER_FOREST);
  await assert.rejects(readClasses(join(directory, "missing.json")), {
    name: "InputError",
    message: /missing.json": no such file or directory/,
  });
  await Deno.remove(directory, { recursive: true });

  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) =>
      request.url.endsWith("/labels.json")
        ? Response.json({ 0: "water", 1: "forest" })
        : new Response("gone", { status: 404 }),
  );
  try {
    const base = `http://127.0.0.1:${server.addr.port}`;
    assert.deepEqual(await readClasses(`${base}/labels.json`), WATER_FOREST);
    await assert.rejects(readClasses(`${base}/other.json`), (error) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, /other.json" as the server answers 404/);
      return true;
    });
  } finally {
    await server.shutdown();
  }
});
