/**
 * The configuration of a training, as code sees it. Names are those of `train.yaml` in camel case;
 * what users read about each key, and its default, is in `config_schema.ts`.
 *
 * @module
 */
import type { ClassSelection, EdgeFilter } from "../losses/mod.ts";
import type { DeviceChoice } from "../runtime/mod.ts";
import type { ClassWeightRule } from "./class_weights.ts";

/** Whether a metric is better when it is smaller or larger. */
export type MonitorMode = "min" | "max";

/** A metric to watch. */
export interface Monitor {
  /** Name of the metric, such as `val_loss`. */
  readonly monitor: string;
  /** Whether smaller or larger is better. */
  readonly mode: MonitorMode;
}

/** AdamW: Loshchilov and Hutter, "Decoupled weight decay regularization" (2019). */
export interface AdamwConfig {
  /** Which optimizer. */
  readonly name: "adamw";
  /** Decay rates of the two moments. */
  readonly betas: readonly [number, number];
  /** Added to the root of the second moment. */
  readonly eps: number;
}

/** Stochastic gradient descent with momentum, as PyTorch computes it. */
export interface SgdConfig {
  /** Which optimizer. */
  readonly name: "sgd";
  /** Decay rate of the velocity. */
  readonly momentum: number;
  /** Look ahead along the velocity. */
  readonly nesterov: boolean;
}

/** An optimizer and its settings. */
export type OptimizerConfig = AdamwConfig | SgdConfig;

/** The same learning rate throughout. */
export interface ConstantSchedule {
  /** Which schedule. */
  readonly name: "constant";
}

/** PyTorch's OneCycleLR: Smith and Topin, "Super-convergence" (2018). */
export interface OneCycleSchedule {
  /** Which schedule. */
  readonly name: "one_cycle";
  /** Share of the steps in which the learning rate rises. */
  readonly pctStart: number;
  /** Shape of rise and fall. */
  readonly annealStrategy: "cos" | "linear";
  /** Fall as fast as it rose, then vanish in a third phase. */
  readonly threePhase: boolean;
  /** The learning rate starts at this fraction of the highest. */
  readonly divFactor: number;
  /** The learning rate ends at this fraction of where it started. */
  readonly finalDivFactor: number;
  /** Move the momentum (AdamW: the first beta) against the learning rate. */
  readonly cycleMomentum: boolean;
  /** Lowest momentum, where the learning rate is highest. */
  readonly baseMomentum: number;
  /** Highest momentum. */
  readonly maxMomentum: number;
}

/** PyTorch's CosineAnnealingLR: Loshchilov and Hutter, "SGDR" (2017), without restarts. */
export interface CosineSchedule {
  /** Which schedule. */
  readonly name: "cosine";
  /** Steps of half a period; null for all steps of the run. */
  readonly tMax: number | null;
  /** Lowest learning rate. */
  readonly etaMin: number;
}

/** PyTorch's ReduceLROnPlateau, stepped once an epoch. */
export interface PlateauSchedule extends Monitor {
  /** Which schedule. */
  readonly name: "plateau";
  /** The learning rate is multiplied by this. */
  readonly factor: number;
  /** Epochs without improvement that are let pass. */
  readonly patience: number;
  /** Smallest change that counts as improvement. */
  readonly threshold: number;
  /** Whether the threshold is a share of the best value or a difference from it. */
  readonly thresholdMode: "rel" | "abs";
  /** Epochs after a reduction in which nothing is counted. */
  readonly cooldown: number;
  /** Lowest learning rate. */
  readonly minLr: number;
  /** A reduction smaller than this is left out. */
  readonly eps: number;
}

/** Linear warm-up, then a power of the share of steps that are left. */
export interface PolynomialSchedule {
  /** Which schedule. */
  readonly name: "polynomial";
  /** Exponent; 1 is a straight line. */
  readonly power: number;
  /** Steps in which the learning rate rises. */
  readonly warmupSteps: number;
  /** Share of the learning rate that warm-up starts from. */
  readonly warmupFactor: number;
  /** Learning rate at the end. */
  readonly minLr: number;
}

/** How the learning rate moves. */
export type ScheduleConfig =
  | ConstantSchedule
  | OneCycleSchedule
  | CosineSchedule
  | PlateauSchedule
  | PolynomialSchedule;

/** How samples are varied; see {@linkcode drawAugmentation}. */
export interface AugmentConfig {
  /** Mirror, left to right and top to bottom, each with probability 1/2. */
  readonly flip: boolean;
  /** Turn by 0, 90, 180 or 270 degrees; only 0 and 180 where patches are not square. */
  readonly turn: boolean;
  /** Range of the zoom factor, drawn uniformly. */
  readonly scale: readonly [number, number];
  /** Each band's contrast is multiplied by a number of [1 − gain, 1 + gain]. */
  readonly gain: number;
  /** Each band's brightness moves by up to this many of its standard deviations. */
  readonly offset: number;
  /** Probability that a band is replaced by its mean. */
  readonly bandDropout: number;
}

/** How gradients travel between processes. */
export type GradientPrecision = "float32" | "float16";

/** When to stop before the last epoch. */
export interface EarlyStoppingConfig extends Monitor {
  /** Epochs without improvement after which training stops. */
  readonly patience: number;
  /** Smallest change that counts as improvement. */
  readonly minDelta: number;
}

/** Which checkpoints to keep. */
export interface SaveConfig extends Monitor {
  /** Steps between two writes of `last`, besides one at each epoch; null for none. */
  readonly everySteps: number | null;
}

/** Weight in the sum of losses. */
export interface LossWeight {
  /** What the loss is multiplied by. */
  readonly weight: number;
}

