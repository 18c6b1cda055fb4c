/**
 * Talking to Slurm: submitting jobs, and asking how they are.
 *
 * @module
 */
import { CommandError } from "../errors.ts";

/**
 * Submit a job.
 *
 * @param args Arguments of `sbatch`.
 * @returns The job's number.
 * @throws {CommandError} If there is no Slurm, or it refuses.
 */
export async function submit(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await call("sbatch", ["--parsable", ...args]);
  // With several clusters, the number is followed by the cluster's name.
  const [number = ""] = stdout.trim().split(";");
  if (code === 0 && /^\d+$/.test(number)) return number;
  throw new CommandError(`Slurm has not taken the job: ${stderr.trim() || `exit code ${code}`}`);
}

/** Refuse to go on where there is no Slurm. */
export async function requireSlurm(): Promise<void> {
  await call("sbatch", ["--version"]);
}

/** States of tasks that Slurm still has, by array index; those of whole jobs under 0. Null without Slurm. */
export async function queueStates(
  jobs: readonly string[],
): Promise<ReadonlyMap<number, string> | null> {
  if (jobs.length === 0) return new Map();
  try {
    const format = ["--noheader", "--array", "--format=%K %T", `--jobs=${jobs.join(",")}`];
    const { code, stdout } = await call("squeue", format);
    if (code !== 0) return new Map();
    return new Map(
      stdout.trim().split("\n").filter((line) => line !== "").map((line) => {
        const [index = "", state = ""] = line.trim().split(/\s+/);
        return [Number(index) || 0, state.toLowerCase()];
      }),
    );
  } catch {
    return null;
  }
}

async function call(program: string, args: readonly string[]) {
  try {
    const { code, stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new CommandError(
      `There is no Slurm on this machine: ${program} is not on PATH`,
      "See what would be submitted with --dry-run, or run the shards by another engine: docs/scaling.md",
    );
  }
}
