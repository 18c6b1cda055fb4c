/**
 * What a training is told, and what it tells while it goes on and when it ends.
 *
 * @module
 */
import type { Metrics } from "./monitor.ts";
import type { TrainingSetup, TrainingSources } from "./training_setup.ts";

/** Options of {@linkcode train}. */
export interface TrainOptions extends TrainingSources {
  /** Folder of the run. */
  readonly out: string;
  /** Go on with the run that the folder holds, if it holds one. */
  readonly resume?: boolean;
  /** Replace the run that the folder holds. */
  readonly overwrite?: boolean;
  /** Log to an MLflow server too. */
  readonly mlflow?: {
    /** Address of the server. */
    readonly uri: string;
    /** Name of the experiment. */
    readonly experiment: string;
  };
  /** Ends the training after the step that is going on; where it stands is saved. */
  readonly signal?: AbortSignal;
  /** Drops the step that is going on: what remains is what was saved last. */
  readonly dropSignal?: AbortSignal;
  /** Called before the first step. */
  readonly onStart?: (start: TrainStart) => void;
  /** Called after each step. */
  readonly onStep?: (step: StepReport) => void;
  /** Called after each batch of a validation. */
  readonly onValidation?: (done: number, total: number) => void;
  /** Called after each epoch. */
  readonly onEpoch?: (epoch: EpochReport) => void;
}

/** What is known before the first step. */
export interface TrainStart {
  /** The set-up. */
  readonly setup: TrainingSetup;
  /** Steps taken in earlier sessions of the run. */
  readonly step: number;
  /** Page of the run on the MLflow server; null for none. */
  readonly mlflowUrl: string | null;
}

/** A step. */
export interface StepReport {
  /** Steps taken, this one among them. */
  readonly step: number;
  /** Steps of the whole run. */
  readonly totalSteps: number;
  /** Epoch that it belongs to, counted from 0. */
  readonly epoch: number;
  /** Its loss. */
  readonly loss: number;
  /** Global norm of its gradients before clipping. */
  readonly gradientNorm: number;
  /** Its learning rate. */
  readonly learningRate: number;
}

/** An epoch. */
export interface EpochReport {
  /** Its number, counted from 0. */
  readonly epoch: number;
  /** Epochs of the whole run. */
  readonly epochs: number;
  /** Steps taken at its end. */
  readonly step: number;
  /** Its metrics by name; see {@linkcode epochMetrics}. */
  readonly metrics: Metrics;
  /** True if it is the best so far. */
  readonly isBest: boolean;
}

/** How a training ended. */
export interface TrainResult {
  /**
   * `finished`: all steps are taken; `stopped`: nothing got better any more; `interrupted`: by the
   * signal.
   */
  readonly status: "finished" | "stopped" | "interrupted";
  /** Steps taken. */
  readonly step: number;
  /** The best epoch; null if none was finished. */
  readonly best: EpochReport | null;
  /** Directory of the best model; null where there is none. */
  readonly bestModel: string | null;
}
