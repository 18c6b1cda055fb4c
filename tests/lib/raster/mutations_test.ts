/** A part of the damaged files; `deno run -A tasks/mutate_tiff.ts` goes through all of them. */
import assert from "node:assert/strict";
import { mutantsOf, mutationSeeds, type Outcomes, tryMutant } from "./mutations.ts";

Deno.test("damaged files are read or refused, and nothing else", async () => {
  const outcomes: Outcomes = { read: 0, refused: 0, faults: [] };
  for (const { name, bytes } of mutationSeeds()) {
    const whole: Outcomes = { read: 0, refused: 0, faults: [] };
    await tryMutant(name, { change: "undamaged", bytes }, whole);
    assert.deepEqual(whole, { read: 1, refused: 0, faults: [] }, name);
    for (const mutant of mutantsOf(bytes, 23)) await tryMutant(name, mutant, outcomes);
  }
  assert.deepEqual(outcomes.faults, []);
  assert.ok(outcomes.refused > 500, `refused ${outcomes.refused}`);
});
