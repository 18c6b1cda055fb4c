/**
 * All families of networks.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { nearMiss } from "../text/mod.ts";
import type {
  Network,
  NetworkChanges,
  NetworkConfig,
  NetworkFamily,
  NetworkSizes,
} from "./network.ts";
import { ATTENTION_UNET } from "./attention_unet.ts";
import { DEEPLABV3, DEEPLABV3PLUS } from "./deeplab.ts";
import { FCN } from "./fcn.ts";
import { SEGFORMER } from "./segformer.ts";
import { SEGFORMER_RESNET } from "./segformer_resnet.ts";
import { SETR } from "./setr.ts";
import { UNET } from "./unet.ts";

/** The families by name. */
export const NETWORK_FAMILIES: ReadonlyMap<string, NetworkFamily> = new Map(
  [SEGFORMER, SEGFORMER_RESNET, SETR, DEEPLABV3PLUS, DEEPLABV3, UNET, ATTENTION_UNET, FCN].map(
    (family) => [family.name, family],
  ),
);

/**
 * The network that a `config.json` describes.
 *
 * @param config Its content.
 * @throws {InputError} If its `model_type` is unknown or a value is wrong.
 */
export function networkFromConfig(config: NetworkConfig): Network {
  return familyOf(config).fromConfig(config);
}

/**
 * A configuration with other bands, classes or another task; the rest stays as it is.
 *
 * @param config Content of a `config.json`.
 * @param changes What to change. Classes that change lose their names.
 * @returns A new configuration.
 * @throws {InputError} If its `model_type` is unknown.
 *
 * @example
 * ```ts
 * import { changeConfig, networkFromConfig, variantConfig } from "swath";
 *
 * const config = variantConfig("b0", { bands: 3, classes: 150 });
 * const network = networkFromConfig(changeConfig(config, { bands: 14, classes: 10 }));
 * if (network.bands !== 14 || network.classes !== 10) throw new Error("changed");
 * ```
 */
export function changeConfig(config: NetworkConfig, changes: NetworkChanges): NetworkConfig {
  return familyOf(config).changeConfig(config, changes);
}

/** The family of a configuration, by its `model_type`. */
function familyOf(config: NetworkConfig): NetworkFamily {
  const type = config.model_type;
  const family = typeof type === "string" ? NETWORK_FAMILIES.get(type) : undefined;
  if (family === undefined) {
    const known = [...NETWORK_FAMILIES.keys()].map((name) => `"${name}"`).join(", ");
    throw new InputError(
      `Cannot build the model as its "model_type" is ${
        JSON.stringify(type ?? null)
      }: known are ${known}`,
    );
  }
  return family;
}

/**
 * The family and variant that a name means: `segformer-b2`; `b2`, which no other family has; or `unet`, whose
 * first variant is meant.
 *
 * @param name Name of a variant, with or without its family.
 * @returns The family and variant, or null if no variant has that name.
 */
export function findVariant(name: string): { family: NetworkFamily; variant: string } | null {
  const wanted = name.toLowerCase();
  const all = [...NETWORK_FAMILIES.values()].flatMap((family) =>
    family.variants.map((variant) => ({ family, variant }))
  );
  const full = all.find(({ family, variant }) =>
    wanted === `${family.name}-${variant}` || wanted === family.name
  );
  if (full !== undefined) return full;
  const [short, ...others] = all.filter(({ variant }) => variant === wanted);
  return short !== undefined && others.length === 0 ? short : null;
}

/**
 * Configuration of a published variant with given bands and classes.
 *
 * @param name Name of the variant, such as `segformer-b2`, `b2` or `unet`; see {@linkcode findVariant}.
 * @param sizes Bands and classes.
 * @throws {InputError} If no variant has that name; the message lists them and names a near miss.
 */
export function variantConfig(name: string, sizes: NetworkSizes): NetworkConfig {
  const found = findVariant(name);
  if (found !== null) return found.family.variantConfig(found.variant, sizes);
  const names = [...NETWORK_FAMILIES.values()].flatMap(({ name, variants }) =>
    variants.map((variant) => `${name}-${variant}`)
  );
  const wanted = name.toLowerCase();
  const meant = names.filter((full) => full.endsWith(`-${wanted}`));
  if (meant.length > 1) {
    throw new InputError(`There are several networks "${name}": ${meant.join(", ")}`);
  }
  const families = [...NETWORK_FAMILIES.keys()];
  const family = families.filter((family) => wanted.startsWith(`${family}-`)).at(-1);
  const known = family === undefined
    ? `known families are ${families.join(", ")}`
    : `variants of ${family} are ${NETWORK_FAMILIES.get(family)!.variants.join(", ")}`;
  const near = nearMiss(wanted, [
    ...names,
    ...families,
    ...names.map((full) => full.slice(full.indexOf("-") + 1)),
  ]);
  throw new InputError(
    `There is no network "${name}"; ${known}`,
    { hint: near === null ? "List them with `swath models`" : `Did you mean "${near}"?` },
  );
}
