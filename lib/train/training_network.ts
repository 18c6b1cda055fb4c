/**
 * The network of a training, as its configuration describes it, and the parameters to begin with.
 *
 * @module
 */
import type { NdArray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import {
  labelConfig,
  type Network,
  NETWORK_FAMILIES,
  type NetworkConfig,
  networkFromConfig,
  variantConfig,
} from "../models/mod.ts";
import { adamw, type Optimizer, sgd } from "../optim/mod.ts";
import { nearMiss } from "../text/mod.ts";
import { loadParameters, type OpenModel, type Provenance } from "../weights/mod.ts";
import type { TrainConfig } from "./train_config.ts";
import type { TrainingData } from "./training_data.ts";

/** Entries of a `config.json` that the data decides, or that are not settings. */
const FIXED_KEYS: readonly string[] = [
  "architectures",
  "id2label",
  "label2id",
  "model_type",
  "num_channels",
  "swath",
];

/** A network to train. */
export interface TrainingNetwork {
  /** Its `config.json`. */
  readonly config: NetworkConfig;
  /** The network. */
  readonly network: Network;
  /** Parameters to begin with; those that are missing are drawn. */
  readonly parameters: ReadonlyMap<string, NdArray<"float32">>;
  /** Where the parameters come from. */
  readonly provenance: Provenance;
  /** What was done to the parameters of the checkpoint, as lines to print. */
  readonly report: readonly string[];
}

/**
 * Make the network of a training.
 *
 * @param config Architecture, variant, settings and regularization.
 * @param data Its bands and classes.
 * @param checkpoint The model that `checkpoint` names; null where it names none.
 * @throws {InputError} If there is no such architecture or setting, or the checkpoint does not fit.
 */
export function createTrainingNetwork(
  config: TrainConfig,
  data: Pick<TrainingData, "bands" | "classes">,
  checkpoint: OpenModel | null,
): TrainingNetwork {
  const json = networkConfig(config, data, checkpoint);
  const network = networkFromConfig(json);
  if (network.task !== "segmentation") {
    throw new InputError(
      `Cannot train ${config.architecture} for maps: it classifies whole images`,
    );
  }
  if (checkpoint === null) {
    return {
      config: json,
      network,
      parameters: new Map(),
      provenance: { source: null, licence: null, history: [] },
      report: [],
    };
  }
  const { values, report } = loadParameters(checkpoint, network, {
    bands: data.bands,
    ignoreMismatchedSizes: true,
  });
  const { provenance } = checkpoint.card;
  return {
    config: json,
    network,
    parameters: values,
    provenance: { ...provenance, source: provenance.source ?? checkpoint.source },
    report,
  };
}

function networkConfig(
  config: TrainConfig,
  { bands, classes }: Pick<TrainingData, "bands" | "classes">,
  checkpoint: OpenModel | null,
): NetworkConfig {
  const sizes = { bands: bands.length, classes: classes.length };
  const family = NETWORK_FAMILIES.get(config.architecture);
  if (family === undefined) {
    const known = [...NETWORK_FAMILIES.keys()];
    const near = nearMiss(config.architecture, known);
    throw new InputError(
      `Cannot train architecture "${config.architecture}": known are ${known.join(", ")}`,
      near === null ? {} : { hint: `Did you mean "${near}"?` },
    );
  }
  const variant = config.variant ?? family.variants[0]!;
  const fresh = variantConfig(
    variant.startsWith(`${family.name}-`) ? variant : `${family.name}-${variant}`,
    sizes,
  );
  checkSettings(config.settings, fresh);
  const regularization = Object.fromEntries(
    Object.entries({ drop_path_rate: config.dropPath, classifier_dropout_prob: config.dropout })
      .filter(([name]) => name in fresh),
  );
  return {
    ...fresh,
    ...(checkpoint === null ? {} : settingsOf(checkpoint.config, fresh)),
    ...regularization,
    ...config.settings,
    ...labelConfig(classes.map(({ name }) => name)),
  };
}

/** The settings of a checkpoint, which may hold much else. */
function settingsOf(checkpoint: NetworkConfig, fresh: NetworkConfig): NetworkConfig {
  return Object.fromEntries(
    Object.entries(checkpoint).filter(([name]) => name in fresh && !FIXED_KEYS.includes(name)),
  );
}

function checkSettings(settings: TrainConfig["settings"], known: NetworkConfig): void {
  const names = Object.keys(known).filter((name) => !FIXED_KEYS.includes(name));
  for (const name of Object.keys(settings)) {
    if (names.includes(name)) continue;
    const near = nearMiss(name, names);
    throw new InputError(`Cannot train with setting "${name}": known are ${names.join(", ")}`, {
      hint: near === null ? "Bands and classes follow from the data" : `Did you mean "${near}"?`,
    });
  }
}

/** The optimizer that a configuration asks for. */
export function optimizerOf({ optimizer }: TrainConfig): Optimizer {
  return optimizer.name === "adamw"
    ? adamw({ betas: optimizer.betas, epsilon: optimizer.eps })
    : sgd(optimizer);
}
