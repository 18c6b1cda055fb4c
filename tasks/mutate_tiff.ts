/**
 * Damages small TIFFs in every byte and at every length and reads them: `deno task mutate`.
 *
 * Prints how many damaged files were read, refused, or met a fault of the reader; exits 1 on faults.
 */
import {
  mutantsOf,
  mutationSeeds,
  type Outcomes,
  tryMutant,
} from "../tests/lib/raster/mutations.ts";
import { print } from "./print.ts";

const started = performance.now();
const total: Outcomes = { read: 0, refused: 0, faults: [] };
let peak = 0;
for (const { name, bytes } of mutationSeeds()) {
  const outcomes: Outcomes = { read: 0, refused: 0, faults: [] };
  for (const mutant of mutantsOf(bytes)) {
    await tryMutant(name, mutant, outcomes);
    peak = Math.max(peak, Deno.memoryUsage().rss);
  }
  total.read += outcomes.read;
  total.refused += outcomes.refused;
  total.faults.push(...outcomes.faults);
  print(
    `${name}: ${bytes.length} bytes, ${outcomes.read} read, ${outcomes.refused} refused, ${outcomes.faults.length} faults\n`,
  );
}
print(
  `${total.read + total.refused + total.faults.length} damaged files in ${
    ((performance.now() - started) / 1000).toFixed(0)
  } s: ${total.read} read, ${total.refused} refused, ${total.faults.length} faults, peak memory ${
    (peak / 1e6).toFixed(0)
  } MB\n`,
);
for (const fault of total.faults.slice(0, 50)) print(`${fault}\n`);
if (total.faults.length > 0) Deno.exit(1);
