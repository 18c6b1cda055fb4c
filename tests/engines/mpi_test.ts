/**
 * `swath train --distributed mpi` under MPI's own launchers.
 */
import assert from "node:assert/strict";
import { once } from "../../lib/once.ts";
import { killProcess } from "../support/shell.ts";
import { type Launcher, launchers, sayMissing, SWATH } from "./engine.ts";
import { differences, lossesOf, trainingFiles } from "./training_files.ts";

const TOLERANCE = 1e-5;
/** A process that dies has ended the others after this. */
const DEATH_SECONDS = 30;

interface Outcome {
  readonly code: number;
  readonly output: string;
}

/** Train in several processes, or in one without a launcher. */
function start(
  launcher: Launcher | null,
  processes: number,
  args: readonly string[],
): Deno.ChildProcess {
  const [program, ...rest] = [
    ...launcher?.command(processes) ?? [],
    ...SWATH,
    "train",
    ...args,
    ...(launcher === null ? [] : ["--distributed", "mpi"]),
  ];
  return new Deno.Command(program!, {
    args: rest,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function outcomeOf(child: Deno.ChildProcess): Promise<Outcome> {
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

async function train(
  launcher: Launcher | null,
  processes: number,
  args: readonly string[],
): Promise<Outcome> {
  return await outcomeOf(start(launcher, processes, args));
}

async function trainWell(...options: Parameters<typeof train>): Promise<void> {
  const { code, output } = await train(...options);
  assert.equal(code, 0, output);
}

/** The process of a rank, found by what its launcher put into its environment. */
async function processOf(run: string, rank: number): Promise<number> {
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const args = (await Deno.readTextFile(`/proc/${name}/cmdline`)).split("\0");
      if (args[0] !== Deno.execPath() || !args.includes(run)) continue;
      const environment = (await Deno.readTextFile(`/proc/${name}/environ`)).split("\0");
      const wanted = [`PMI_RANK=${rank}`, `OMPI_COMM_WORLD_RANK=${rank}`];
      if (wanted.some((entry) => environment.includes(entry))) return Number(name);
    } catch {
      // It has ended.
    }
  }
  throw new Error(`no process ${rank} of ${run}`);
}

/** Wait until a run has taken some steps. */
async function stepsTaken(run: string, steps: number): Promise<void> {
  for (let tries = 0; tries < 6000; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    try {
      if ((await lossesOf(run)).length >= steps) return;
    } catch {
      // Not there, or half a line.
    }
  }
  throw new Error(`${run} has not taken ${steps} steps`);
}

const found = launchers();
if (found.length === 0) sayMissing("MPI", "neither mpiexec.mpich nor mpiexec.openmpi is installed");

/** What all tests have in common. */
interface Prepared {
  /** Options of every training. */
  readonly config: readonly string[];
  /** The run of one process without a launcher. */
  readonly alone: string;
  /** The folder of another run. */
  out(launcher: Launcher, name: string): string;
}

/** Make the files of the training and the run to compare with. */
const prepare = once(async (): Promise<Prepared> => {
  const files = await trainingFiles();
  globalThis.addEventListener("unload", () => Deno.removeSync(files.folder, { recursive: true }));
  const config = ["-q", "--config", files.file("train.yaml")];
  const alone = files.file("alone");
  await trainWell(null, 1, [...config, "--out", alone]);
  assert.equal((await lossesOf(alone)).length, 50);
  return { config, alone, out: (launcher, name) => files.file(`${launcher.name} ${name}`) };
});

for (const launcher of found) {
  Deno.test(`${launcher.name}: 1, 2 and 4 processes give the losses and weights of one`, async () => {
    const { config, alone, out } = await prepare();
    for (const processes of [1, 2, 4]) {
      const run = out(launcher, `${processes}`);
      await trainWell(launcher, processes, [...config, "--out", run]);
      const { losses, weights } = await differences(alone, run);
      assert.ok(losses < TOLERANCE, `losses of ${processes} differ by ${losses}`);
      assert.ok(weights < TOLERANCE, `weights of ${processes} differ by ${weights}`);
    }
  });

  Deno.test(`${launcher.name}: a process that is killed ends the job; another number goes on`, async () => {
    const { config, alone, out } = await prepare();
    const run = out(launcher, "killed");
    const child = start(launcher, 2, [...config, "--save-every-steps", "5", "--out", run]);
    const ended = outcomeOf(child);
    // All 50 steps take less than a second: it is found before it is time.
    await stepsTaken(run, 1);
    const second = await processOf(run, 1);
    await stepsTaken(run, 12);
    const killed = performance.now();
    assert.ok(killProcess(second));
    const { code, output } = await ended;
    assert.notEqual(code, 0);
    assert.ok(performance.now() - killed < DEATH_SECONDS * 1000);
    assert.match(output, /signal 9|process 1 of 2 has died/);
    // The checkpoint is whole, whatever it is of.
    const before = await differences(run, run);
    assert.equal(before.weights, 0);
    await trainWell(launcher, 4, [...config, "--resume", "--out", run]);
    const { losses, weights } = await differences(alone, run);
    assert.ok(losses < TOLERANCE, `losses differ by ${losses}`);
    assert.ok(weights < TOLERANCE, `weights differ by ${weights}`);
  });

  Deno.test(`${launcher.name}: what is wrong is said once`, async () => {
    const { config, out } = await prepare();
    const run = out(launcher, "wrong");
    const cases = [
      [["--batch-size", "5"], /Cannot share a batch of 5 samples among 2 processes/g],
      [["--variant", "b9"], /There is no network "segformer-b9"/g],
      [["--learning-rate", "1e20"], /Cannot go on training as the loss is/g],
    ] as const;
    for (const [args, message] of cases) {
      const { code, output } = await train(launcher, 2, [...config, ...args, "--out", run]);
      assert.notEqual(code, 0);
      assert.equal([...output.matchAll(message)].length, 1, output);
    }
  });
}

Deno.test({
  name: "a library that is not the launcher's is told from a job of one process",
  ignore: found.length < 2,
  async fn() {
    const [mpich] = found;
    const args = ["--mpi-library", "libmpi.so.40", "--out", "run"];
    const { code, output } = await train(mpich!, 2, args);
    assert.notEqual(code, 0);
    assert.match(output, /sees one process, where 2 were started/);
    const missing = await train(null, 1, ["--distributed", "mpi", "--mpi-library", "libno.so"]);
    assert.equal(missing.code, 2);
    assert.match(missing.output, /Cannot use MPI library "libno.so"/);
  },
});
