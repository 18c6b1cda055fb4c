/**
 * The folder of a run: configuration, logs, models, and where the training stands. Each of its files
 * changes in one instant; a process that is killed leaves the old one or the new one.
 *
 * @module
 */
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { statOrNull, withFileErrors, writeFileAtomic } from "../files/mod.ts";
import { type SavedModel, saveModel, writeSafetensors } from "../weights/mod.ts";
import { readTrainingState, type TrainingState, writeTrainingState } from "./training_state.ts";

/** Names of what a run's folder holds. */
export const RUN_FILES = {
  /** The configuration in effect. */
  config: "config.yaml",
  /** Metrics of every step and epoch. */
  metrics: "metrics.ndjson",
  /** The same for TensorBoard. */
  events: "events.out.tfevents.swath",
  /** Where the training stands. */
  state: "state.safetensors",
  /** Model directory of the best epoch. */
  best: "best",
  /** Model directory of the last step that was saved. */
  last: "last",
  /** Held while a training runs. */
  lock: ".lock",
  /** Locks of the processes that train together. */
  processes: ".processes",
} as const;

/** Files of a model whose weights alone change in a run. */
const WEIGHTS = "model.safetensors";

/** Options of {@linkcode openRunFolder}. */
export interface RunFolderOptions {
  /** Go on with the run that the folder holds, if it holds one. */
  readonly resume: boolean;
  /** Remove the run that the folder holds. */
  readonly overwrite: boolean;
}

/** The open folder of a run, which no other training can open meanwhile. */
export interface RunFolder extends Disposable {
  /** Its path. */
  readonly path: string;
  /** Where the run stands that is to be gone on with; null where it begins. */
  readonly state: TrainingState | null;
  /** Path of a file in it. */
  file(name: keyof typeof RUN_FILES): string;
  /** Write the configuration in effect. */
  saveConfig(yaml: string): Promise<void>;
  /**
   * Write a model: all of it the first time, then its weights.
   *
   * @param name Which one.
   * @param model The model; all but its weights stays the same throughout a run.
   */
  saveModel(name: "best" | "last", model: SavedModel): Promise<void>;
  /** Write where the training stands. */
  saveState(state: TrainingState): Promise<void>;
}

/**
 * Open the folder of a run; it is made where it is missing.
 *
 * @param path The folder.
 * @param options What to do with a run that it holds.
 * @throws {InputError} If it holds a run and may neither be gone on with nor replaced, another training
 * uses it, or it holds what is no run.
 */
export async function openRunFolder(path: string, options: RunFolderOptions): Promise<RunFolder> {
  const { resume, overwrite } = options;
  const file = (name: keyof typeof RUN_FILES) => join(path, RUN_FILES[name]);
  await withFileErrors("create", path, () => Deno.mkdir(path, { recursive: true }));
  const lock = await lockFile(file("lock"), path);
  try {
    const names = await Array.fromAsync(Deno.readDir(path), ({ name }) => name);
    const locks: readonly string[] = [RUN_FILES.lock, RUN_FILES.processes];
    const run = names.filter((name) => !locks.includes(name) && !isLeftover(name));
    const known: readonly string[] = Object.values(RUN_FILES);
    const foreign = run.sort().find((name) => !known.includes(name));
    if (foreign !== undefined && !resume) {
      throw new InputError(
        `Cannot train into ${JSON.stringify(path)} as it holds ${JSON.stringify(foreign)}`,
        { hint: "Choose another folder with --out" },
      );
    }
    if (run.length > 0 && !resume && !overwrite) {
      throw new InputError(`Cannot train into ${JSON.stringify(path)} as it holds a run`, {
        hint: "Go on with it by --resume, or replace it by --overwrite",
      });
    }
    // What a process that was killed has left.
    await removeAll(path, names.filter(isLeftover));
    for (const model of ["best", "last"] as const) {
      if (!names.includes(RUN_FILES[model])) continue;
      const inside = await Array.fromAsync(Deno.readDir(file(model)), ({ name }) => name);
      await removeAll(file(model), inside.filter(isLeftover));
    }
    const state = resume ? await readTrainingState(file("state")) : null;
    const models = run.filter((name) => name === RUN_FILES.best || name === RUN_FILES.last);
    if (resume && state === null && models.length > 0) {
      throw new InputError(
        `Cannot go on with the run in ${JSON.stringify(path)} as ${RUN_FILES.state} is missing`,
        { hint: `Start a new one from its model: --checkpoint ${join(path, models[0]!)}` },
      );
    }
    // A run that was killed before it wrote its state has not begun.
    if (state === null) await removeAll(path, run.filter((name) => known.includes(name)));
    return new LockedFolder(path, state, file, lock);
  } catch (error) {
    lock.close();
    throw error;
  }
}

class LockedFolder implements RunFolder {
  readonly path: string;
  readonly state: TrainingState | null;
  readonly file: RunFolder["file"];
  readonly #lock: Deno.FsFile;
  #open = true;

  constructor(
    path: string,
    state: TrainingState | null,
    file: RunFolder["file"],
    lock: Deno.FsFile,
  ) {
    this.path = path;
    this.state = state;
    this.file = file;
    this.#lock = lock;
  }

  async saveConfig(yaml: string): Promise<void> {
    await writeFileAtomic(this.file("config"), yaml, { overwrite: true });
  }

  async saveModel(name: "best" | "last", model: SavedModel): Promise<void> {
    const directory = this.file(name);
    // A directory cannot be replaced in one instant, but a file can.
    if ((await statOrNull(directory))?.isDirectory) {
      await writeSafetensors(join(directory, WEIGHTS), model.tensors, { overwrite: true });
    } else {
      await saveModel(directory, model);
    }
  }

  async saveState(state: TrainingState): Promise<void> {
    await writeTrainingState(this.file("state"), state);
  }

  [Symbol.dispose](): void {
    // The system lets go of the lock with the file, also when the process is killed.
    if (this.#open) this.#lock.close();
    this.#open = false;
  }
}

/** Take the lock of a folder; the system releases it when the process ends, however it does. */
async function lockFile(path: string, folder: string): Promise<Deno.FsFile> {
  const file = await withFileErrors(
    "write",
    path,
    () => Deno.open(path, { write: true, create: true }),
  );
  if (await file.tryLock(true)) return file;
  file.close();
  throw new InputError(
    `Cannot train into ${JSON.stringify(folder)} as another training uses it right now`,
  );
}

/** Temporary files of `lib/files`. */
function isLeftover(name: string): boolean {
  return name.startsWith(".swath-") && name.endsWith(".tmp");
}

async function removeAll(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const path = join(folder, name);
    await withFileErrors("remove", path, () => Deno.remove(path, { recursive: true }));
  }
}
