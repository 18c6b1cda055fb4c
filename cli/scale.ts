/**
 * What stored numbers mean, where options say it in place of the file.
 *
 * @module
 */
import { CommandError } from "./errors.ts";
import type { CommandIo } from "./io.ts";
import { message, option, optional } from "./optique.ts";
import { numberList } from "./values.ts";

/** `--scale`: divisors, one for all bands or one for each. */
export function scaleOption() {
  return optional(
    option("--scale", numberList("NUMBERS"), {
      description:
        message`What stored numbers are divided by first, such as 10000 for Sentinel-2; what the file says by default`,
    }),
  );
}

/** `--offset`: one for all bands or one for each. */
export function offsetOption() {
  return optional(
    option("--offset", numberList("NUMBERS"), {
      description: message`What is added then; what the file says by default`,
    }),
  );
}

/** What stored numbers are multiplied by, from what they are divided by. */
export function factorOf(divisor: number): number {
  if (divisor !== 0) return 1 / divisor;
  throw new CommandError("--scale 0 is no divisor");
}

/** Warn of factors that were given in place of divisors. */
export function watchDivisors(divisors: readonly number[] | undefined, io: CommandIo): void {
  for (const divisor of divisors ?? []) {
    if (divisor === 0 || Math.abs(divisor) >= 1) continue;
    io.warn(`stored numbers are divided by --scale ${divisor}: did you mean ${1 / divisor}?`);
  }
}
