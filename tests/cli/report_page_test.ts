/// <reference lib="dom" />
/**
 * The page of `swath report` in a real browser: pointer, keys, fingers, light and dark.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { createGeoTiff, ndarray, openRaster } from "../../mod.ts";
import { CHROMIUM, startBrowser } from "../support/browser.ts";
import { runShell } from "../support/shell.ts";

/** Columns and rows of the map. */
const SIZE = 256;
/** Where the map differs from the truth: columns and rows from 0 to this. */
const WRONG = 64;

let prepared: Promise<{ url: string; truth: Uint8Array; map: Uint8Array; names: string[] }> | null =
  null;

/** A report on a map that is wrong in one corner, with all that a report can have. */
function prepare() {
  return prepared ??= (async () => {
    const directory = await Deno.makeTempDir({ prefix: "swath-report-" });
    globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));
    const made = await runShell(
      `swath synth landcover --size ${SIZE} --seed 1 -o scene.tif --labels truth.tif`,
      directory,
    );
    assert.equal(made.code, 0, made.stderr);
    const raster = await openRaster(join(directory, "truth.tif"));
    const { image } = await raster.read({ x: 0, y: 0, width: SIZE, height: SIZE });
    raster.close();
    const { info } = raster;
    const truth = image.data as Uint8Array<ArrayBuffer>;
    const map = truth.map((label, index) => {
      const isWrong = index % SIZE < WRONG && index < WRONG * SIZE;
      return isWrong && label !== 255 ? (label + 1) % 10 : label;
    });
    const write = async (
      name: string,
      data: Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>,
    ) => {
      const isMap = data instanceof Uint8Array;
      using writer = await createGeoTiff(join(directory, name), {
        width: SIZE,
        height: SIZE,
        bands: info.bands,
        georeference: info.georeference,
        dtype: isMap ? "uint8" : "float32",
        nodata: isMap ? 255 : NaN,
        classes: isMap ? info.classes : null,
      });
      await writer.writeRows(
        isMap ? ndarray("uint8", [1, SIZE, SIZE], data) : ndarray("float32", [1, SIZE, SIZE], data),
      );
      await writer.finish();
    };
    await write("map.tif", map);
    await write("confidence.tif", new Float32Array(SIZE * SIZE).fill(0.75));
    await Deno.mkdir(join(directory, "runs/first"), { recursive: true });
    const records = [1, 2, 3].flatMap((epoch) => [
      { step: epoch * 10, epoch, loss: 1 / epoch, learning_rate: 0.001 },
      {
        step: epoch * 10,
        epoch,
        train_loss: 1 / epoch,
        val_loss: 1.1 / epoch,
        val_miou: epoch / 4,
      },
    ]);
    await Deno.writeTextFile(
      join(directory, "runs/first/metrics.ndjson"),
      records.map((record) => `${JSON.stringify(record)}\n`).join(""),
    );
    const [x0, , , y0] = info.georeference.transform!;
    const zone = (name: string, column: number, share: number) => ({
      type: "Feature",
      properties: { name, area_ha: column + 1, water_share: share, cropland_share: 1 - share },
      geometry: {
        type: "Polygon",
        coordinates: [
          [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]].map(([x, y]) => [
            x0 + 10 * (column * 128 + 4 + x! * 120),
            y0 - 10 * (4 + y! * 248),
          ]),
        ],
      },
    });
    await Deno.writeTextFile(
      join(directory, "zones.geojson"),
      JSON.stringify({
        type: "FeatureCollection",
        crs: {
          type: "name",
          properties: { name: `urn:ogc:def:crs:EPSG::${info.georeference.crs!.slice(5)}` },
        },
        features: [zone("Westend", 0, 0.25), zone("Eastend", 1, 0.5)],
      }),
    );
    const { code, stderr } = await runShell(
      "swath report map.tif runs/first --scene scene.tif --truth truth.tif --confidence confidence.tif " +
        "--zones zones.geojson --title 'A <b>report</b>' -o report.html",
      directory,
    );
    assert.equal(code, 0, stderr);
    return {
      url: `file://${join(directory, "report.html")}`,
      truth,
      map,
      names: info.classes!.map(({ name }) => name),
    };
  })();
}

let browser: Promise<Browser> | null = null;

