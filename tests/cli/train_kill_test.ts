/**
 * Trainings that are killed at random moments and gone on with end in the bytes of one that was not.
 * `SWATH_KILLS=20` kills so often; a few times otherwise.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { formatTrainConfig } from "swath";
import { tinyTraining, weightsOf, withFolder } from "../lib/train/training_support.ts";
import { ROOT } from "../support/shell.ts";

const KILLS = Number(Deno.env.get("SWATH_KILLS") ?? 3);

/** Start `swath train` with the configuration of the folder. */
function startTraining(folder: string, out: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", join(ROOT, "cli/main.ts"), "train", "--quiet", "--resume"]
      .concat(["--config", `${folder}/train.yaml`, "--out", out]),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
}

Deno.test(`train: killed ${KILLS} times at random moments, the same weights`, async () => {
  await withFolder(async (folder) => {
    const config = await tinyTraining(folder, {
      epochs: 8,
      ema: 0.9,
      schedule: "one_cycle",
      save: { every_steps: 1 },
    });
    await Deno.writeTextFile(`${folder}/train.yaml`, formatTrainConfig(config));
    const started = performance.now();
    assert.ok((await startTraining(folder, `${folder}/whole`).output()).success);
    const duration = performance.now() - started;
    const out = `${folder}/killed`;
    let kills = 0;
    for (let runs = 0;; runs++) {
      assert.ok(runs < 10 * KILLS + 10, "it never comes to an end");
      const child = startTraining(folder, out);
      // Most of the time of a short training goes into its start; the kills are to hit what follows.
      const timer = setTimeout(
        () => child.kill("SIGKILL"),
        kills < KILLS ? duration * (0.3 + 0.7 * Math.random()) : 60_000,
      );
      const { success, signal, stderr } = await child.output().finally(() => clearTimeout(timer));
      if (success) {
        // The training was over before enough kills: a new one takes the rest.
        assert.deepEqual(await weightsOf(out), await weightsOf(`${folder}/whole`));
        if (kills >= KILLS) break;
        await Deno.remove(out, { recursive: true });
        continue;
      }
      assert.equal(signal, "SIGKILL", new TextDecoder().decode(stderr));
      kills++;
    }
    const left = await Array.fromAsync(Deno.readDir(out), ({ name }) => name);
    assert.deepEqual(left.filter((name) => name.endsWith(".tmp")), []);
  });
});

Deno.test("train: SIGINT saves and exits with 130 within two seconds", async () => {
  await withFolder(async (folder) => {
    const config = await tinyTraining(folder, { epochs: 10_000 });
    await Deno.writeTextFile(`${folder}/train.yaml`, formatTrainConfig(config));
    const child = startTraining(folder, `${folder}/run`);
    while (!await hasSteps(`${folder}/run/metrics.ndjson`)) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const asked = performance.now();
    child.kill("SIGINT");
    const { code, stderr } = await child.output();
    assert.equal(code, 130, new TextDecoder().decode(stderr));
    assert.ok(performance.now() - asked < 2000);
    const state = await Deno.stat(`${folder}/run/state.safetensors`);
    assert.ok(state.mtime!.getTime() > Date.now() - 5000);
  });
});

async function hasSteps(path: string): Promise<boolean> {
  try {
    return (await Deno.readTextFile(path)).split("\n").length > 5;
  } catch {
    return false;
  }
}
