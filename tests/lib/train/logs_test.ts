import assert from "node:assert/strict";
import { InputError, openEventFile, openMetricsLog, parseMetricsLog } from "swath";
import { crc32c } from "../../../lib/train/crc32c.ts";

async function withFile(body: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(`${folder}/log`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("crc32c: the examples of RFC 3720, B.4", () => {
  const bytes = (value: (i: number) => number) =>
    Uint8Array.from({ length: 32 }, (_, i) => value(i));
  assert.equal(crc32c(bytes(() => 0)), 0x8a9136aa);
  assert.equal(crc32c(bytes(() => 0xff)), 0x62a8ab43);
  assert.equal(crc32c(bytes((i) => i)), 0x46dd794e);
  assert.equal(crc32c(bytes((i) => 31 - i)), 0x113fdb5c);
});

Deno.test("metrics log: torn at any byte, it reads up to the last whole line and goes on", async () => {
  await withFile(async (path) => {
    const records = [
      { step: 1, epoch: 0, train_loss: 0.5, note: "größer" },
      { step: 2, epoch: 0, train_loss: null },
      { step: 2, epoch: 1, val_loss: 1e-7 },
    ];
    {
      using log = await openMetricsLog(path);
      for (const record of records) log.append(record);
    }
    const whole = await Deno.readFile(path);
    assert.deepEqual(parseMetricsLog(new TextDecoder().decode(whole), path), records);
    for (let length = 0; length < whole.length; length++) {
      await Deno.writeFile(path, whole.subarray(0, length));
      const before = parseMetricsLog(await Deno.readTextFile(path), path);
      const lines = whole.subarray(0, length).filter((byte) => byte === 0x0a).length;
      assert.deepEqual(before, records.slice(0, lines));
      {
        using log = await openMetricsLog(path);
        log.append({ step: 9, epoch: 9 });
      }
      const after = parseMetricsLog(await Deno.readTextFile(path), path);
      assert.deepEqual(after, [...before, { step: 9, epoch: 9 }]);
    }
  });
});

Deno.test("metrics log: values that are not finite become null", async () => {
  await withFile(async (path) => {
    {
      using log = await openMetricsLog(path);
      log.append({ step: 0, epoch: 0, loss: NaN });
    }
    assert.equal(await Deno.readTextFile(path), '{"step":0,"epoch":0,"loss":null}\n');
  });
});

Deno.test("metrics log: resuming drops later steps", async () => {
  await withFile(async (path) => {
    {
      using log = await openMetricsLog(path);
      for (const step of [1, 2, 2, 3]) log.append({ step, epoch: 0 });
      assert.throws(() => log.append({ step: 2, epoch: 0 }), RangeError);
    }
    (await openMetricsLog(path, ({ step }) => step <= 2)).close();
    const steps = parseMetricsLog(await Deno.readTextFile(path), path).map(({ step }) => step);
    assert.deepEqual(steps, [1, 2, 2]);
  });
});

Deno.test("metrics log: a damaged line that is not the last is an error", async () => {
  const text = '{"step":1,"epoch":0}\n{"step":\n{"step":3,"epoch":0}\n';
  assert.throws(() => parseMetricsLog(text, "metrics.ndjson"), {
    name: "InputError",
    message: 'Cannot read "metrics.ndjson": line 2 is not a JSON object with "step" and "epoch"',
  });
  await withFile(async (path) => {
    await Deno.writeTextFile(path, text);
    await assert.rejects(openMetricsLog(path), InputError);
    assert.equal(await Deno.readTextFile(path), text);
  });
});

Deno.test("event file: torn at any byte, it goes on as if nothing had happened", async () => {
  await withFile(async (path) => {
    const now = () => 1_700_000_000;
    const write = async (keepUntil: number, steps: readonly number[]) => {
      using events = await openEventFile(path, { now, keepUntil });
      for (const step of steps) events.scalars(step, { loss: 1 / step });
    };
    await write(Infinity, [1, 200, 70_000]);
    const whole = await Deno.readFile(path);
    for (let length = 0; length < whole.length; length++) {
      await Deno.writeFile(path, whole.subarray(0, length));
      await write(0, [1, 200, 70_000]);
      assert.deepEqual(await Deno.readFile(path), whole, `torn at ${length}`);
    }
    await write(200, [70_000]);
    assert.deepEqual(await Deno.readFile(path), whole);
  });
});

Deno.test("event file: another file is left alone", async () => {
  await withFile(async (path) => {
    await Deno.writeTextFile(path, "precious notes of mine");
    await assert.rejects(openEventFile(path), {
      name: "InputError",
      message: `Cannot write ${JSON.stringify(path)}: it is not an event file`,
    });
    assert.equal(await Deno.readTextFile(path), "precious notes of mine");
  });
});

Deno.test("logs: a device or a directory cannot be one", async () => {
  const folder = await Deno.makeTempDir();
  await assert.rejects(openMetricsLog(folder), {
    name: "InputError",
    message: `Cannot write ${JSON.stringify(folder)}: it is a directory`,
  });
  await Deno.remove(folder);
  if (Deno.build.os === "windows") return;
  await assert.rejects(openEventFile("/dev/zero"), {
    name: "InputError",
    message: 'Cannot write "/dev/zero": it is not a regular file',
  });
});
