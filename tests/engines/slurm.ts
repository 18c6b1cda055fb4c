/**
 * A Slurm cluster of one machine, for tests: munged, slurmctld and slurmd on loopback, with everything that
 * they write in a temporary folder.
 */
import { join } from "node:path";
import { findProgram } from "./engine.ts";

/** A cluster that runs. */
export interface Cluster extends AsyncDisposable {
  /** Variables that Slurm's commands need. */
  readonly environment: Readonly<Record<string, string>>;
  /** Run one of Slurm's commands; its standard output. */
  run(program: string, ...args: string[]): Promise<string>;
}

/** Programs that a cluster is made of. */
const PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol"];
/** A cluster that has not come up by then will not. */
const START_SECONDS = 30;

/** Why there can be no cluster here; null if there may be one. */
export function whyNoCluster(): string | null {
  if (Deno.build.os !== "linux") return "Slurm runs on Linux";
  const missing = PROGRAMS.filter((name) => findProgram(name) === null);
  if (missing.length > 0) return `${missing.join(", ")} missing; install slurm-wlm and munge`;
  return Deno.uid() === 0 ? null : "slurmd has to be started by root";
}

/**
 * Start a cluster.
 *
 * @throws {Error} If it does not come up; the message has what the daemons said.
 */
export async function startCluster(): Promise<Cluster> {
  const folder = await Deno.makeTempDir({ prefix: "swath-slurm-" });
  await Deno.chmod(folder, 0o755);
  const file = (name: string) => join(folder, name);
  for (const name of ["munge", "state", "spool"]) await Deno.mkdir(file(name));
  await Deno.writeFile(file("munge/key"), crypto.getRandomValues(new Uint8Array(128)), {
    mode: 0o600,
  });
  await Deno.writeTextFile(file("slurm.conf"), configuration(folder));
  const environment = { SLURM_CONF: file("slurm.conf") };
  const run = async (program: string, ...args: string[]) => {
    const path = findProgram(program)!;
    const { success, stdout, stderr } = await new Deno.Command(path, {
      args,
      env: environment,
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    if (success) return decoder.decode(stdout);
    throw new Error(`${program} ${args.join(" ")}: ${decoder.decode(stderr) || "failed"}`);
  };
  const cluster: Cluster = {
    environment,
    run,
    async [Symbol.asyncDispose]() {
      await run("scancel", "--user=root").catch(() => {});
      await waitFor(async () => await run("squeue", "--noheader") === "", 20).catch(() => {});
      await run("scontrol", "shutdown").catch(() => {});
      for (const name of ["slurmd.pid", "slurmctld.pid", "munge/pid"]) await end(file(name));
      await Deno.remove(folder, { recursive: true });
    },
  };
  try {
    await run(
      "munged",
      "--force",
      `--socket=${file("munge/socket")}`,
      `--key-file=${file("munge/key")}`,
      `--pid-file=${file("munge/pid")}`,
      `--log-file=${file("munge/log")}`,
      `--seed-file=${file("munge/seed")}`,
    );
    await run("slurmctld");
    await run("slurmd");
    await waitFor(
      async () => (await run("sinfo", "--noheader", "--format=%t")).trim() === "idle",
      START_SECONDS,
    );
    return cluster;
  } catch (error) {
    const said = await Promise.all(
      ["munge/log", "slurmctld.log", "slurmd.log"].map(async (name) => {
        const text = await Deno.readTextFile(file(name)).catch(() => "");
        return text.split("\n").filter((line) => /error|fatal/i.test(line)).slice(-2).join("; ");
      }),
    );
    await cluster[Symbol.asyncDispose]();
    const reasons = said.filter((text) => text !== "").join("; ");
    throw new Error(`the daemons do not come up: ${(error as Error).message.trim()} ${reasons}`);
  }
}

function configuration(folder: string): string {
  const host = Deno.hostname().split(".")[0]!;
  // Ports that nobody listens at.
  const [controller, node] = [freePort(), freePort()];
  return `ClusterName=swath
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${controller}
SlurmdPort=${node}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=${folder}/munge/socket
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobRequeue=1
MpiDefault=pmi2
ReturnToService=2
NodeName=${host} NodeAddr=127.0.0.1 CPUs=2
PartitionName=all Nodes=${host} Default=YES MaxTime=INFINITE State=UP
`;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** End the process whose number a file holds. */
async function end(pidFile: string): Promise<void> {
  try {
    const pid = Number(await Deno.readTextFile(pidFile));
    Deno.kill(pid, "SIGTERM");
    await waitFor(() => Promise.resolve(!isAlive(pid)), 10);
  } catch {
    // It has ended.
  }
}

function isAlive(pid: number): boolean {
  try {
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch {
    return false;
  }
}

/** Ask until something holds. */
export async function waitFor(holds: () => Promise<boolean>, seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    if (await holds().catch(() => false)) return;
    if (performance.now() > end) throw new Error(`not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Processes of a job whose environment has all of some entries and whose arguments have a word. */
export function processesWith(entries: readonly string[], word: string): number[] {
  const found: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const environment = Deno.readTextFileSync(`/proc/${name}/environ`).split("\0");
      const args = Deno.readTextFileSync(`/proc/${name}/cmdline`).split("\0");
      if (!entries.every((entry) => environment.includes(entry))) continue;
      if (args.some((argument) => argument.includes(word))) found.push(Number(name));
    } catch {
      // It has ended.
    }
  }
  return found;
}
