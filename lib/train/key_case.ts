/**
 * Between the snake case of configuration files and the camel case of the code.
 *
 * @module
 */

type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;

/** The type with the names of its members in camel case. */
export type CamelKeys<T> = T extends readonly unknown[] ? T
  : T extends object
    ? { [Name in keyof T as Name extends string ? CamelCase<Name> : Name]: CamelKeys<T[Name]> }
  : T;

/** Mappings whose keys are the user's own: they stay as they are. */
const FREE_FORM: readonly string[] = ["settings"];

/** Rename the members of nested mappings to camel case. */
export function camelKeys<T>(value: T): CamelKeys<T> {
  const camelCase = (name: string) =>
    name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
  return renameKeys(value, camelCase) as CamelKeys<T>;
}

/** Rename the members of nested mappings to snake case. */
export function snakeKeys(value: object): Record<string, unknown> {
  const snakeCase = (name: string) =>
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return renameKeys(value, snakeCase) as Record<string, unknown>;
}

function renameKeys(value: unknown, rename: (name: string) => string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      rename(name),
      FREE_FORM.includes(name) ? member : renameKeys(member, rename),
    ]),
  );
}
