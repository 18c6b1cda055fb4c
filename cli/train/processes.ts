/**
 * Several processes that one command works in: who speaks, and how all of them end.
 *
 * @module
 */
import {
  broadcastValue,
  type Communicator,
  isKnownToAll,
  type MpiLauncher,
  onFirstProcess,
  openMpi,
  OtherProcessError,
} from "../../mod.ts";
import { endingOf, EXIT, SilentFailure } from "../errors.ts";
import { type CommandIo, writeError } from "../io.ts";

/** What started this process, as far as its environment tells; null where nothing has. */
export function mpiLauncher(env: Pick<Deno.Env, "get"> = Deno.env): MpiLauncher | null {
  const size = (name: string) => Number(env.get(name) ?? 0);
  if (size("OMPI_COMM_WORLD_SIZE") > 0) {
    return { family: "openmpi", size: size("OMPI_COMM_WORLD_SIZE") };
  }
  if (size("PMI_SIZE") > 0) return { family: "mpich", size: size("PMI_SIZE") };
  // srun says how many tasks a step has, and by PMIX_RANK which way it connects them.
  const tasks = size("SLURM_STEP_NUM_TASKS");
  if (tasks === 0) return null;
  return { family: env.get("PMIX_RANK") === undefined ? "mpich" : "openmpi", size: tasks };
}

/**
 * Work in all processes that `mpiexec` or `srun` has started.
 *
 * @param io Standard streams; those of process 0 are used.
 * @param library Name or path of the MPI library.
 * @param work What to do in each process.
 */
export async function inProcesses(
  io: CommandIo,
  library: string | undefined,
  work: (communicator: Communicator, io: CommandIo) => Promise<void>,
): Promise<void> {
  const launcher = mpiLauncher();
  const communicator = openMpi({
    ...(library !== undefined && { library }),
    ...(launcher !== null && { launcher }),
  });
  const { rank, size } = communicator;
  if (size === 1) io.warn("there is one process: start several with mpiexec or srun");
  try {
    await work(communicator, rank === 0 ? io : withoutVoice(io, rank));
  } catch (error) {
    if (error instanceof OtherProcessError) {
      await communicator.close();
      throw new SilentFailure(EXIT.input);
    }
    const isKnown = isKnownToAll(error);
    const program = isKnown || size === 1
      ? "swath train"
      : `swath train: process ${rank} of ${size}`;
    const ending = await endingOf(error, program, Deno.env.get("SWATH_DEBUG") === "1");
    // Before the first process ends: some launchers end the others with it.
    writeError(ending.lines.map((line) => `${line}\n`).join(""));
    if (isKnown) {
      await communicator.close();
      throw new SilentFailure(ending.exitCode);
    }
    // The others wait for this process, and would for ever.
    communicator.abort(ending.exitCode);
    Deno.exit(ending.exitCode);
  }
  await communicator.close();
}

/** What process 0 makes, in all of them. */
export async function fromFirstProcess<T>(
  communicator: Communicator,
  make: () => Promise<T>,
): Promise<T> {
  return await broadcastValue(communicator, await onFirstProcess(communicator, make));
}

/** Processes but the first say nothing, except of what only they see. */
function withoutVoice(io: CommandIo, rank: number): CommandIo {
  return {
    ...io,
    info() {},
    debug() {},
    warn: (message) => io.warn(`process ${rank}: ${message}`),
    progress: () => ({ update() {}, finish() {} }),
    write: () => Promise.resolve(),
  };
}