/** Settings of {@linkcode crossEntropy}. */
export interface CrossEntropyConfig extends LossWeight {
  /** Share of the target that is spread over all classes. */
  readonly labelSmoothing: number;
}

/** Settings of {@linkcode diceLoss}. */
export interface DiceConfig extends LossWeight {
  /** Added to both sides of the fraction. */
  readonly smooth: number;
  /** Classes that the mean is over. */
  readonly classes: ClassSelection;
}

/** Settings of {@linkcode tverskyLoss}. */
export interface TverskyConfig extends DiceConfig {
  /** Weight of false positives. */
  readonly alpha: number;
  /** Weight of false negatives. */
  readonly beta: number;
  /** Exponent of each class's loss. */
  readonly gamma: number;
}

/** Settings of {@linkcode focalLoss}. */
export interface FocalConfig extends LossWeight {
  /** Factor of the whole loss. */
  readonly alpha: number;
  /** Exponent of 1 − p. */
  readonly gamma: number;
}

/** Settings of {@linkcode lovaszSoftmax}. */
export interface LovaszConfig extends LossWeight {
  /** Mean over images instead of over all pixels of the batch. */
  readonly perImage: boolean;
  /** Classes that the mean is over. */
  readonly classes: ClassSelection;
}

/** Settings of {@linkcode boundaryEdgeLoss} and {@linkcode boundaryDistanceLoss}. */
export interface BoundaryConfig extends LossWeight {
  /** The filter that finds edges, or `distance`. */
  readonly form: EdgeFilter | "distance";
  /** Weight that pixels at edges have in addition to 1. */
  readonly edgeWeight: number;
}

/** Losses by name; those that are left out are not computed. */
export interface LossConfig {
  /** Cross-entropy. */
  readonly ce?: CrossEntropyConfig | undefined;
  /** Dice. */
  readonly dice?: DiceConfig | undefined;
  /** Tversky. */
  readonly tversky?: TverskyConfig | undefined;
  /** Focal. */
  readonly focal?: FocalConfig | undefined;
  /** Lovász-softmax. */
  readonly lovasz?: LovaszConfig | undefined;
  /** Losses at the boundaries of labels. */
  readonly boundary?: BoundaryConfig | undefined;
}

/** The whole configuration, every key present. */
export interface TrainConfig {
  /** Family of networks, such as `segformer`. */
  readonly architecture: string;
  /** Size within the family, such as `b0`; null where a checkpoint says. */
  readonly variant: string | null;
  /** Settings of the architecture that differ from the variant's, such as `depths`. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Model directory or hub id to start from; null for random weights. */
  readonly checkpoint: string | null;
  /** Shards to train on: paths, globs, or `-`. */
  readonly train: readonly string[];
  /** Shards to validate on. */
  readonly val: readonly string[];
  /** Shards that the best model is scored on at the end. */
  readonly test: readonly string[];
  /** Names of the bands to use; null for all. */
  readonly bands: readonly string[] | null;
  /** Names of the classes; null for those of the data. */
  readonly classes: readonly string[] | null;
  /** Pixels of a side that the network sees; null for the patches' own. */
  readonly size: number | null;
  /** Samples of a batch, of all processes together where several share it. */
  readonly batchSize: number;
  /** Batches whose gradients are summed for one step. */
  readonly accumulate: number;
  /** Times that the training data is gone through. */
  readonly epochs: number;
  /** Steps after which training ends in any case; null for no limit. */
  readonly maxSteps: number | null;
  /** Highest learning rate. */
  readonly learningRate: number;
  /** The head learns at `learningRate` times this. */
  readonly headLearningRateFactor: number;
  /** Decoupled weight decay. */
  readonly weightDecay: number;
  /** Largest global norm of the gradients; null for no clipping. */
  readonly clipNorm: number | null;
  /** What turns gradients into changes. */
  readonly optimizer: OptimizerConfig;
  /** How the learning rate moves. */
  readonly schedule: ScheduleConfig;
  /** Weight of each loss in the sum. */
  readonly loss: LossConfig;
  /** Weight of each class in the losses of pixels, in order, or the rule that it follows; null for 1. */
  readonly classWeights: readonly number[] | ClassWeightRule | null;
  /** Label that is left out. */
  readonly ignoreIndex: number;
  /** How samples are varied. */
  readonly augment: AugmentConfig;
  /** Highest probability that a residual branch is dropped. */
  readonly dropPath: number;
  /** Probability that a channel of the head is dropped. */
  readonly dropout: number;
  /** Leave the encoder as it is. */
  readonly freezeEncoder: boolean;
  /** Epoch from which a frozen encoder learns too; null for never. */
  readonly unfreezeAt: number | null;
  /** Compute the activations of each block again for its gradient, instead of keeping them. */
  readonly checkpointActivations: boolean;
  /** Decay rate of the averaged weights; null for none. */
  readonly ema: number | null;
  /** Seed of everything random. */
  readonly seed: number;
  /** Where to compute. */
  readonly device: DeviceChoice;
  /** Threads of the CPU; null for all cores. */
  readonly threads: number | null;
  /** Normalize batches by the statistics of all processes that share them. */
  readonly syncBatchNorm: boolean;
  /** How gradients travel between processes. */
  readonly gradientPrecision: GradientPrecision;
  /** When to stop early; null for never. */
  readonly earlyStopping: EarlyStoppingConfig | null;
  /** Which checkpoints to keep. */
  readonly save: SaveConfig;
  /** Classes whose rate of predictions is watched for collapse. */
  readonly watch: readonly string[];
}
