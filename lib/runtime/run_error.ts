/** What is said of runs that fail. @module */
import { InputError } from "../errors.ts";
import { firstLine } from "./device.ts";

/** What was run, in messages, and what to do where memory runs out. */
const RUNS = {
  "the model": "Use a smaller batch or smaller tiles",
  "the train step": "Use a smaller batch or smaller samples",
} as const;

/**
 * The error of a run that failed.
 *
 * @param error What the runtime threw, or said.
 * @param what What was run.
 */
export function runError(error: unknown, what: keyof typeof RUNS): Error {
  const line = firstLine(error);
  if (/bad_alloc|failed to allocate|out of memory/i.test(line)) {
    return new InputError(`Cannot run ${what} as memory runs out: ${line}`, {
      hint: RUNS[what],
      cause: error,
    });
  }
  return new Error(`internal: ONNX Runtime failed: ${line}`, { cause: error });
}
