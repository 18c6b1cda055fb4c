/**
 * The shards of a map job by engines other than Slurm, and the script for cron.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { loadAll } from "js-yaml";
import { killProcess, ROOT, runShell, type ShellResult } from "../support/shell.ts";
import { findProgram, sayMissing, SWATH, TINY_MODEL } from "./engine.ts";
import { processesWith, waitFor } from "./slurm.ts";

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "swath-shards-" });
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function runWell(script: string, folder: string): Promise<ShellResult> {
  const result = await runShell(script, folder);
  assert.equal(result.code, 0, result.stderr);
  return result;
}

async function sha256(...path: string[]): Promise<string> {
  return createHash("sha256").update(await Deno.readFile(join(...path))).digest("hex");
}

const PREPARE = `${TINY_MODEL}swath synth landcover --size 256x512 --seed 3 -o a.tif -q
swath synth landcover --size 256 --seed 4 -o b.tif -q
echo '{"id": "a", "files": "a.tif"}' > scenes.ndjson
echo '{"id": "b", "files": "b.tif"}' >> scenes.ndjson
swath tile --scenes scenes.ndjson --size 128 --overlap 12.5% -q |
  swath infer model -q --threads 1 | swath stitch -q -o 'alone-{scene}.tif'
swath slurm map --scenes scenes.ndjson --model model --shards 3 --size 128 --cpus 1 \
  --out job --no-submit
`;

async function assertMapsEqual(folder: string): Promise<void> {
  for (const scene of ["a", "b"]) {
    const alone = await sha256(folder, `alone-${scene}.tif`);
    assert.equal(await sha256(folder, `job/maps/${scene}.tif`), alone);
  }
}

Deno.test("shards by the index of a container job: the bytes of one process; again: nothing is done", async () => {
  await inFolder(async (folder) => {
    await runWell(PREPARE, folder);
    const early = await runShell("JOB=job/job.env bash job/scripts/map_finish.sh", folder);
    assert.equal(early.code, 3);
    assert.match(early.stderr, /shards are not finished: 1,2,3/);
    const all = `export JOB=job/job.env
for index in 0 1 2; do JOB_COMPLETION_INDEX=$index bash job/scripts/map_shard.sh || exit; done
bash job/scripts/map_finish.sh`;
    await runWell(all, folder);
    await assertMapsEqual(folder);
    const again = await runWell(all, folder);
    assert.match(again.stderr, /finished already/);
    const beyond = await runShell("JOB=job/job.env bash job/scripts/map_shard.sh 4", folder);
    assert.equal(beyond.code, 2);
    assert.match(beyond.stderr, /expected 1 to 3/);
  });
});

Deno.test("a shard that is terminated says so, and goes on", async () => {
  await inFolder(async (folder) => {
    await runWell(PREPARE, folder);
    const settings = `JOB=${join(folder, "job/job.env")}`;
    const child = new Deno.Command("bash", {
      args: [join(folder, "job/scripts/map_shard.sh"), "1"],
      env: { JOB: join(folder, "job/job.env") },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await waitFor(() => Promise.resolve(processesWith([settings], "infer").length > 0), 60);
    child.kill("SIGTERM");
    assert.equal((await child.status).code, 75);
    assert.deepEqual(processesWith([settings], "cli/main.ts"), []);
    await runWell(
      `export JOB=job/job.env
for shard in 1 2 3; do bash job/scripts/map_shard.sh $shard || exit; done
bash job/scripts/map_finish.sh`,
      folder,
    );
    await assertMapsEqual(folder);
  });
});

const parallel = findProgram("parallel");
if (parallel === null) sayMissing("GNU parallel", "it is not installed");

Deno.test({
  name: "shards by GNU parallel",
  ignore: parallel === null,
  async fn() {
    await inFolder(async (folder) => {
      await runWell(PREPARE, folder);
      await runWell(
        `export JOB=job/job.env
parallel --jobs 2 --retries 5 bash job/scripts/map_shard.sh ::: 1 2 3 2> /dev/null
bash job/scripts/map_finish.sh`,
        folder,
      );
      await assertMapsEqual(folder);
    });
  },
});

Deno.test("the script for cron: killed at any time, it goes on; a second one leaves", async () => {
  await inFolder(async (folder) => {
    await runWell(
      `${TINY_MODEL}mkdir inbox
swath synth landcover --size 256x512 --seed 3 -o inbox/a.tif -q
swath synth landcover --size 128 --seed 4 -o inbox/b.tif -q
echo damaged > inbox/c.tif
for s in a b; do
  swath tile inbox/$s.tif --size 128 -q | swath infer model -q | swath stitch -q -o $s.tif
done`,
      folder,
    );
    const script = join(ROOT, "tasks/cron/map_new_scenes.sh");
    const args = [script, join(folder, "inbox"), join(folder, "model"), join(folder, "maps")];
    const env = { SWATH: SWATH.join(" "), TILE_OPTIONS: "--size 128", SETTLE: "0", MARK: folder };
    const start = () =>
      new Deno.Command("bash", { args, env, stdin: "null", stdout: "null", stderr: "piped" })
        .spawn();
    const mark = [`MARK=${folder}`];
    const first = start();
    await waitFor(() => Promise.resolve(processesWith(mark, "infer").length > 0), 60);
    // Another one, as cron starts it, has nothing to do.
    const second = await start().output();
    assert.equal(second.code, 0);
    assert.equal(new TextDecoder().decode(second.stderr), "");
    const killed = processesWith(mark, "");
    for (const pid of killed) killProcess(pid);
    await first.output();
    assert.ok(killed.length >= 4, "script, tile, infer and stitch");

    const third = await start().output();
    const said = new TextDecoder().decode(third.stderr);
    // What cannot be read is said, and does not hold up the others.
    assert.equal(third.code, 1, said);
    assert.match(said, /c\.tif/);
    for (const scene of ["a", "b"]) {
      assert.equal(await sha256(folder, `maps/${scene}.tif`), await sha256(folder, `${scene}.tif`));
    }
    await Deno.remove(join(folder, "inbox/c.tif"));
    const fourth = await start().output();
    assert.equal(fourth.code, 0);
    assert.equal(new TextDecoder().decode(fourth.stderr), "", "nothing is new");
  });
});

Deno.test("the Kubernetes jobs are as Kubernetes wants them", async () => {
  const path = join(ROOT, "tasks/container/kubernetes.yaml");
  const jobs: unknown[] = [];
  loadAll(await Deno.readTextFile(path), (job) => jobs.push(job));
  const [map, finish] = jobs as {
    kind: string;
    spec: Record<string, unknown> & {
      template: { spec: { restartPolicy: string; containers: { command: string[] }[] } };
    };
  }[];
  assert.equal(map!.kind, "Job");
  assert.equal(map!.spec["completionMode"], "Indexed");
  // podFailurePolicy and backoffLimitPerIndex hold for pods that are not restarted in place.
  assert.equal(map!.spec.template.spec.restartPolicy, "Never");
  for (const [job, name] of [[map!, "map_shard.sh"], [finish!, "map_finish.sh"]] as const) {
    const script = job.spec.template.spec.containers[0]!.command.at(-1)!;
    assert.ok(script.endsWith(name));
    await Deno.stat(join(ROOT, "tasks/slurm", name));
  }
  const dockerfile = await Deno.readTextFile(join(ROOT, "tasks/container/Dockerfile"));
  for (const [, source] of dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
    for (const name of source!.split(" ")) await Deno.stat(join(ROOT, name));
  }
});