/** A test on the page; it fails where the page complains or asks for anything. */
function pageTest(
  name: string,
  run: (page: Page) => Promise<void>,
  options: { readonly width?: number; readonly height?: number; readonly dark?: boolean } = {},
): void {
  const { width = 1280, height = 1000, dark = false } = options;
  Deno.test({
    name: `report page: ${name}${CHROMIUM === null ? " (skipped: no Chromium)" : ""}`,
    ignore: CHROMIUM === null,
    // The browser goes on to the next test.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const { url } = await prepare();
      const context = await (await (browser ??= startBrowser())).newContext({
        viewport: { width, height },
        colorScheme: dark ? "dark" : "light",
        hasTouch: width < 500,
      });
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on("console", (message) => {
        // The tests read the canvas back, which the page does not.
        if (message.text().includes("willReadFrequently")) return;
        complaints.push(`${message.type()}: ${message.text()}`);
      });
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("request", (request) => {
        if (!/^(blob|data):/.test(request.url()) && request.url() !== url) {
          complaints.push(`asks for ${request.url()}`);
        }
      });
      await page.goto(url);
      await page.locator("#map-canvas").scrollIntoViewIfNeeded();
      await settled(page);
      await run(page);
      assert.deepEqual(complaints, []);
      await context.close();
    },
  });
}

/** Wait until tiles have come and the map is drawn. */
async function settled(page: Page): Promise<void> {
  await page.waitForTimeout(250);
}

/** Where a pixel of the map is on the screen, while all of the map is shown. */
async function placeOf(page: Page, column: number, row: number): Promise<{ x: number; y: number }> {
  const box = (await page.locator("#map-canvas").boundingBox())!;
  const zoom = 0.96 * Math.min(box.width, box.height) / SIZE;
  return {
    x: box.x + box.width / 2 + (column + 0.5 - SIZE / 2) * zoom,
    y: box.y + box.height / 2 + (row + 0.5 - SIZE / 2) * zoom,
  };
}

/** The colour of the map's canvas at a pixel of the map. */
async function colorAt(page: Page, column: number, row: number): Promise<number[]> {
  const { x, y } = await placeOf(page, column, row);
  return await page.evaluate(([x, y]) => {
    const canvas = document.querySelector<HTMLCanvasElement>("#map-canvas")!;
    const box = canvas.getBoundingClientRect();
    const scale = canvas.width / box.width;
    const { data } = canvas.getContext("2d")!.getImageData(
      Math.round((x! - box.left) * scale),
      Math.round((y! - box.top) * scale),
      1,
      1,
    );
    return [...data];
  }, [x, y]);
}

/** What is said of a place, once the tiles that it lies in are there. */
async function readout(page: Page): Promise<string> {
  await page.waitForFunction(() =>
    !document.querySelector("#map-readout")!.textContent!.includes("…")
  );
  return await page.locator("#map-readout").innerText();
}

pageTest("the pointer tells map, truth, confidence and zone", async (page) => {
  const { map, truth, names } = await prepare();
  for (const [column, row] of [[20, 30], [200, 100], [100, 220]] as const) {
    const place = await placeOf(page, column, row);
    await page.mouse.move(place.x, place.y);
    const text = await readout(page);
    assert.ok(text.includes(`Map: ${names[map[row * SIZE + column]!]}`), text);
    assert.ok(text.includes(`Truth: ${names[truth[row * SIZE + column]!]}`), text);
    assert.ok(text.includes("confidence 75 %"), text);
    assert.ok(text.includes(column < 128 ? "Westend" : "Eastend"), text);
  }
  await page.mouse.move(5, 5);
  assert.equal(await page.locator("#map-readout").isVisible(), false);
});

pageTest("the legend hides classes, and shows one alone", async (page) => {
  const { map } = await prepare();
  const [column, row] = [100, 220];
  const label = map[row * SIZE + column]!;
  await page.locator("#map-zones").uncheck();
  await page.locator("#map-opacity").fill("100");
  await settled(page);
  const shown = await colorAt(page, column, row);
  const box = page.locator(`[data-class="${label}"]`);
  await box.uncheck();
  await settled(page);
  const without = await colorAt(page, column, row);
  assert.notDeepEqual(without, shown);
  await page.locator("#legend-all").click();
  await settled(page);
  assert.deepEqual(await colorAt(page, column, row), shown);
  await page.locator("#legend-none").click();
  await settled(page);
  assert.deepEqual(await colorAt(page, column, row), without);
  await page.locator("li", { has: box }).hover();
  await page.locator("li", { has: box }).getByRole("button").click();
  await settled(page);
  assert.deepEqual(await colorAt(page, column, row), shown);
  assert.equal(await page.locator(".classes input:checked").count(), 1);
});

