/**
 * Extents of tensors: numbers, or symbols such as `"batch"` that are known only when the graph runs.
 *
 * Symbolic extents are products in one canonical spelling (`"64*batch"`), so that two extents are
 * the same exactly when they are `===`, and a reshape may fold a symbolic axis into another one and
 * take it out again.
 *
 * @module
 */

/** Extent of one axis: a number, or a symbol (or a product such as `"64*batch"`) known at run time. */
export type Dim = number | string;

/** Extents of all axes; `[]` is a scalar. */
export type Shape = readonly Dim[];

/** The number and the symbols whose product an extent is. */
interface Factors {
  coefficient: number;
  symbols: string[];
}

function factorsOf(dim: Dim): Factors {
  if (typeof dim === "number") return { coefficient: dim, symbols: [] };
  const factors: Factors = { coefficient: 1, symbols: [] };
  for (const part of splitProduct(dim)) {
    if (/^\d+$/.test(part)) factors.coefficient *= Number(part);
    else factors.symbols.push(part);
  }
  return factors;
}

/** Split at the `*` signs outside parentheses. */
function splitProduct(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === "(") depth++;
    else if (character === ")") depth--;
    else if (character === "*" && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

function fromFactors({ coefficient, symbols }: Factors): Dim {
  if (symbols.length === 0 || coefficient === 0) return coefficient;
  const product = [...symbols].sort().join("*");
  return coefficient === 1 ? product : `${coefficient}*${product}`;
}

/** Product of extents, which is the number of elements of a shape; 1 for a scalar. */
export function multiplyDims(dims: Shape): Dim {
  const product: Factors = { coefficient: 1, symbols: [] };
  for (const dim of dims) {
    const { coefficient, symbols } = factorsOf(dim);
    product.coefficient *= coefficient;
    product.symbols.push(...symbols);
  }
  return fromFactors(product);
}

/** The extent that gives `dividend` when multiplied by `divisor`, or null if there is none. */
export function divideDims(dividend: Dim, divisor: Dim): Dim | null {
  const quotient = factorsOf(dividend);
  const { coefficient, symbols } = factorsOf(divisor);
  if (coefficient === 0 || quotient.coefficient % coefficient !== 0) return null;
  quotient.coefficient /= coefficient;
  for (const symbol of symbols) {
    const at = quotient.symbols.indexOf(symbol);
    if (at < 0) return null;
    quotient.symbols.splice(at, 1);
  }
  return fromFactors(quotient);
}

/** Sum of extents; a sum with symbols is an opaque symbol of its own. */
export function addDims(dims: Shape): Dim {
  let sum = 0;
  const symbols: string[] = [];
  for (const dim of dims) {
    if (typeof dim === "number") sum += dim;
    else symbols.push(dim);
  }
  if (symbols.length === 0) return sum;
  if (sum !== 0) symbols.push(String(sum));
  return symbols.length === 1 ? symbols[0]! : `(${symbols.join("+")})`;
}

/**
 * Apply integer arithmetic to an extent: computed if it is a number, an opaque symbol if not.
 *
 * @param dim The extent.
 * @param compute The arithmetic.
 * @param describe Its text, of which the symbol is made.
 */
export function mapDim(
  dim: Dim,
  compute: (extent: number) => number,
  describe: (symbol: string) => string,
): Dim {
  return typeof dim === "number" ? compute(dim) : `(${describe(dim)})`;
}

/**
 * The extent with numbers in place of its symbols.
 *
 * @returns A number, or null if a symbol has no value.
 */
export function evaluateDim(dim: Dim, symbols: Readonly<Record<string, number>>): number | null {
  const factors = factorsOf(dim);
  let product = factors.coefficient;
  for (const symbol of factors.symbols) {
    const value = symbols[symbol];
    if (value === undefined) return null;
    product *= value;
  }
  return product;
}

/** True if both shapes have the same extents. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

/**
 * The shape of an elementwise operation over tensors of the given shapes, by NumPy's rule: aligned at
 * the last axis, extents are equal or one of them is 1.
 *
 * @returns The shape, or null if the shapes do not go together.
 */
export function broadcastShapes(shapes: readonly Shape[]): Dim[] | null {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result: Dim[] = new Array(rank).fill(1);
  for (const shape of shapes) {
    for (const [i, dim] of shape.entries()) {
      const axis = rank - shape.length + i;
      if (result[axis] === 1) result[axis] = dim;
      else if (dim !== 1 && dim !== result[axis]) return null;
    }
  }
  return result;
}
