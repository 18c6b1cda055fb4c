/**
 * A restricted reader of Python pickles (protocols 2 to 5).
 *
 * A pickle is a program for a stack machine, and Python's own machine may import and call anything.
 * This one builds lists, tuples, dictionaries, numbers and text; the only names that it resolves are
 * those in the table that the caller gives, and every other name is refused as soon as it is seen.
 * Opcodes and their arguments are those of CPython's `Lib/pickletools.py`.
 *
 * @module
 */
import type { Fault } from "./zip.ts";

/** What a pickle may hold. Python's `list` is an array, `dict` a `Map`, `int` a bigint where large. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | PickleTuple
  | Map<PickleKey, PickleValue>
  | PickleFunction
  | PickleObject;

/** Keys of dictionaries that weights files have. */
export type PickleKey = string | number | bigint | boolean | null;

/** Python's tuple. */
export class PickleTuple {
  /** Hold these items. */
  constructor(readonly items: readonly PickleValue[]) {}
}

/** A name that the pickle may call. */
export class PickleFunction {
  /** Call `apply` with the arguments that the pickle gives. */
  constructor(
    readonly name: string,
    readonly apply: (args: readonly PickleValue[]) => PickleValue,
  ) {}
}

/** Anything that a function made or a name stands for; the pickle can only pass it on. */
export abstract class PickleObject {
  /** What it is, in words. */
  abstract readonly kind: string;
}

/** What a pickle may refer to. */
export interface PickleEnvironment {
  /** Values of names such as `collections.OrderedDict`. */
  readonly globals: ReadonlyMap<string, PickleValue>;
  /** Resolves references to what is stored outside of the pickle. */
  persistentLoad(id: PickleValue): PickleValue;
  /** Makes the error for a damaged or forbidden pickle. */
  readonly fault: Fault;
}

/**
 * Read a pickle.
 *
 * @param bytes The pickle, from its first opcode to `STOP`.
 * @param environment Names and references that it may use.
 * @returns The value that it builds.
 */
export function unpickle(bytes: Uint8Array, environment: PickleEnvironment): PickleValue {
  return new Machine(bytes, environment).run();
}

const HIGHEST_PROTOCOL = 5;

/** Opcodes that make objects of arbitrary classes, by name; none is needed for weights. */
const FORBIDDEN_OPCODES: Readonly<Record<string, string>> = {
  i: "INST",
  o: "OBJ",
  "\x81": "NEWOBJ",
  "\x92": "NEWOBJ_EX",
  "\x82": "EXT1",
  "\x83": "EXT2",
  "\x84": "EXT4",
  "\x97": "NEXT_BUFFER",
  "\x98": "READONLY_BUFFER",
};

class Machine {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #environment: PickleEnvironment;
  readonly #memo = new Map<number, PickleValue>();
  /** Stacks put aside by `MARK`. */
  readonly #marked: PickleValue[][] = [];
  #stack: PickleValue[] = [];
  #at = 0;