pageTest("opacity, and a choice of maps and confidence", async (page) => {
  await page.locator("#map-zones").uncheck();
  await page.locator("#map-opacity").fill("0");
  await settled(page);
  const scene = await colorAt(page, 20, 30);
  await page.locator("#map-opacity").fill("100");
  await settled(page);
  const map = await colorAt(page, 20, 30);
  assert.notDeepEqual(map, scene);
  await page.locator("#map-layer").selectOption("Truth");
  await settled(page);
  const truth = await colorAt(page, 20, 30);
  assert.notDeepEqual(truth, map);
  await page.locator("#map-layer").selectOption("Confidence");
  await settled(page);
  assert.notDeepEqual(await colorAt(page, 20, 30), truth);
  assert.ok(await page.locator(".ramp").isVisible());
});

pageTest("buttons, wheel, drag and keys move the map", async (page) => {
  const bar = () => page.locator(".scale-bar span").innerText();
  const canvas = page.locator("#map-canvas");
  const whole = await bar();
  await page.locator("#zoom-in").click();
  await page.locator("#zoom-in").click();
  assert.notEqual(await bar(), whole);
  await page.locator("#zoom-fit").click();
  assert.equal(await bar(), whole);

  const middle = await placeOf(page, 128, 128);
  await page.mouse.move(middle.x, middle.y);
  await page.mouse.wheel(0, -900);
  await settled(page);
  assert.notEqual(await bar(), whole);
  const before = await readout(page);
  await page.mouse.down();
  await page.mouse.move(middle.x + 200, middle.y + 100, { steps: 4 });
  await page.mouse.up();
  await page.mouse.move(middle.x, middle.y);
  assert.notEqual(await readout(page), before);

  await canvas.focus();
  await page.keyboard.press("0");
  assert.equal(await bar(), whole);
  const inTheMiddle = await readout(page);
  await page.keyboard.press("ArrowRight");
  assert.notEqual(await readout(page), inTheMiddle);
  await page.keyboard.press("+");
  await page.keyboard.press("+");
  await page.keyboard.press("+");
  assert.notEqual(await bar(), whole);
  await page.keyboard.press("Home");
  assert.equal(await bar(), whole);
});

pageTest("scores sort, and the confusion matrix counts every pixel", async (page) => {
  const { map, truth } = await prepare();
  const names = () => page.locator("#scores-table tbody th").allInnerTexts();
  const column = (n: number) =>
    page.locator(`#scores-table tbody td:nth-child(${n})`).allInnerTexts();
  await page.getByRole("button", { name: "IoU", exact: true }).click();
  const falling = (await column(2)).map(Number);
  assert.deepEqual(falling, falling.toSorted((a, b) => b - a));
  const best = await names();
  await page.getByRole("button", { name: "IoU", exact: true }).click();
  const rising = (await column(2)).map(Number);
  assert.deepEqual(rising, rising.toSorted((a, b) => a - b));
  assert.equal(await page.locator('#scores-table th[aria-sort="ascending"]').count(), 1);
  await page.getByRole("button", { name: "Class", exact: true }).click();
  assert.deepEqual(await names(), best.toSorted((a, b) => a.localeCompare(b, "en")));

  await page.locator("#confusion-view").selectOption("Pixels");
  const counts = (await page.locator("#confusion-table .cell").allInnerTexts())
    .map((text) => Number(text.replaceAll(",", "")));
  const scored = truth.filter((label) => label !== 255).length;
  assert.equal(counts.reduce((a, b) => a + b, 0), scored);
  const size = Math.sqrt(counts.length);
  const right = counts.filter((_, index) => Math.floor(index / size) === index % size);
  assert.equal(
    right.reduce((a, b) => a + b, 0),
    truth.filter((label, index) => label !== 255 && label === map[index]).length,
  );
});

