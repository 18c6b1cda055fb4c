/**
 * Numbers that turn out to belong together.
 *
 * Tarjan, "Efficiency of a Good But Not Linear Set Union Algorithm" (1975), with paths compressed as they are walked.
 *
 * @module
 */

import { grown } from "./grown.ts";

/** Sets of the numbers 0, 1, 2, …; each is named by its smallest number. */
export class DisjointSets {
  /** A smaller number of the same set; itself for the smallest. */
  #parents: Int32Array<ArrayBuffer> = new Int32Array(1024);
  #count = 0;

  /** How many numbers there are. */
  get count(): number {
    return this.#count;
  }

  /** Add the next number, in a set of its own. */
  add(): void {
    if (this.#count === this.#parents.length) this.#parents = grown(this.#parents);
    this.#parents[this.#count] = this.#count;
    this.#count++;
  }

  /** Two numbers are of one set. */
  join(a: number, b: number): void {
    const [first, second] = [this.#nameOf(a), this.#nameOf(b)];
    if (first !== second) this.#parents[Math.max(first, second)] = Math.min(first, second);
  }

  /** The name of each number's set. */
  names(): Int32Array<ArrayBuffer> {
    // A parent is smaller, so that its own name is known by then.
    const names = this.#parents.slice(0, this.#count);
    for (let number = 0; number < names.length; number++) names[number] = names[names[number]!]!;
    return names;
  }

  #nameOf(number: number): number {
    let name = number;
    while (this.#parents[name] !== name) name = this.#parents[name]!;
    for (let current = number; current !== name;) {
      const next = this.#parents[current]!;
      this.#parents[current] = name;
      current = next;
    }
    return name;
  }
}
