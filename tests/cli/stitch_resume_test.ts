/**
 * Pipes that are killed at random moments and gone on with end in the bytes of one that was not.
 * `SWATH_KILLS=50` kills so often; a few times otherwise.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { randomStream, readPartialMap } from "swath";
import { withFolder } from "../lib/raster/support.ts";
import { killProcess, runShell, startShell } from "../support/shell.ts";

const KILLS = Number(Deno.env.get("SWATH_KILLS") ?? 8);

/** Who is killed: all at once, or one of the three, which the others notice. */
const VICTIMS = ["all", "tile", "infer", "stitch"] as const;

const HEIGHT = 1800;
const MAKE_SCENE = `
swath synth landcover --size 160x${HEIGHT} --seed 3 --bands B02,B03,B04 -o scene.tif
tiny model model bands=B02,B03,B04 scale=1e-4,1e-4,1e-4 classes=a,b,c,d statistics=yes
mkdir whole killed`;

/** The pipe, each command of which says what its process is. */
const pipe = (folder: string, resume: boolean) =>
  `(echo $BASHPID > tile.pid; exec swath tile scene.tif --size 64 --overlap 16 ${
    resume ? `--resume-from ${folder}/map.tif` : ""
  }) |
(echo $BASHPID > infer.pid; exec swath infer model --threads 1) |
(echo $BASHPID > stitch.pid; exec swath stitch -o ${folder}/map.tif \
  --confidence ${folder}/confidence.tif --probs ${folder}/probs.tif ${resume ? "--resume" : ""})`;

async function hashes(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of ["map.tif", "map.tif.aux.xml", "confidence.tif", "probs.tif"]) {
    const bytes = await Deno.readFile(join(folder, name));
    found[name] = createHash("sha256").update(bytes).digest("hex");
  }
  return found;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

Deno.test(`stitch: killed ${KILLS} times at random moments, the same maps`, async () => {
  await withFolder(async (folder) => {
    const made = await runShell(`${MAKE_SCENE}\n${pipe("whole", false)}`, folder);
    assert.equal(made.code, 0, made.stderr);
    const expected = await hashes(join(folder, "whole"));
    const started = performance.now();
    const timed = await runShell(pipe("killed", true), folder);
    assert.equal(timed.code, 0, timed.stderr);
    let duration = performance.now() - started;
    const random = randomStream(Date.now(), "kills");
    const counts = { kills: 0, finished: 0 };
    const kept: number[] = [];
    const killed = join(folder, "killed");
    for (let runs = 0;; runs++) {
      assert(runs < 10 * KILLS + 10, "it never comes to an end");
      if (await exists(join(killed, "map.tif")) && !await exists(join(killed, "map.tif.partial"))) {
        assert.deepEqual(await hashes(killed), expected);
        counts.finished++;
        if (counts.kills >= KILLS && kept.length > 0) break;
        await Deno.remove(killed, { recursive: true });
        await Deno.mkdir(killed);
      }
      const rows = (await readPartialMap(join(killed, "map.tif")))?.rows ?? 0;
      if (rows > 0) kept.push(rows);
      const begun = performance.now();
      const child = startShell(pipe("killed", true), folder);
      const victim = VICTIMS[random.integer(2 * runs, VICTIMS.length)]!;
      let isKilled = false;
      // What is left takes less time, but for the start.
      const expectedTime = duration * (0.5 + 0.5 * (1 - rows / HEIGHT));
      // Most of the time goes into the start of three processes; the kills are to hit what follows.
      const timer = setTimeout(
        () => {
          const pid = victim === "all"
            ? -child.pid
            : Number(Deno.readTextFileSync(join(folder, `${victim}.pid`)));
          // The file is empty while its shell writes it, and 0 would be the group of this test.
          isKilled = pid !== 0 && killProcess(pid);
        },
        counts.kills < KILLS || kept.length === 0
          ? expectedTime * (0.5 + 0.5 * random.uniform(2 * runs + 1))
          : 60_000,
      );
      const { code, stderr } = await child.output().finally(() => clearTimeout(timer));
      if (isKilled) counts.kills++;
      else assert.equal(code, 0, new TextDecoder().decode(stderr));
      // Machines that do other things too are not always as fast as they were.
      if (!isKilled && rows === 0) duration = performance.now() - begun;
      // Its children may still be ending.
      killProcess(-child.pid);
    }
    const { kills, finished } = counts;
    await Deno.stderr.write(new TextEncoder().encode(
      `${kills} kills: ${kept.length} runs went on below row ${Math.min(...kept)} to ${
        Math.max(...kept)
      } of ${HEIGHT}, ${finished} maps finished, all with the same sha256\n`,
    ));
  });
});
