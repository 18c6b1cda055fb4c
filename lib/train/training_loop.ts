/**
 * The loop of a training: steps, the end of each epoch, and what a signal does.
 *
 * @module
 */
import { broadcastValue, knownToAll, OtherProcessError } from "../distributed/mod.ts";
import { InputError } from "../errors.ts";
import type { BatchLoader } from "./batch_loader.ts";
import { partsOfBatch, type PreparedBatch } from "./batches.ts";
import { averagesOf, Checkpoints, evaluated } from "./checkpoints.ts";
import { shouldStop } from "./early_stopping.ts";
import { collapseWarnings, epochMetrics } from "./epoch_metrics.ts";
import type { Metrics } from "./monitor.ts";
import type { RunRecords } from "./run_records.ts";
import { scheduleValues } from "./schedules.ts";
import type { TrainConfig } from "./train_config.ts";
import type { TrainOptions, TrainResult } from "./train_reports.ts";
import { createTrainStep, type TrainStep } from "./train_step.ts";
import { afterEpoch, afterStep, withSeconds } from "./training_position.ts";
import { stepOptions, type TrainingSetup } from "./training_setup.ts";
import type { TrainingPosition } from "./training_state.ts";
import type { Validator } from "./validation.ts";

/** What a training works with. */
export interface TrainingParts extends RunRecords {
  /** The set-up. */
  readonly setup: TrainingSetup;
  /** Where reports go, and the signals. */
  readonly options: TrainOptions;
  /** Batches. */
  readonly loader: BatchLoader;
  /** Validates. */
  readonly validator: Validator;
}

/** Where a training begins or goes on. */
export interface TrainingStart {
  /** The position. */
  readonly position: TrainingPosition;
  /** True if the run has a state to go on from. */
  readonly isResumed: boolean;
}

/** A training that is going on. */
export class Training {
  /** Where it stands. */
  position: TrainingPosition;
  readonly #parts: TrainingParts;
  #step: TrainStep | null = null;
  #isEncoderFrozen = false;
  readonly #checkpoints: Checkpoints;
  /** True once any of the processes was asked to stop. */
  #isStopping = false;

  /** Prepare to train. */
  constructor(parts: TrainingParts, { position, isResumed }: TrainingStart) {
    this.#parts = parts;
    this.position = position;
    this.#checkpoints = new Checkpoints(parts.setup, parts, isResumed ? position.step : null);
  }

