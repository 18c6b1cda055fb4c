/**
 * Which tensor of a file fills which parameter of a network, and what is left over on either side,
 * with the rules and the report of transformers' `from_pretrained`.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { formatShape } from "../array/mod.ts";
import { abbreviateList } from "../text/mod.ts";

/** A parameter that a network has. Callers pass what they have, with how to initialise it. */
export interface ExpectedParameter {
  /** Name as transformers stores it. */
  readonly name: string;
  /** Extent of each axis. */
  readonly shape: readonly number[];
}

/** Options of {@linkcode matchParameters}. */
export interface MatchOptions {
  /**
   * Prefix of the encoder within larger networks, such as `segformer.`: files of the encoder alone
   * lack it, and files of larger networks have it where the encoder alone is wanted.
   */
  readonly basePrefix?: string;
  /** Give parameters of another shape new values; otherwise they are an error. */
  readonly ignoreMismatchedSizes?: boolean;
}

/** How a file's tensors and a network's parameters go together. */
export interface ParameterMatch<P extends ExpectedParameter> {
  /** Parameters that the file fills, with the name of the tensor. */
  readonly loaded: readonly { readonly parameter: P; readonly tensor: string }[];
  /** Parameters that the file does not have: to be newly initialised. */
  readonly missing: readonly P[];
  /** Parameters that the file has in another shape: to be newly initialised. */
  readonly mismatched: readonly {
    readonly parameter: P;
    readonly tensor: string;
    readonly shape: readonly number[];
  }[];
  /** Tensors of the file that no parameter takes. */
  readonly unexpected: readonly string[];
}

/** Wrappers that training code leaves in front of every name: PyTorch's DDP, and Lightning's. */
const WRAPPERS = ["module.", "model."] as const;

/** Counters that batch normalization carries and inference never uses. */
const UNUSED_BUFFERS = /\.num_batches_tracked$/;

/**
 * Find the tensor for each parameter.
 *
 * @param expected The network's parameters.
 * @param tensors The file's tensors by name.
 * @param source The model's name or path, for errors.
 * @param options Prefix, and whether other shapes are accepted.
 * @returns What fits, what is missing, mismatched and unexpected.
 * @throws {InputError} If nothing in the file fits, or a shape differs and `ignoreMismatchedSizes` is
 * not set.
 *
 * @example
 * ```ts
 * import { matchParameters } from "swath";
 *
 * const expected = [{ name: "segformer.a", shape: [2] }, { name: "head.b", shape: [3] }];
 * const tensors = new Map([["a", { shape: [2] }], ["classifier.c", { shape: [1] }]]);
 * const match = matchParameters(expected, tensors, "mit", { basePrefix: "segformer." });
 * if (match.loaded[0]?.tensor !== "a") throw new Error("the prefix is added");
 * if (match.missing[0]?.name !== "head.b") throw new Error("the head is new");
 * if (match.unexpected[0] !== "classifier.c") throw new Error("the classifier is not used");
 * ```
 */
export function matchParameters<P extends ExpectedParameter>(
  expected: readonly P[],
  tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>,
  source: string,
  options: MatchOptions = {},
): ParameterMatch<P> {
  const { basePrefix = "", ignoreMismatchedSizes = false } = options;
  const tensorOf = assignNames(expected, [...tensors.keys()], basePrefix);
  const loaded: { parameter: P; tensor: string }[] = [];
  const missing: P[] = [];
  const mismatched: { parameter: P; tensor: string; shape: readonly number[] }[] = [];
  for (const parameter of expected) {
    const tensor = tensorOf.get(parameter.name);
    if (tensor === undefined) {
      missing.push(parameter);
      continue;
    }
    const { shape } = tensors.get(tensor)!;
    if (formatShape(shape) === formatShape(parameter.shape)) loaded.push({ parameter, tensor });
    else mismatched.push({ parameter, tensor, shape });
  }
  const used = new Set(tensorOf.values());
  const unexpected = [...tensors.keys()].filter((name) =>
    !used.has(name) && !UNUSED_BUFFERS.test(name)
  );
  if (loaded.length + mismatched.length === 0 && expected.length > 0) {
    throw new InputError(
      `Cannot use the weights of ${JSON.stringify(source)}: none of its ${tensors.size} tensors (${
        abbreviateList([...tensors.keys()], 4)
      }) has the name of a parameter (${abbreviateList(expected.map(({ name }) => name), 4)})`,
    );
  }
  if (mismatched.length > 0 && !ignoreMismatchedSizes) {
    const lines = mismatched.map(({ parameter, shape }) =>
      `${parameter.name} is ${formatShape(shape)} in the file and ${
        formatShape(parameter.shape)
      } in the model`
    );
    throw new InputError(
      `Cannot use the weights of ${JSON.stringify(source)} as ${
        mismatched.length === 1 ? "a shape differs" : `${mismatched.length} shapes differ`
      }: ${abbreviateList(lines, 3)}`,
      { hint: "Use --ignore-mismatched-sizes to give these parameters new values" },
    );
  }
  return { loaded, missing, mismatched, unexpected };
}

