/**
 * Trainings that are killed at random moments and gone on with end in the bytes of one that was not: a tiny
 * one 20 times, and the one on the real scene, which takes longer, a few times. `SWATH_KILLS=20` kills both
 * so often.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { formatTrainConfig, parseTrainConfig } from "swath";
import { tinyTraining, weightsOf, withFolder } from "../lib/train/training_support.ts";
import {
  cutRealScene,
  HAS_REAL_SCENE,
  REAL_SCENE_RECIPE,
  REAL_SCENE_SETTINGS,
} from "../support/real_scene.ts";
import { killProcess, ROOT } from "../support/shell.ts";

const KILLS = Deno.env.get("SWATH_KILLS");
const TINY_KILLS = Number(KILLS ?? 20);
const REAL_KILLS = Number(KILLS ?? 3);

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

/** Kill trainings as `train.yaml` in the folder describes them so many times in all, and compare. */
async function assertSurvives(folder: string, times: number): Promise<void> {
  const started = performance.now();
  assert.ok((await startTraining(folder, `${folder}/whole`).output()).success);
  const duration = performance.now() - started;
  const out = `${folder}/killed`;
  let kills = 0;
  for (let runs = 0;; runs++) {
    assert.ok(runs < 10 * times + 10, "it never comes to an end");
    const child = startTraining(folder, out);
    // Most of the time of a short training goes into its start; the kills are to hit what follows.
    const timer = setTimeout(
      () => killProcess(child.pid),
      kills < times ? duration * (0.3 + 0.7 * Math.random()) : 600_000,
    );
    const { success, signal, stderr } = await child.output().finally(() => clearTimeout(timer));
    if (success) {
      // The training was over before enough kills: a new one takes the rest.
      assert.deepEqual(await weightsOf(out), await weightsOf(`${folder}/whole`));
      if (kills >= times) break;
      await Deno.remove(out, { recursive: true });
      continue;
    }
    assert.equal(signal, "SIGKILL", new TextDecoder().decode(stderr));
    kills++;
  }
  const left = await Array.fromAsync(Deno.readDir(out), ({ name }) => name);
  assert.deepEqual(left.filter((name) => name.endsWith(".tmp")), []);
}

Deno.test(`train: killed ${TINY_KILLS} times at random moments, the same weights`, async () => {
  await withFolder(async (folder) => {
    const config = await tinyTraining(folder, {
      epochs: 8,
      ema: 0.9,
      schedule: "one_cycle",
      save: { every_steps: 1 },
    });
    await Deno.writeTextFile(`${folder}/train.yaml`, formatTrainConfig(config));
    await assertSurvives(folder, TINY_KILLS);
  });
});

const note = HAS_REAL_SCENE ? "" : " (skipped: no ../shared/data)";
Deno.test({
  name: `train: on a real scene, killed ${REAL_KILLS} times, the same weights${note}`,
  ignore: !HAS_REAL_SCENE,
  fn: () =>
    withFolder(async (folder) => {
      await cutRealScene(folder);
      const config = parseTrainConfig({
        ...REAL_SCENE_RECIPE,
        settings: REAL_SCENE_SETTINGS,
        train: `${folder}/train.tar`,
        val: `${folder}/val.tar`,
        epochs: 3,
        schedule: "one_cycle",
        device: "cpu",
        save: { monitor: "val_miou", mode: "max", every_steps: 3 },
      });
      await Deno.writeTextFile(`${folder}/train.yaml`, formatTrainConfig(config));
      await assertSurvives(folder, REAL_KILLS);
    }),
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
