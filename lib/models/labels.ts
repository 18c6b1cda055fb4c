/**
 * Class names in transformers' configurations.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import type { NetworkConfig } from "./network.ts";

/**
 * Names of the classes by index, from `id2label`; transformers' default of two labels where a
 * configuration has none.
 *
 * @param config Content of `config.json`.
 * @returns One name a class.
 * @throws {InputError} If `id2label` is not a map from 0, 1, … to names.
 */
export function labelNames(config: NetworkConfig): string[] {
  const { id2label, num_labels: count } = config;
  if (id2label === undefined || id2label === null) {
    const labels = typeof count === "number" && Number.isInteger(count) && count > 0 ? count : 2;
    return defaultLabelNames(labels);
  }
  if (typeof id2label !== "object") {
    throw new InputError(
      `Cannot read the model's classes as "id2label" must be a map from index to name: ` +
        `current value is ${JSON.stringify(id2label)}`,
    );
  }
  const names = new Map(Object.entries(id2label as Record<string, unknown>));
  return Array.from({ length: names.size }, (_, index) => {
    const name = names.get(String(index));
    if (typeof name !== "string") {
      throw new InputError(
        `Cannot read the model's classes as "id2label" has ${names.size} entries and none for ${index}`,
      );
    }
    return name;
  });
}

/** The names that transformers gives to classes that have none. */
export function defaultLabelNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `LABEL_${index}`);
}

/** The entries `id2label`, `label2id` and `num_labels` of a configuration for given class names. */
export function labelConfig(names: readonly string[]): NetworkConfig {
  return {
    id2label: Object.fromEntries(names.map((name, index) => [String(index), name])),
    label2id: Object.fromEntries(names.map((name, index) => [name, index])),
  };
}
