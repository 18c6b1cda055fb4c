/**
 * What families of segmentation networks have in common: their configuration is checked by a schema, and bands
 * and classes stand in it under transformers' names.
 *
 * @module
 */
import * as v from "valibot";
import { InputError } from "../errors.ts";
import { defaultLabelNames, labelConfig, labelNames } from "./labels.ts";
import { executedMultiplyAdds } from "./network_parameters.ts";
import type { Network, NetworkConfig, NetworkFamily, NetworkSizes } from "./network.ts";

/** A whole number of at least 1. */
export const positive = v.pipe(v.number(), v.integer(), v.minValue(1));
/** Such numbers, at least one. */
export const positives = v.pipe(v.array(positive), v.minLength(1));
/** A probability. */
export const probability = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

const BANDS = v.object({ num_channels: v.optional(positive, 3) });

/** What a family says of its network; the rest follows. */
export type NetworkCore =
  & Omit<Network, "family" | "task" | "bands" | "classes" | "multiplyAdds">
  & Partial<Pick<Network, "multiplyAdds">>;

/** A family of segmentation networks. */
export interface FamilyDefinition<Config> {
  /** Name; it is the `model_type` of configurations. */
  readonly name: string;
  /** Name as its authors write it. */
  readonly title: string;
  /** Where it was published. */
  readonly paper: string;
  /** Name of the model's class, as transformers would call it. */
  readonly architecture: string;
  /** Settings, with defaults for all of them. */
  readonly schema: v.GenericSchema<unknown, Config>;
  /** Settings of each variant that are not the defaults. */
  readonly variants: Readonly<Record<string, Readonly<Partial<Config>>>>;
  /**
   * The network of settings.
   *
   * @throws {InputError} If they do not go together.
   */
  network(config: Config, sizes: NetworkSizes): NetworkCore;
}

/**
 * Make a family of its definition.
 *
 * @param definition Names, schema, variants and network.
 */
export function defineFamily<Config extends object>(
  definition: FamilyDefinition<Config>,
): NetworkFamily {
  const { name, title, paper, architecture, variants } = definition;
  const parse = <Output>(schema: v.GenericSchema<unknown, Output>, json: unknown): Output => {
    const result = v.safeParse(schema, json);
    if (result.success) return result.output;
    const [issue] = result.issues;
    throw new InputError(
      `Cannot build ${title} as "${v.getDotPath(issue) ?? "config"}" is wrong: ${issue.message}`,
    );
  };
  return {
    name,
    title,
    paper,
    variants: Object.keys(variants),
    variantConfig(variant, { bands, classes }) {
      return {
        architectures: [architecture],
        model_type: name,
        num_channels: bands,
        ...parse(definition.schema, variants[variant]),
        ...labelConfig(defaultLabelNames(classes)),
      };
    },
    changeConfig(config, { bands, classes, task }) {
      if (task === "classification") throw noClassifier(title);
      return {
        ...config,
        ...(bands !== undefined && { num_channels: bands }),
        ...(classes !== undefined && labelConfig(defaultLabelNames(classes))),
      };
    },
    fromConfig(json: NetworkConfig): Network {
      const config = parse(definition.schema, json);
      const { num_channels: bands } = parse(BANDS, json);
      const classes = labelNames(json).length;
      const network: Network = {
        multiplyAdds: (height, width) => executedMultiplyAdds(network, height, width),
        ...definition.network(config, { bands, classes }),
        family: name,
        task: "segmentation",
        bands,
        classes,
      };
      return network;
    },
  };
}

function noClassifier(title: string): InputError {
  return new InputError(`Cannot make a classifier of whole images of ${title}: it has none`);
}
