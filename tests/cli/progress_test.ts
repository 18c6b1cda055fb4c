import assert from "node:assert/strict";
import { formatClock, formatProgress, ProgressLine } from "../../cli/progress.ts";

Deno.test("a bar with a total shows share, rate and time left", () => {
  const line = formatProgress(
    { label: "Cutting", unit: "patches", done: 64, total: 128, seconds: 8 },
    100,
  );
  assert.equal(
    line,
    `Cutting  ${"█".repeat(12)}${"░".repeat(12)}  50%  64/128 patches  8.0 patches/s  0:08 left`,
  );
});

Deno.test("a bar without a total shows rate and time gone by", () => {
  const line = formatProgress(
    { label: "Reading", unit: "patches", done: 1500, total: null, seconds: 75 },
    100,
  );
  assert.equal(line, "Reading  1500 patches  20.0 patches/s  1:15");
});

Deno.test("a line never reaches the last column, whatever the width", () => {
  const state = { label: "Cutting", unit: "patches", done: 1, total: 3, seconds: 2 };
  for (const columns of [1, 40, 60]) {
    assert.ok([...formatProgress(state, columns)].length < columns);
  }
});

Deno.test("on a narrow terminal the bar gets shorter, and what it says stays", () => {
  const state = { label: "Cutting", unit: "patches", done: 121, total: 144, seconds: 2 };
  const line = formatProgress(state, 80);
  assert.equal([...line].length, 79);
  assert.match(line, /^Cutting +█+[^ ]░+ +84% +121\/144 patches +60.5 patches\/s +0:00 left$/);
});

Deno.test("more than was announced is 100 %, and nothing at all is no division by zero", () => {
  const state = { label: "Cutting", unit: "patches", seconds: 0 };
  assert.match(formatProgress({ ...state, done: 4, total: 3 }, 100), /100%/);
  assert.doesNotMatch(formatProgress({ ...state, done: 0, total: 0 }, 100), /NaN|Infinity/);
});

Deno.test("clocks", () => {
  assert.deepEqual([0, 7.4, 59.6, 3600, 3725].map(formatClock), [
    "0:00",
    "0:07",
    "1:00",
    "1:00:00",
    "1:02:05",
  ]);
});

Deno.test("messages are printed above the bar, which is drawn again and cleared at the end", () => {
  let screen = "";
  const line = new ProgressLine((text) => screen += text, () => 80);
  const bar = line.start("Cutting", "patches", 2);
  bar.update(1);
  const drawn = screen;
  line.print("swath tile: warning: look");
  assert.equal(screen, `${drawn}\r\x1b[Kswath tile: warning: look\n${drawn.slice(1, -3)}`);
  bar.finish();
  assert.ok(screen.endsWith("\r\x1b[K"));
});

Deno.test("a bar is drawn at most ten times a second", () => {
  let draws = 0;
  const bar = new ProgressLine(() => draws++, () => 80).start("Cutting", "patches", 1000);
  for (let done = 0; done < 1000; done++) bar.update(done);
  assert.ok(draws <= 3, `${draws} draws`);
});