pageTest("zones sort and filter, and are linked with the map", async (page) => {
  const names = () => page.locator("#zones-table tbody tr:visible th").allInnerTexts();
  assert.deepEqual(await names(), ["Westend", "Eastend"]);
  await page.getByRole("button", { name: "area (ha)" }).click();
  assert.deepEqual(await names(), ["Eastend", "Westend"]);
  await page.locator("#zones-filter").fill("west");
  assert.deepEqual(await names(), ["Westend"]);
  assert.equal(await page.locator("#zones-count").innerText(), "1 of 2 zones");
  await page.locator("#zones-filter").fill("");

  const bar = () => page.locator(".scale-bar i").evaluate((element) => element.style.width);
  const whole = await bar();
  await page.locator("#zones-table tbody tr", { hasText: "Eastend" }).click();
  assert.equal(await page.locator('tr[aria-selected="true"] th').innerText(), "Eastend");
  const near = await bar();
  assert.equal(near === whole, false);

  await page.locator("#map-canvas").scrollIntoViewIfNeeded();
  await page.locator("#zoom-fit").click();
  const place = await placeOf(page, 60, 128);
  await page.mouse.click(place.x, place.y);
  assert.equal(await page.locator('tr[aria-selected="true"] th').innerText(), "Westend");
  await page.locator("#map-canvas").focus();
  await page.keyboard.press("Escape");
  assert.equal(await page.locator('tr[aria-selected="true"]').count(), 0);
});

pageTest("everything is reached by the keyboard", async (page) => {
  const seen = new Set<string>();
  await page.locator("body").press("Home");
  for (let presses = 0; presses < 120; presses++) {
    await page.keyboard.press("Tab");
    seen.add(
      await page.evaluate(() =>
        document.activeElement?.id || document.activeElement?.tagName || ""
      ),
    );
  }
  for (
    const id of [
      "theme",
      "map-layer",
      "map-opacity",
      "map-canvas",
      "zoom-in",
      "legend-all",
      "confusion-view",
      "zones-filter",
    ]
  ) {
    assert.ok(seen.has(id), `${id} among ${[...seen].join(", ")}`);
  }
  const box = page.locator(".classes input").first();
  await box.focus();
  await page.keyboard.press("Space");
  assert.equal(await box.isChecked(), false);
  const row = page.locator("#zones-table tbody tr").first();
  await row.focus();
  await page.keyboard.press("Enter");
  assert.equal(await row.getAttribute("aria-selected"), "true");
});

pageTest("titles are text, curves are drawn, provenance names hashes", async (page) => {
  assert.equal(await page.locator("h1").innerText(), "A <b>report</b>");
  assert.equal(await page.locator(".chart").count(), 3);
  const chart = page.locator(".chart svg").first();
  await chart.scrollIntoViewIfNeeded();
  await chart.hover();
  assert.match(await page.locator(".chart-readout").first().innerText(), /^step 20: training 0\.5/);
  const provenance = await page.locator("#provenance").innerText();
  assert.match(provenance, /swath report map\.tif runs\/first/);
  assert.equal(provenance.match(/\b[0-9a-f]{64}\b/g)?.length, 4);
});

const background = (page: Page) =>
  page.evaluate(() => getComputedStyle(document.body).backgroundColor);

pageTest("light, and dark by its button", async (page) => {
  assert.equal(await background(page), "rgb(246, 246, 242)");
  await page.locator("#theme").click();
  await page.locator("#theme").click();
  assert.equal(await background(page), "rgb(18, 21, 24)");
});

pageTest("dark where the system is", async (page) => {
  assert.equal(await background(page), "rgb(18, 21, 24)");
}, { dark: true });

pageTest("on a phone nothing is wider than the screen, and a tap tells the class", async (page) => {
  const { map, names } = await prepare();
  const widest = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(widest <= 390, String(widest));
  const place = await placeOf(page, 100, 150);
  await page.touchscreen.tap(place.x, place.y);
  await settled(page);
  const text = await readout(page);
  assert.ok(text.includes(`Map: ${names[map[150 * SIZE + 100]!]}`), text);
}, { width: 390, height: 844 });

Deno.test({
  name: "report page: the browser stops",
  ignore: CHROMIUM === null,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await (await browser)?.close();
  },
});
