/**
 * Runs the golden command lines; see `support/golden_case.ts`.
 */
import assert from "node:assert/strict";
import { listCases, type Outcome, readExpected, runCase } from "./support/golden_case.ts";

const names = listCases();
const started = new Map<string, Promise<Outcome>>();

/** Start a case unless it runs already. A failure is reported by the test that awaits it. */
function start(name: string): Promise<Outcome> {
  let outcome = started.get(name);
  if (outcome === undefined) {
    outcome = runCase(name);
    outcome.catch(() => {});
    started.set(name, outcome);
  }
  return outcome;
}

names.forEach((name, i) => {
  Deno.test({
    name: `case ${name}`,
    // The next case runs beside this one, and beyond its end.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const next = names[i + 1];
      const outcome = start(name);
      if (next !== undefined) start(next);
      assert.deepEqual(await outcome, await readExpected(name));
    },
  });
});
