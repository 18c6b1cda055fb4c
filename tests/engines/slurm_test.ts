/**
 * A map job and a training on a real Slurm, with tasks that are killed in the middle.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { killProcess, ROOT, runShell } from "../support/shell.ts";
import { launchers, sayMissing, SWATH, TINY_MODEL } from "./engine.ts";
import { type Cluster, processesWith, startCluster, waitFor, whyNoCluster } from "./slurm.ts";
import { differences, lossesOf, trainingFiles } from "./training_files.ts";

const SHARDS = 8;
/** Tasks run two at a time, each of four processes that start anew. */
const JOB_SECONDS = 300;

async function swath(cluster: Cluster, folder: string, ...args: string[]) {
  const [program, ...rest] = [...SWATH, ...args];
  const { code, stdout, stderr } = await new Deno.Command(program!, {
    args: rest,
    cwd: folder,
    env: cluster.environment,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  assert.equal(code, 0, decoder.decode(stderr));
  return decoder.decode(stdout) + decoder.decode(stderr);
}

/** Kill a process of a task once it is there; several where the task is to have no chance to say why. */
async function killTask(entries: readonly string[], ...words: string[]): Promise<void> {
  const found = () => words.map((word) => processesWith(entries, word)[0]);
  await waitFor(() => Promise.resolve(found().every((pid) => pid !== undefined)), JOB_SECONDS);
  for (const pid of found()) killProcess(pid!);
}

/**
 * Slurm lets a job that is queued again wait for two minutes; a test waits for seconds. Not less: what the node
 * was allowed to start is revoked to the second, and a job that is back within the same one fails.
 */
const REVOKED_MS = 5000;

/** When each job was first seen to wait, by cluster and number; forgotten when it is let go. */
const waitingSince = new Map<string, number>();

/** Let jobs go that were queued again a while ago. */
async function hurry(cluster: Cluster): Promise<void> {
  const waiting = await cluster.run("squeue", "--noheader", "--array", "--format=%A %r");
  for (const line of waiting.trim().split("\n")) {
    const [job, reason] = line.split(" ");
    if (reason !== "BeginTime") continue;
    const key = `${cluster.environment["SLURM_CONF"]} ${job}`;
    const since = waitingSince.get(key) ?? performance.now();
    waitingSince.set(key, since);
    if (performance.now() - since < REVOKED_MS) continue;
    waitingSince.delete(key);
    await cluster.run("scontrol", "update", `JobId=${job}`, "StartTime=now").catch(() => {});
  }
}

async function queueEmpty(cluster: Cluster): Promise<void> {
  // A job that is being queued again is not listed for a moment.
  let emptyTimes = 0;
  await waitFor(async () => {
    await hurry(cluster);
    emptyTimes = await cluster.run("squeue", "--noheader") === "" ? emptyTimes + 1 : 0;
    return emptyTimes >= 30;
  }, JOB_SECONDS);
}

async function sha256(path: string): Promise<string> {
  return createHash("sha256").update(await Deno.readFile(path)).digest("hex");
}

/** A cluster, or null after saying why there is none. */
async function clusterOrSkip(): Promise<Cluster | null> {
  try {
    return await startCluster();
  } catch (error) {
    sayMissing("Slurm", (error as Error).message);
    return null;
  }
}

const reason = whyNoCluster();
if (reason !== null) sayMissing("Slurm", reason);

Deno.test({
  name: "Slurm: a map job whose tasks are killed gives the bytes of one process",
  ignore: reason !== null,
  async fn(test) {
    await using cluster = await clusterOrSkip();
    if (cluster === null) return;
    const folder = await Deno.makeTempDir({ prefix: "swath-map-" });
    await using _ = { [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
    const { code, stderr } = await runShell(
      `${TINY_MODEL}swath synth landcover --size 384x1280 --seed 3 -o scene.tif -q
echo '{"id": "scene", "files": "scene.tif"}' > scenes.ndjson
swath tile --scenes scenes.ndjson --size 128 --overlap 12.5% -q |
  swath infer model -q --threads 1 | swath stitch -q -o alone.tif`,
      folder,
    );
    assert.equal(code, 0, stderr);
    const job = ["--out", "job", "--scenes", "scenes.ndjson", "--model", "model", "--size", "128"];
    const how = ["--shards", `${SHARDS}`, "--cpus", "1", "--memory", "0", "--time", "30"];
    const submitted = await swath(cluster, folder, "slurm", "map", ...job, ...how);
    assert.match(submitted, /8 shards of 1 scenes/);
    const settings = `JOB=${join(folder, "job/job.env")}`;

    await test.step("a process of a task dies: the task is queued again", async () => {
      await killTask(["SLURM_ARRAY_TASK_ID=2", settings], "infer");
      await waitFor(
        async () => /queued again/.test(await Deno.readTextFile(`${folder}/job/logs/map-2.log`)),
        60,
      );
    });
    await test.step("all of a task dies: the job after it submits the shard again", async () => {
      const all = ["slurm_script", "map_shard.sh", "infer"];
      await killTask(["SLURM_ARRAY_TASK_ID=5", settings], ...all);
    });
    await queueEmpty(cluster);
    const logs = await Array.fromAsync(
      Deno.readDir(`${folder}/job/logs`),
      async ({ name }) => `${name}: ${await Deno.readTextFile(`${folder}/job/logs/${name}`)}`,
    );
    const said = logs.join("\n");
    assert.match(said, /submitted shards 5 again/, said);
    const status = await swath(cluster, folder, "slurm", "status", "--out", "job");
    assert.match(status, /8 of 8 shards finished, 100 % of the rows; 1 of 1 maps/, said);
    const [alone, together] = [`${folder}/alone.tif`, `${folder}/job/maps/scene.tif`];
    assert.equal(await sha256(together), await sha256(alone));
    const jobs = await cluster.run(
      "squeue",
      "--array",
      "--states=all",
      "--sort=i",
      "--format=%.8i %.14j %.10T %.10M %r",
    );
    // deno-lint-ignore no-console
    console.log(`${jobs}\n${status}sha256 ${await sha256(alone)}, as of one process`);
  },
});

Deno.test({
  name: "Slurm: a training of two tasks, one of which is killed, gives the losses of one process",
  ignore: reason !== null || !launchers().some(({ name }) => name === "MPICH"),
  async fn() {
    await using cluster = await clusterOrSkip();
    if (cluster === null) return;
    await using files = await trainingFiles();
    const config = files.file("train.yaml");
    const [alone, together] = [files.file("alone"), files.file("together")];
    await swath(cluster, files.folder, "train", "-q", "--config", config, "--out", alone);
    await cluster.run(
      "sbatch",
      "--ntasks=2",
      "--ntasks-per-node=2",
      `--export=ALL,SWATH=${SWATH.join(" ")}`,
      `--output=${files.file("train.log")}`,
      join(ROOT, "tasks/slurm/train.sbatch"),
      "--config",
      config,
      "--save-every-steps=5",
      "--out",
      together,
    );
    await waitFor(async () => (await lossesOf(together)).length >= 8, JOB_SECONDS);
    const killed = performance.now();
    await killTask(["PMI_RANK=1", `SLURM_CONF=${cluster.environment["SLURM_CONF"]}`], together);
    await waitFor(
      async () => /queued again/.test(await Deno.readTextFile(files.file("train.log"))),
      30,
    );
    const seconds = (performance.now() - killed) / 1000;
    const readLog = () => Deno.readTextFile(files.file("train.log"));
    await waitFor(async () => {
      await hurry(cluster);
      return /going on after step \d+/.test(await readLog());
    }, JOB_SECONDS).catch(async (error) => assert.fail(`${error}\n${await readLog()}`));
    await queueEmpty(cluster);
    const { losses, weights } = await differences(alone, together);
    assert.ok(losses < 1e-5, `losses differ by ${losses}`);
    assert.ok(weights < 1e-5, `weights differ by ${weights}`);
    // deno-lint-ignore no-console
    console.log(`queued again after ${seconds.toFixed(1)} s; losses differ by ${losses}`);
  },
});
