import assert from "node:assert/strict";
import {
  classesFromNames,
  fitTemperature,
  InputError,
  ndarray,
  randomStream,
  type Sample,
  type StreamItem,
} from "swath";
import { segmentHeader } from "./boundary_support.ts";

const CLASSES = classesFromNames(["a", "b", "c"]);
const SIZE = 96;

/** Logits whose labels are drawn from the softmax of a fraction of them. */
function* streamOf(
  temperature: number,
  kind: "logits" | "probabilities" = "logits",
): Generator<StreamItem> {
  const random = randomStream(1, "labels");
  const logits = ndarray("float32", [3, SIZE, SIZE]);
  for (let i = 0; i < logits.data.length; i++) logits.data[i] = 4 * random.normal(i);
  const label = ndarray("uint8", [SIZE, SIZE]);
  label.data.forEach((_, i) => {
    const shares = CLASSES.map((_, k) => Math.exp(logits.data[k * SIZE * SIZE + i]! / temperature));
    let drawn = random.uniform(1e6 + i) * shares.reduce((a, b) => a + b);
    let k = 0;
    while (k < 2 && (drawn -= shares[k]!) > 0) k++;
    label.data[i] = i % 17 === 0 ? 255 : k;
  });
  const scene = { width: SIZE, height: SIZE };
  const header = { ...segmentHeader(scene, CLASSES), output: { stride: 1, kind, model: "m" } };
  yield { type: "header", header };
  const window = { x: 0, y: 0, ...scene };
  const info = { window, core: window } as unknown as Sample["info"];
  yield { type: "sample", sample: { key: "a", info, arrays: { logits, label } } };
  yield { type: "end", end: { samples: 1, skipped: 0 } };
}

async function* asynchronous(items: Iterable<StreamItem>): AsyncGenerator<StreamItem> {
  yield* items;
}

for (const temperature of [0.3, 1, 2.5]) {
  Deno.test(`temperature: labels of temperature ${temperature} give it back`, async () => {
    const fit = await fitTemperature(asynchronous(streamOf(temperature)));
    assert.ok(Math.abs(fit.temperature / temperature - 1) < 0.05, `${fit.temperature}`);
    assert.ok(fit.after <= fit.before);
    assert.equal(fit.pixels, SIZE * SIZE - Math.ceil(SIZE * SIZE / 17));
  });
}

Deno.test("temperature: the likelihood is smallest there", async () => {
  const { temperature, after } = await fitTemperature(asynchronous(streamOf(2)));
  for (const factor of [0.99, 1.01]) {
    const items = [...streamOf(2)].map((item): StreamItem => {
      if (item.type !== "sample") return item;
      const { logits } = item.sample.arrays;
      const scaled = ndarray("float32", logits!.shape);
      scaled.data.set((logits!.data as Float32Array).map((x) => x / (temperature * factor)));
      return {
        ...item,
        sample: { ...item.sample, arrays: { ...item.sample.arrays, logits: scaled } },
      };
    });
    const { before } = await fitTemperature(asynchronous(items));
    assert.ok(before > after, `${factor}: ${before} ${after}`);
  }
});

Deno.test("temperature: what cannot be fitted", async () => {
  await assert.rejects(
    () => fitTemperature(asynchronous(streamOf(1, "probabilities"))),
    /Cannot fit a temperature to sample "a" as it has probabilities in place of logits/,
  );
  const certain = [...streamOf(1)].map((item): StreamItem => {
    if (item.type !== "sample") return item;
    const { logits, ...rest } = item.sample.arrays;
    const label = ndarray("uint8", [SIZE, SIZE]);
    label.data.forEach((_, i) => {
      const scores = CLASSES.map((_, k) => Number(logits!.data[k * SIZE * SIZE + i]));
      label.data[i] = scores.indexOf(Math.max(...scores));
    });
    return { ...item, sample: { ...item.sample, arrays: { ...rest, logits: logits!, label } } };
  });
  await assert.rejects(
    () => fitTemperature(asynchronous(certain)),
    /the predictions are all right/,
  );
  await assert.rejects(
    () => fitTemperature(asynchronous([])),
    new InputError("Cannot fit a temperature as no pixel has a label and logits"),
  );
});
