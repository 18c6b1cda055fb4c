/**
 * What is kept of a training: the models `best` and `last`, and the state from which it goes on.
 *
 * @module
 */
import { basename, join } from "node:path";
import type { NdArray } from "../array/mod.ts";
import type { MlflowRun } from "./mlflow.ts";
import type { RunRecords } from "./run_records.ts";
import { EMA_SLOT } from "./train_graph.ts";
import type { TrainStep } from "./train_step.ts";
import { modelOf, type TrainingSetup } from "./training_setup.ts";
import type { TrainingPosition } from "./training_state.ts";

/** Saves a training. */
export class Checkpoints {
  readonly #setup: TrainingSetup;
  readonly #records: Pick<RunRecords, "folder" | "mlflow">;
  #savedStep: number | null;

  /**
   * Prepare to save.
   *
   * @param setup The training.
   * @param records Where its models go.
   * @param savedStep Step that the folder holds; null for none.
   */
  constructor(
    setup: TrainingSetup,
    records: Pick<RunRecords, "folder" | "mlflow">,
    savedStep: number | null,
  ) {
    this.#setup = setup;
    this.#records = records;
    this.#savedStep = savedStep;
  }

  /** Step that was saved last; null for none. */
  get savedStep(): number | null {
    return this.#savedStep;
  }

  /** Write the state before the first step, where there is none yet. */
  async begin(step: TrainStep, position: TrainingPosition): Promise<void> {
    if (this.#savedStep === null) await this.#saveState(step, position);
  }

  /** Write `last` and where the training stands. */
  async save(step: TrainStep, position: TrainingPosition): Promise<void> {
    await step.download();
    await step.synchronize();
    const model = modelOf(this.#setup, step.parameters, position.step);
    await this.#records.folder.saveModel("last", model);
    // The state comes last: whenever the process is killed, it speaks of models that are there.
    await this.#saveState(step, position);
    this.#savedStep = position.step;
  }

  /** Write `best`, on the MLflow server too. */
  async saveBest(step: TrainStep, position: TrainingPosition): Promise<void> {
    const { folder, mlflow } = this.#records;
    await folder.saveModel("best", modelOf(this.#setup, evaluated(step), position.step));
    if (mlflow !== null) await uploadModel(mlflow, folder.file("best"));
  }

  async #saveState(
    { parameters, state: optimizer }: TrainStep,
    position: TrainingPosition,
  ): Promise<void> {
    await this.#records.folder.saveState({ position, parameters, optimizer });
  }
}

/** The parameters that are validated: moving averages where there are any. */
export function evaluated({ parameters, state }: TrainStep): ReadonlyMap<string, NdArray> {
  const averages = [...averagesOf(state)]
    .map(([name, array]) => [name.slice(EMA_SLOT.length + 1), array] as const);
  return new Map<string, NdArray>([...parameters, ...averages]);
}

/** The moving averages in an optimizer's state, under its names. */
export function averagesOf(state: ReadonlyMap<string, NdArray>): Map<string, NdArray> {
  return new Map([...state].filter(([name]) => name.startsWith(`${EMA_SLOT}/`)));
}

async function uploadModel(mlflow: MlflowRun, directory: string): Promise<void> {
  for await (const { name, isFile } of Deno.readDir(directory)) {
    if (isFile) await mlflow.uploadFile(join(directory, name), `${basename(directory)}/${name}`);
  }
}