  constructor(bytes: Uint8Array, environment: PickleEnvironment) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#environment = environment;
  }

  run(): PickleValue {
    for (;;) {
      const opcode = String.fromCharCode(this.#byte());
      if (opcode === ".") return this.#pop();
      this.#step(opcode);
    }
  }

  #step(opcode: string): void {
    switch (opcode) {
      case "\x80": // PROTO
        return this.#checkProtocol(this.#byte());
      case "\x95": // FRAME
        return void this.#take(8);
      case "(": // MARK
        this.#marked.push(this.#stack);
        this.#stack = [];
        return;
      case "0": // POP
        return void this.#pop();
      case "1": // POP_MARK
        return void this.#popMark();
      case "2": // DUP
        return this.#push(this.#top());

      case "N": // NONE
        return this.#push(null);
      case "\x88": // NEWTRUE
        return this.#push(true);
      case "\x89": // NEWFALSE
        return this.#push(false);
      case "K": // BININT1
        return this.#push(this.#byte());
      case "M": // BININT2
        return this.#push(this.#view.getUint16(this.#take(2), true));
      case "J": // BININT
        return this.#push(this.#view.getInt32(this.#take(4), true));
      case "\x8a": // LONG1
        return this.#push(this.#long(this.#byte()));
      case "\x8b": // LONG4
        return this.#push(this.#long(this.#length(4)));
      case "G": // BINFLOAT
        return this.#push(this.#view.getFloat64(this.#take(8), false));
      case "X": // BINUNICODE
        return this.#push(this.#text(this.#length(4)));
      case "\x8c": // SHORT_BINUNICODE
        return this.#push(this.#text(this.#byte()));
      case "\x8d": // BINUNICODE8
        return this.#push(this.#text(this.#length(8)));
      case "B": // BINBYTES
        return this.#push(this.#slice(this.#length(4)));
      case "C": // SHORT_BINBYTES
        return this.#push(this.#slice(this.#byte()));
      case "\x8e": // BINBYTES8
        return this.#push(this.#slice(this.#length(8)));

      case ")": // EMPTY_TUPLE
        return this.#push(new PickleTuple([]));
      case "\x85": // TUPLE1
        return this.#push(new PickleTuple(this.#popMany(1)));
      case "\x86": // TUPLE2
        return this.#push(new PickleTuple(this.#popMany(2)));
      case "\x87": // TUPLE3
        return this.#push(new PickleTuple(this.#popMany(3)));
      case "t": // TUPLE
        return this.#push(new PickleTuple(this.#popMark()));
      case "]": // EMPTY_LIST
        return this.#push([]);
      case "l": // LIST
        return this.#push(this.#popMark());
      case "a": // APPEND
        return this.#append(this.#popMany(1));
      case "e": // APPENDS
        return this.#append(this.#popMark());
      case "}": // EMPTY_DICT
        return this.#push(new Map());
      case "d": // DICT
        return this.#setItems(this.#popMark(), new Map());
      case "s": // SETITEM
        return this.#setItems(this.#popMany(2));
      case "u": // SETITEMS
        return this.#setItems(this.#popMark());

      case "q": // BINPUT
        return void this.#memo.set(this.#byte(), this.#top());
      case "r": // LONG_BINPUT
        return void this.#memo.set(this.#length(4), this.#top());
      case "\x94": // MEMOIZE
        return void this.#memo.set(this.#memo.size, this.#top());
      case "h": // BINGET
        return this.#push(this.#recall(this.#byte()));
      case "j": // LONG_BINGET
        return this.#push(this.#recall(this.#length(4)));

      case "c": // GLOBAL
        return this.#push(this.#global(this.#line(), this.#line()));
      case "\x93": { // STACK_GLOBAL
        const [module, name] = this.#popMany(2);
        return this.#push(this.#global(module!, name!));
      }
      case "R": // REDUCE
        return this.#reduce();
      case "b": // BUILD
        return this.#build();
      case "Q": // BINPERSID
        return this.#push(this.#environment.persistentLoad(this.#pop()));
      default:
        throw this.#fault(
          opcode in FORBIDDEN_OPCODES
            ? `it makes objects of Python classes (opcode ${
              FORBIDDEN_OPCODES[opcode]
            }), which is not allowed in a weights file`
            : `byte ${this.#at - 1} of its pickle, 0x${
              opcode.charCodeAt(0).toString(16).padStart(2, "0")
            }, is no opcode that weights files have`,
        );
    }
  }

  #fault(what: string, hint?: string): Error {
    return this.#environment.fault(what, hint);
  }

  #checkProtocol(protocol: number): void {
    if (protocol <= HIGHEST_PROTOCOL) return;
    throw this.#fault(
      `its pickle has protocol ${protocol}, and at most ${HIGHEST_PROTOCOL} is known`,
    );
  }

  /** Move past this many bytes and return where they begin. */
  #take(count: number): number {
    const start = this.#at;
    if (start + count > this.#bytes.length) {
      throw this.#fault(`its pickle ends at byte ${this.#bytes.length}, within an item`);
    }
    this.#at += count;
    return start;
  }

  #byte(): number {
    return this.#bytes[this.#take(1)]!;
  }

  #length(width: 4 | 8): number {
    const at = this.#take(width);
    return width === 4 ? this.#view.getUint32(at, true) : Number(this.#view.getBigUint64(at, true));
  }

  #slice(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.slice(start, start + length);
  }

  #text(length: number): string {
    const start = this.#take(length);
    return this.#decode(this.#bytes.subarray(start, start + length));
  }

  #line(): string {
    const end = this.#bytes.indexOf("\n".charCodeAt(0), this.#at);
    if (end < 0) throw this.#fault("its pickle ends within a name");
    const text = this.#decode(this.#bytes.subarray(this.#at, end));
    this.#at = end + 1;
    return text;
  }

  #decode(bytes: Uint8Array): string {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw this.#fault("its pickle holds text that is not UTF-8");
    }
  }

  /** Little-endian two's complement of any length; a plain number where that is exact. */
  #long(length: number): number | bigint {
    // Converting digits takes quadratic time, and no count in a weights file has 1024 bits.
    if (length > 128) throw this.#fault(`its pickle holds a number of ${length} bytes`);
    const start = this.#take(length);
    let value = 0n;
    for (let at = start + length - 1; at >= start; at--) {
      value = value << 8n | BigInt(this.#bytes[at]!);
    }
    value = BigInt.asIntN(8 * length, value);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  #push(value: PickleValue): void {
    this.#stack.push(value);
  }

  #top(): PickleValue {
    const value = this.#stack.at(-1);
    if (value === undefined) throw this.#fault("its pickle takes more from the stack than it put");
    return value;
  }

  #pop(): PickleValue {
    const value = this.#top();
    this.#stack.pop();
    return value;
  }

  #popMany(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.#pop()).reverse();
  }

  #popMark(): PickleValue[] {
    const items = this.#stack;
    const below = this.#marked.pop();
    if (below === undefined) throw this.#fault("its pickle takes a mark that it did not put");
    this.#stack = below;
    return items;
  }

  #recall(index: number): PickleValue {
    const value = this.#memo.get(index);
    if (value === undefined) {
      throw this.#fault(`its pickle recalls item ${index}, which is not there`);
    }
    return value;
  }

  #append(items: readonly PickleValue[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) throw this.#fault("its pickle appends to something that is no list");
    for (const item of items) list.push(item);
  }

  #setItems(items: readonly PickleValue[], fresh?: Map<PickleKey, PickleValue>): void {
    if (fresh !== undefined) this.#push(fresh);
    const dictionary = this.#top();
    if (!(dictionary instanceof Map)) {
      throw this.#fault("its pickle sets items of something that is no dictionary");
    }
    if (items.length % 2 !== 0) throw this.#fault("its pickle sets a key without a value");
    for (let at = 0; at < items.length; at += 2) {
      const key = items[at]!;
      if (typeof key === "object" && key !== null) {
        throw this.#fault("its pickle has a dictionary key that is neither text nor a number");
      }
      dictionary.set(key, items[at + 1]!);
    }
  }

  #global(module: PickleValue, name: PickleValue): PickleValue {
    if (typeof module !== "string" || typeof name !== "string") {
      throw this.#fault("its pickle has a name that is not text");
    }
    const value = this.#environment.globals.get(`${module}.${name}`);
    if (value === undefined) {
      throw this.#fault(
        `${JSON.stringify(`${module}.${name}`)} is not allowed in a weights file`,
        "Save the tensors alone in Python: torch.save(model.state_dict(), path)",
      );
    }
    return value;
  }

  #reduce(): void {
    const [callee, args] = this.#popMany(2);
    if (!(callee instanceof PickleFunction)) {
      throw this.#fault("its pickle calls something that is no function");
    }
    if (!(args instanceof PickleTuple)) {
      throw this.#fault(`its pickle calls ${callee.name} with something that is no tuple`);
    }
    this.#push(callee.apply(args.items));
  }

  /** State dictionaries carry versions of their modules as attributes, which nothing here needs. */
  #build(): void {
    this.#pop();
    if (!(this.#top() instanceof Map)) {
      throw this.#fault("its pickle sets attributes of something that is no dictionary");
    }
  }
}
