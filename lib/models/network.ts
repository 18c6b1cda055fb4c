/**
 * What a network is to the rest of the library, whatever its family.
 *
 * @module
 */
import type { Value } from "../onnx/mod.ts";
import type { Forward } from "./forward.ts";

/** A network with its sizes, ready to be added to a graph. */
export interface Network {
  /** Family, such as `segformer`. */
  readonly family: string;
  /** What its logits are: one a pixel of the output lattice, or one an image. */
  readonly task: "segmentation" | "classification";
  /** Bands of its input. */
  readonly bands: number;
  /** Classes of its logits. */
  readonly classes: number;
  /** Output stride: pixels of the input for each element of the logits; the whole image for a classifier. */
  readonly stride: number;
  /** Height and width of its input must be multiples of this. */
  readonly multiple: number;
  /** Name of the weight of the convolution that reads the bands, whose second axis they are. */
  readonly inputWeight: string;
  /** Prefix of the encoder's parameters; what has another one belongs to the decoder. */
  readonly encoderPrefix: string;
  /**
   * The parameter that a tensor of a checkpoint is, where other tools store the same network under other
   * names; a prefix of the encoder that is missing or too many is mended elsewhere. Left out where names are
   * the published ones.
   *
   * @param tensor Name and shape in the checkpoint.
   * @returns Name and shape here; the elements are the same, in the same order. Null if it is unknown.
   */
  readonly checkpointTensor?: (tensor: NamedShape) => NamedShape | null;
  /**
   * Add the forward pass to a graph.
   *
   * @param forward Where operators are added.
   * @param x Normalized bands, float32 (batch, bands, H, W), H and W multiples of `multiple`.
   * @returns Logits, float32 (batch, classes, H/stride, W/stride), or (batch, classes) for a classifier.
   */
  build(forward: Forward, x: Value): Value;
  /**
   * Multiply-adds of the network as its paper draws it, for one image. What the graph executes may
   * be less.
   *
   * @param height Rows of the image, a multiple of `multiple`.
   * @param width Columns of the image, a multiple of `multiple`.
   */
  multiplyAdds(height: number, width: number): number;
  /** Names of parts of interest and the prefixes or names of their parameters, in order. */
  readonly parts: readonly NetworkPart[];
}

/** A part of a network that is reported on its own. */
export interface NetworkPart {
  /** What it is called, such as `stage 1`. */
  readonly name: string;
  /** Prefixes of its parameters' names. */
  readonly prefixes: readonly string[];
}

/** A tensor by name. */
export interface NamedShape {
  /** Name on disk. */
  readonly name: string;
  /** Extent of each axis. */
  readonly shape: readonly number[];
}

/** Sizes that callers choose when they make a new network of a variant. */
export interface NetworkSizes {
  /** Bands of the input. */
  readonly bands: number;
  /** Classes of the output. */
  readonly classes: number;
}

/** What of a configuration may be changed; the rest stays as it is. */
export interface NetworkChanges extends Partial<NetworkSizes> {
  /** Segmentation, or classification of whole images. */
  readonly task?: Network["task"];
}

/** Content of a `config.json`. */
export type NetworkConfig = Readonly<Record<string, unknown>>;

/** A family of networks. */
export interface NetworkFamily {
  /** Name, such as `segformer`; it is the `model_type` of configurations. */
  readonly name: string;
  /** Name as its authors write it. */
  readonly title: string;
  /** Where it was published. */
  readonly paper: string;
  /** Names of the published variants; the first one is meant where none is named. */
  readonly variants: readonly string[];
  /**
   * Configuration of a published variant, as written to `config.json`.
   *
   * @param variant One of `variants`.
   * @param sizes Bands and classes.
   */
  variantConfig(variant: string, sizes: NetworkSizes): NetworkConfig;
  /**
   * A configuration with other bands, classes or another task. Classes that change lose their names.
   *
   * @param config Content of `config.json`.
   * @param changes What to change.
   */
  changeConfig(config: NetworkConfig, changes: NetworkChanges): NetworkConfig;
  /**
   * The network that a configuration describes.
   *
   * @param config Content of `config.json`.
   * @throws {InputError} If a value is missing or wrong.
   */
  fromConfig(config: NetworkConfig): Network;
}
