/**
 * Random numbers by address instead of by order.
 *
 * Every number is a function of (seed, stream, counter): any of them can be computed at any time, on
 * any process, in any order, so that a run resumes, shards and repeats exactly without saving the
 * state of a generator.
 *
 * @module
 */
import { philox4x32, philoxInto, type Words4 } from "./philox.ts";

const WORD = 0x1_0000_0000;

/**
 * Last word of the counter: keeps the numbers of a stream (even) apart from its permutations (odd).
 * The latter need two counters, and put the upper part of one here.
 */
const DOMAIN = { numbers: 0, permutation: 1, normals: 2 } as const;

/** Normal numbers that come out of one block. */
const NORMALS = 4;

/** Numbers of one purpose under one seed; see {@linkcode randomStream}. */
export interface RandomStream {
  /**
   * A number of [0, 1) with 53 random bits.
   *
   * @param counter Which number: an integer from 0 to 2⁵³ − 1.
   */
  uniform(counter: number): number;
  /**
   * A number of the standard normal distribution (Box and Muller, 1958), from 64 random bits.
   *
   * @param counter Which number.
   */
  normal(counter: number): number;
  /**
   * Fill an array with the numbers that {@linkcode RandomStream.normal} gives, several times faster.
   *
   * @param target The array.
   * @param first Counter of its first element.
   */
  normals(target: Float32Array, first?: number): void;
  /**
   * An integer of [0, bound).
   *
   * @param counter Which number.
   * @param bound Upper bound, from 1 to 2³². The bias is below bound / 2⁵³.
   */
  integer(counter: number, bound: number): number;
  /**
   * The integers from 0 to length − 1 in random order, all orders equally likely (Fisher and Yates).
   *
   * @param length How many.
   * @param counter Which permutation, such as the epoch.
   */
  permutation(length: number, counter?: number): Uint32Array<ArrayBuffer>;
}

/**
 * The random numbers of a seed for one purpose.
 *
 * @param seed Seed of the run: an integer from 0 to 2⁵³ − 1.
 * @param stream What the numbers are for, such as `shuffle`: streams with different names are
 * independent.
 * @returns Its numbers.
 * @throws {RangeError} If the seed is not such an integer.
 *
 * @example
 * ```ts
 * import { randomStream } from "swath";
 *
 * const shuffle = randomStream(1, "shuffle");
 * const order = shuffle.permutation(10, 3);
 * if (new Set(order).size !== 10) throw new Error("not a permutation");
 * if (shuffle.uniform(7) !== randomStream(1, "shuffle").uniform(7)) throw new Error("not repeatable");
 * ```
 */
export function randomStream(seed: number, stream: string): RandomStream {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`internal: a seed must be an integer from 0 to 2^53 - 1: got ${seed}`);
  }
  const key = [seed >>> 0, Math.floor(seed / WORD)] as const;
  const id = hashText(stream);
  const block = (counter: number, domain: number): Words4 =>
    philox4x32([counter >>> 0, Math.floor(counter / WORD), id, domain], key);

  const uniform = (counter: number): number => {
    const [low, high] = block(counter, DOMAIN.numbers);
    return unitInterval(low, high);
  };

  const words = new Uint32Array(4);
  const numbers = new Float64Array(NORMALS);
  /** Two pairs of normal numbers, each from a radius and an angle. */
  const normalBlock = (index: number): void => {
    philoxInto(words, index >>> 0, Math.floor(index / WORD), id, DOMAIN.normals, key[0], key[1]);
    for (let pair = 0; pair < NORMALS; pair += 2) {
      const radius = Math.sqrt(-2 * Math.log((words[pair]! + 0.5) / WORD));
      const angle = words[pair + 1]! * (2 * Math.PI / WORD);
      numbers[pair] = radius * Math.cos(angle);
      numbers[pair + 1] = radius * Math.sin(angle);
    }
  };

  return {
    uniform,
    normal(counter) {
      const number = counter % NORMALS;
      normalBlock(Math.floor(counter / NORMALS));
      return numbers[number]!;
    },
    normals(target, first = 0) {
      for (let i = 0; i < target.length;) {
        const counter = first + i;
        normalBlock(Math.floor(counter / NORMALS));
        for (let number = counter % NORMALS; number < NORMALS && i < target.length; number++) {
          target[i++] = numbers[number]!;
        }
      }
    },
    integer(counter, bound) {
      return Math.floor(uniform(counter) * bound);
    },
    permutation(length, counter = 0) {
      const order = Uint32Array.from({ length }, (_, index) => index);
      const epoch = [counter >>> 0, Math.floor(counter / WORD)] as const;
      for (let last = length - 1; last > 0; last--) {
        const [low, high] = philox4x32(
          [last, epoch[0], id, DOMAIN.permutation + 2 * epoch[1]],
          key,
        );
        const chosen = Math.floor(unitInterval(low, high) * (last + 1));
        const value = order[last]!;
        order[last] = order[chosen]!;
        order[chosen] = value;
      }
      return order;
    },
  };
}

/** 53 of 64 random bits as a number of [0, 1). */
function unitInterval(low: number, high: number): number {
  return ((high >>> 5) * 0x400_0000 + (low >>> 6)) / 0x20_0000_0000_0000;
}

/** FNV-1a, 32 bits, over the text's UTF-8 bytes. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