  /**
   * Train to the end, or until a signal comes.
   *
   * @returns How it ended.
   * @throws {InputError} If the training diverges.
   */
  async run(): Promise<TrainResult["status"]> {
    const { setup, options, loader, mlflow } = this.#parts;
    await this.#begin();
    options.onStart?.({ setup, step: this.position.step, mlflowUrl: mlflow?.url ?? null });
    const batches = loader.batches(this.position.step, setup.totalSteps);
    options.dropSignal?.addEventListener("abort", () => this.#step?.interrupt(), { once: true });
    while (!this.#isComplete() && !this.#shouldStop()) {
      let isWhole: boolean;
      try {
        isWhole = await this.#trainEpoch(batches);
      } catch (error) {
        if (!options.dropSignal?.aborted) throw error;
        this.position = { ...this.position, step: this.#checkpoints.savedStep ?? 0 };
        return "interrupted";
      }
      const metrics = isWhole ? await this.#validate() : null;
      if (metrics === null) {
        await this.#save();
        return "interrupted";
      }
      await this.#finishEpoch(metrics);
    }
    return this.#isComplete() ? "finished" : "stopped";
  }

  /** Free the runtime's memory. */
  async release(): Promise<void> {
    await this.#step?.release();
  }

  /** Load the network as it is at the position. */
  async #begin(): Promise<void> {
    const { setup, folder } = this.#parts;
    this.#isEncoderFrozen = isEncoderFrozen(setup.config, this.position.epoch);
    this.#step = await createTrainStep(stepOptions(setup, this.#isEncoderFrozen));
    if (folder.state !== null) {
      this.#step.load(folder.state.parameters, folder.state.optimizer);
    } else if (isFirst(setup.communicator)) {
      this.#step.load(setup.network.parameters);
    }
    await this.#step.synchronize();
    await this.#checkpoints.begin(this.#step, this.position);
  }

  /** Let the encoder learn from its epoch on. The optimizer begins anew, as there is more to optimize. */
  async #unfreeze(): Promise<void> {
    const { setup } = this.#parts;
    if (!this.#isEncoderFrozen || isEncoderFrozen(setup.config, this.position.epoch)) return;
    this.#isEncoderFrozen = false;
    const before = this.#step!;
    await before.download();
    this.#step = await createTrainStep(stepOptions(setup, false));
    this.#step.load(before.parameters, averagesOf(before.state));
    await before.release();
    this.position = { ...this.position, optimizerStart: this.position.step };
  }

  /** Take the steps that the epoch has left; false if the signal came. */
  async #trainEpoch(batches: AsyncGenerator<PreparedBatch, void, undefined>): Promise<boolean> {
    const { setup, options, loader } = this.#parts;
    const { epoch } = this.position;
    const end = Math.min((epoch + 1) * setup.stepsPerEpoch, setup.totalSteps);
    const { everySteps } = setup.config.save;
    while (this.position.step < end) {
      // Several processes stop after the same step: that in which they have told one another.
      if (setup.communicator === null && options.signal?.aborted) return false;
      if (this.#isStopping) return false;
      const started = performance.now();
      const waited = loader.waitSeconds;
      const { value: batch } = await batches.next();
      await this.#takeStep(batch!);
      const seconds = (performance.now() - started) / 1000;
      this.position = withSeconds(this.position, seconds, loader.waitSeconds - waited);
      const { step } = this.position;
      // At the end of an epoch, everything is saved once it is validated.
      if (everySteps !== null && step % everySteps === 0 && step < end) await this.#save();
    }
    return true;
  }

  async #takeStep(batch: PreparedBatch): Promise<void> {
    const { setup: { config, totalSteps }, options, metrics, events } = this.#parts;
    const { step: before, epoch, optimizerStart, plateau } = this.position;
    const { learningRate, momentum } = scheduleValues(config.schedule, {
      learningRate: config.learningRate,
      step: before,
      totalSteps,
      plateau,
    });
    const parts = partsOfBatch(batch, config.accumulate);
    const { loss, gradientNorm, stop } = await this.#step!.run(parts, {
      step: before - optimizerStart + 1,
      learningRate,
      momentum,
      stop: options.signal?.aborted ?? false,
    });
    this.#isStopping = stop;
    const step = before + 1;
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
      throw this.#divergence("loss", loss, step, learningRate);
    }
    this.position = afterStep(this.position, { loss, gradientNorm });
    const values = { loss, learning_rate: learningRate, gradient_norm: gradientNorm };
    metrics.append({ step, epoch, ...values });
    events.scalars(step, tagged("step", values));
    options.onStep?.({ step, totalSteps, epoch, loss, gradientNorm, learningRate });
  }

  /** Metrics of the epoch; null if the signal came. */
  async #validate(): Promise<Metrics | null> {
    const { setup, options, validator } = this.#parts;
    const { config, data, totalSteps, trainPlan, communicator } = setup;
    await this.#step!.download();
    const validation = await validator.run(evaluated(this.#step!), {
      ...(communicator !== null && { communicator }),
      ...(options.signal !== undefined && { signal: options.signal }),
      ...(options.onValidation !== undefined && { onProgress: options.onValidation }),
    });
    if (validation === null) return null;
    const { step, plateau, sums } = this.position;
    const { learningRate } = scheduleValues(config.schedule, {
      learningRate: config.learningRate,
      step: step - 1,
      // A run that goes on may be told to end earlier than it already is.
      totalSteps: Math.max(totalSteps, step),
      plateau,
    });
    if (validation.loss !== null && !Number.isFinite(validation.loss)) {
      throw this.#divergence("validation loss", validation.loss, step, learningRate);
    }
    for (const message of collapseWarnings(validation, data.classes, config.watch)) {
      options.warn?.(message);
    }
    return epochMetrics(
      {
        sums,
        validation,
        learningRate,
        samplesPerStep: trainPlan.batchSize,
        memory: Deno.memoryUsage().rss,
      },
      data.classes,
      config.watch,
    );
  }

  /** Log, decide what is best, and save. */
  async #finishEpoch(metrics: Metrics): Promise<void> {
    const { setup, options, metrics: log, events, mlflow } = this.#parts;
    const { step, epoch } = this.position;
    log.append({ step, epoch, ...metrics });
    events.scalars(step, tagged("epoch", metrics));
    mlflow?.logMetrics(step, metrics);
    const next = afterEpoch(setup.config, this.position, metrics);
    // What was decided must be the same everywhere, down to the last digit of a sum.
    this.position = await shared(setup, next);
    const isBest = this.position.best?.epoch === epoch;
    if (isBest) await this.#checkpoints.saveBest(this.#step!, this.position);
    await this.#unfreeze();
    await this.#save();
    const epochs = Math.ceil(setup.totalSteps / setup.stepsPerEpoch);
    options.onEpoch?.({ epoch, epochs, step, metrics, isBest });
  }

  async #save(): Promise<void> {
    await this.#checkpoints.save(this.#step!, this.position);
  }

  #isComplete(): boolean {
    const { stepsPerEpoch, totalSteps } = this.#parts.setup;
    return this.position.epoch >= Math.ceil(totalSteps / stepsPerEpoch);
  }

  #shouldStop(): boolean {
    const { earlyStopping } = this.#parts.setup.config;
    return earlyStopping !== null && shouldStop(earlyStopping, this.position.earlyStopping);
  }

  #divergence(what: string, value: number, step: number, learningRate: number): Error {
    const { setup: { communicator }, folder } = this.#parts;
    const { savedStep } = this.#checkpoints;
    // The same loss comes up in all processes; one of them says so.
    if (!isFirst(communicator)) return new OtherProcessError();
    const good = savedStep === null
      ? "no checkpoint was written yet"
      : `the last good checkpoint is ${JSON.stringify(folder.file("last"))} of step ${savedStep}`;
    return knownToAll(
      new InputError(
        `Cannot go on training as the ${what} is ${value} at step ${step}, learning rate ${learningRate}; ${good}`,
        { hint: "Use a smaller learning rate, a warm-up (schedule one_cycle) or clip_norm" },
      ),
    );
  }
}

function isEncoderFrozen({ freezeEncoder, unfreezeAt }: TrainConfig, epoch: number): boolean {
  return freezeEncoder && (unfreezeAt === null || epoch < unfreezeAt);
}

/** True for the process that has what was saved, and that speaks for all. */
function isFirst(communicator: TrainingSetup["communicator"]): boolean {
  return communicator === null || communicator.rank === 0;
}

/** What process 0 has, in all of them. */
export async function shared<T>({ communicator }: TrainingSetup, value: T): Promise<T> {
  return communicator === null ? value : await broadcastValue(communicator, value);
}

/** Names as TensorBoard groups them. */
function tagged(group: string, values: Metrics): Metrics {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`${group}/${name}`, value]),
  );
}
