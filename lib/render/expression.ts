/**
 * Arithmetic over the bands of a raster, such as `(B08 - B04) / (B08 + B04)`.
 *
 * ```text
 * sum     = product { ("+" | "-") product }
 * product = power { ("*" | "/") power }
 * power   = sign [ ("^" | "**") power ]            to the right first: 2^3^2 is 2^9
 * sign    = { "-" | "+" } atom
 * atom    = number | name [ "(" sum { "," sum } ")" ] | '"' name '"' | "(" sum ")"
 * ```
 *
 * A sign binds less tightly than a power, as in mathematics: -2^2 is -4. Nothing but arithmetic can be said, so
 * that expressions from elsewhere do no harm.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { nearMiss } from "../text/mod.ts";

/** Values of the names at one pixel, in the order of {@linkcode Expression.names}. */
type Values = readonly number[];

/** Arithmetic that has been understood. */
export interface Expression {
  /** The text. */
  readonly text: string;
  /** Names in it, each once, in the order that they come in. */
  readonly names: readonly string[];
  /**
   * Its value.
   *
   * @param values Values of the names, in their order.
   * @returns A number; NaN or infinite where arithmetic has no other.
   */
  evaluate(values: readonly number[]): number;
}

type Node = (values: Values) => number;

const FUNCTIONS: Readonly<Record<string, (...values: number[]) => number>> = {
  abs: Math.abs,
  exp: Math.exp,
  log: Math.log,
  log10: Math.log10,
  max: Math.max,
  min: Math.min,
  sqrt: Math.sqrt,
};

/** Numbers of arguments of those that do not take any number. */
const ARGUMENTS: Readonly<Record<string, number>> = { abs: 1, exp: 1, log: 1, log10: 1, sqrt: 1 };

/** Brackets and signs within one another: deeper ones are not typed by people. */
const MAX_DEPTH = 100;

/**
 * Understand an expression.
 *
 * @param text The expression: numbers, names (quoted where they are no words), `+ - * / ^`, brackets, and
 * abs, exp, log, log10, max, min, sqrt.
 * @throws {InputError} If it is none; it names the place.
 *
 * @example
 * ```ts
 * import { parseExpression } from "swath";
 *
 * const ndvi = parseExpression("(B08 - B04) / (B08 + B04)");
 * if (ndvi.names.join() !== "B08,B04" || ndvi.evaluate([3, 1]) !== 0.5) throw new Error("wrong");
 * ```
 */
export function parseExpression(text: string): Expression {
  const parser = new Parser(text);
  const node = parser.all();
  return { text, names: parser.names, evaluate: node };
}

interface Token {
  readonly kind: "number" | "name" | "sign" | "end";
  readonly text: string;
  /** Position in the text, from 0. */
  readonly at: number;
}

