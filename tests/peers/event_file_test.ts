/** TensorBoard event files as TensorBoard's own reader sees them. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { openEventFile } from "swath";
import { peerTest, runPythonJson } from "./python.ts";

interface Read {
  readonly scalars: Readonly<Record<string, [step: number, value: string, wallTime: number][]>>;
  readonly texts: Readonly<Record<string, [step: number, text: string][]>>;
  readonly images: Readonly<Record<string, [number, number, number, string][]>>;
}

async function withEvents(body: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(`${folder}/events.out.tfevents.swath`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

peerTest("TensorBoard reads scalars, texts and images back", ["tensorboard"], async () => {
  await withEvents(async (path) => {
    const losses = Array.from({ length: 300 }, (_, step) => Math.fround(Math.exp(-step / 40)));
    let seconds = 1_700_000_000.25;
    const text = "| key | value |\n|---|---|\n| *größe* | `1e-3` |\n";
    const png = Uint8Array.from({ length: 400 }, (_, i) => i & 0xff);
    {
      using events = await openEventFile(path, { now: () => seconds++ });
      losses.forEach((loss, step) =>
        events.scalars(step * 1000, { "loss/train": loss, none: null })
      );
      events.scalars(2 ** 40, { "loss/val": NaN, "val/mIoU": 0.5 });
      events.text(0, "config", text);
      events.image(7, "map", { width: 5, height: 3, png });
    }
    const { scalars, texts, images } = await runPythonJson<Read>("event_file.py", [path]);
    assert.deepEqual(Object.keys(scalars).sort(), ["loss/train", "loss/val", "val/mIoU"]);
    assert.deepEqual(
      scalars["loss/train"]!.map(([step, value, time]) => [step, Number(value), time]),
      losses.map((loss, step) => [step * 1000, loss, 1_700_000_001.25 + step]),
    );
    assert.deepEqual(scalars["loss/val"]!.map(([step, value]) => [step, value]), [[
      2 ** 40,
      "nan",
    ]]);
    assert.deepEqual(texts, { config: [[0, text]] });
    const digest = createHash("sha256").update(png).digest("hex");
    assert.deepEqual(images, { map: [[7, 5, 3, digest]] });
  });
});

peerTest("TensorBoard reads a file that was torn and went on", ["tensorboard"], async () => {
  await withEvents(async (path) => {
    {
      using events = await openEventFile(path);
      for (const step of [1, 2, 3]) events.scalars(step, { loss: step });
    }
    const whole = await Deno.readFile(path);
    await Deno.writeFile(path, whole.subarray(0, whole.length - 3));
    {
      using events = await openEventFile(path, { keepUntil: 1 });
      for (const step of [2, 3, 4]) events.scalars(step, { loss: 10 * step });
    }
    const { scalars } = await runPythonJson<Read>("event_file.py", [path]);
    assert.deepEqual(
      scalars["loss"]!.map(([step, value]) => [step, Number(value)]),
      [[1, 1], [2, 20], [3, 30], [4, 40]],
    );
  });
});