/** Tensor by parameter. A tensor of exactly the parameter's name wins over one that needs a prefix. */
function assignNames(
  expected: readonly ExpectedParameter[],
  names: readonly string[],
  basePrefix: string,
): ReadonlyMap<string, string> {
  const wanted = new Set(expected.map(({ name }) => name));
  const unwrapped = withoutWrapper(names);
  const spellings: ((name: string) => string)[] = [
    (name) => name,
    unwrapped,
    (name) => basePrefix + unwrapped(name),
    (name) => withoutPrefix(unwrapped(name), basePrefix),
  ];
  const tensorOf = new Map<string, string>();
  for (const spell of spellings) {
    for (const name of names) {
      const parameter = spell(name);
      if (wanted.has(parameter) && !tensorOf.has(parameter)) tensorOf.set(parameter, name);
    }
  }
  return tensorOf;
}

/**
 * The function that takes a wrapper's prefix off the names of a file, if all have it.
 *
 * @param names All names of the file.
 */
export function withoutWrapper(names: readonly string[]): (name: string) => string {
  const wrapper = WRAPPERS.find((prefix) => names.every((name) => name.startsWith(prefix))) ?? "";
  return (name) => name.slice(wrapper.length);
}

function withoutPrefix(name: string, prefix: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

/**
 * Say what loading left over, with the words of transformers' report: MISSING, MISMATCH, UNEXPECTED.
 *
 * @param match The outcome.
 * @param source The model's name or path.
 * @returns Lines to print; none where everything fits.
 */
export function describeMatch(
  match: ParameterMatch<ExpectedParameter>,
  source: string,
): string[] {
  const { loaded, missing, mismatched, unexpected } = match;
  const lines: string[] = [];
  const add = (status: string, items: readonly string[], meaning: string) => {
    if (items.length === 0) return;
    lines.push(`  ${status} (${meaning}): ${items.length}`);
    lines.push(...mergeNumbers(items).map((item) => `    ${item}`));
  };
  add("MISSING", missing.map(({ name }) => name), "not in the file, newly initialised");
  add(
    "MISMATCH",
    mismatched.map(({ parameter, shape }) =>
      `${parameter.name}: file ${formatShape(shape)}, model ${formatShape(parameter.shape)}`
    ),
    "of another shape, newly initialised",
  );
  add("UNEXPECTED", unexpected, "in the file, not used");
  if (lines.length === 0) return [];
  return [`${source}: ${loaded.length} parameters loaded`, ...lines];
}

/**
 * Write names that differ in one number as one: `block.{0, 1}.weight`.
 */
function mergeNumbers(names: readonly string[]): string[] {
  const groups = new Map<string, string[][]>();
  for (const name of names) {
    const numbers = [...name.matchAll(NUMBERS)].map(([number]) => number);
    const pattern = name.replace(NUMBERS, "*");
    groups.set(pattern, [...groups.get(pattern) ?? [], numbers]);
  }
  return [...groups].map(([pattern, rows]) => {
    let axis = 0;
    return pattern.replaceAll("*", () => {
      const values = [...new Set(rows.map((row) => row[axis]!))];
      axis++;
      return values.length === 1 ? values[0]! : `{${abbreviateList(values, 10)}}`;
    });
  });
}

/** Whole numbers between dots or at the end: indices of layers. */
const NUMBERS = /(?<=\.)\d+(?=\.|$)/g;