class Parser {
  readonly names: string[] = [];
  readonly #text: string;
  readonly #tokens: Token[];
  #next = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = this.#scan();
  }

  all(): Node {
    const node = this.#sum();
    if (this.#token.kind !== "end") throw this.#fault("an operator or the end");
    return node;
  }

  get #token(): Token {
    return this.#tokens[this.#next]!;
  }

  /** Go on if that sign is next. */
  #take(...signs: string[]): string | null {
    const { kind, text } = this.#token;
    if (kind !== "sign" || !signs.includes(text)) return null;
    this.#next++;
    return text;
  }

  #sum(): Node {
    let left = this.#product();
    for (let sign; (sign = this.#take("+", "-")) !== null;) {
      const [a, b] = [left, this.#product()];
      left = sign === "+" ? (values) => a(values) + b(values) : (values) => a(values) - b(values);
    }
    return left;
  }

  #product(): Node {
    let left = this.#sign();
    for (let sign; (sign = this.#take("*", "/")) !== null;) {
      const [a, b] = [left, this.#sign()];
      left = sign === "*" ? (values) => a(values) * b(values) : (values) => a(values) / b(values);
    }
    return left;
  }

  #sign(): Node {
    return this.#deeper(() => {
      if (this.#take("+") !== null) return this.#sign();
      if (this.#take("-") === null) return this.#power();
      const node = this.#sign();
      return (values) => -node(values);
    });
  }

  #power(): Node {
    const base = this.#atom();
    if (this.#take("^", "**") === null) return base;
    const exponent = this.#sign();
    return (values) => base(values) ** exponent(values);
  }

  #atom(): Node {
    const { kind, text } = this.#token;
    if (this.#take("(") !== null) return this.#closed(this.#deeper(() => this.#sum()));
    if (kind === "number") {
      this.#next++;
      const value = Number(text);
      return () => value;
    }
    if (kind !== "name") throw this.#fault("a number, a band or a bracket");
    this.#next++;
    if (this.#take("(") !== null) return this.#call(text);
    let index = this.names.indexOf(text);
    if (index < 0) index = this.names.push(text) - 1;
    return (values) => values[index]!;
  }

  #call(name: string): Node {
    const compute = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name]! : null;
    if (compute === null) {
      const known = Object.keys(FUNCTIONS);
      const near = nearMiss(name, known);
      throw new InputError(
        `Cannot compute ${JSON.stringify(this.#text)} as there is no function "${name}": expected ${
          known.join(", ")
        }`,
        near === null ? {} : { hint: `Did you mean "${near}"?` },
      );
    }
    const nodes = [this.#deeper(() => this.#sum())];
    while (this.#take(",") !== null) nodes.push(this.#deeper(() => this.#sum()));
    const wanted = ARGUMENTS[name] ?? nodes.length;
    if (nodes.length !== wanted) {
      throw new InputError(
        `Cannot compute ${
          JSON.stringify(this.#text)
        } as ${name} takes ${wanted} number: got ${nodes.length}`,
      );
    }
    return this.#closed((values) => compute(...nodes.map((node) => node(values))));
  }

  #closed(node: Node): Node {
    if (this.#take(")") === null) throw this.#fault('")"');
    return node;
  }

  #deeper(parse: () => Node): Node {
    if (++this.#depth > MAX_DEPTH) {
      throw new InputError(
        `Cannot compute an expression of more than ${MAX_DEPTH} levels of brackets`,
      );
    }
    const node = parse();
    this.#depth--;
    return node;
  }

  #fault(expected: string): InputError {
    const { kind, text, at } = this.#token;
    const found = kind === "end" ? "it ends" : `found ${JSON.stringify(text)}`;
    return new InputError(
      `Cannot compute ${JSON.stringify(this.#text)}: at character ${
        at + 1
      } expected ${expected}, and ${found}`,
    );
  }

  #scan(): Token[] {
    const pattern =
      /\s*(?:(?<number>(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)|(?<name>[\p{L}_][\p{L}\p{N}_]*)|"(?<quoted>[^"]+)"|(?<sign>\*\*|[-+*/^(),]))/uy;
    const tokens: Token[] = [];
    let at = 0;
    while (this.#text.slice(at).trim() !== "") {
      pattern.lastIndex = at;
      const match = pattern.exec(this.#text);
      const start = at + this.#text.slice(at).search(/\S/);
      if (match === null) {
        throw new InputError(
          `Cannot compute ${JSON.stringify(this.#text)}: character ${start + 1}, ${
            JSON.stringify(this.#text[start])
          }, means nothing there`,
        );
      }
      const { number, name, quoted, sign } = match.groups!;
      if (number !== undefined) tokens.push({ kind: "number", text: number, at: start });
      else if (sign !== undefined) tokens.push({ kind: "sign", text: sign, at: start });
      else tokens.push({ kind: "name", text: name ?? quoted!, at: start });
      at = pattern.lastIndex;
    }
    tokens.push({ kind: "end", text: "", at: this.#text.length });
    return tokens;
  }
}
