/**
 * Runs the examples of the commands' help pages, each in a copy of a directory that holds the files
 * which they speak of; see `support/example_files.sh`.
 */
import assert from "node:assert/strict";
import { COMMANDS } from "../../cli/commands/mod.ts";
import { missingPrograms, runShell } from "../support/shell.ts";

/** Files that are something else to other commands, and files that a command is to make itself. */
const PREPARATIONS: Readonly<Record<string, string>> = {
  slurm: "swath slurm map --scenes scenes.ndjson --model model --size 64 --out job --no-submit",
  info: "cp truth.tif map.tif",
  normalize: "for part in part-1 part-2; do cp stats.json $part.json; done",
  iou: `cp truth.tif map.tif
for part in part-1 part-2; do swath iou map.tif truth.tif --format json > $part.json; done`,
  render: "cp truth.tif map.tif",
  report: "cp truth.tif map.tif",
  sieve: "cp truth.tif map.tif",
  stats: "cp truth.tif map.tif",
  area: "cp truth.tif map.tif",
  polygonize: "cp truth.tif map.tif",
  change: `swath synth landcover --size 256 --seed 2 -o other.tif --labels 2024-map.tif
cp truth.tif 2023-map.tif`,
  mosaic: "for map in east west; do cp truth.tif $map.tif; done",
  plot: "swath iou truth.tif truth.tif --format json > scores.json",
  split: `rm labels.tif && swath synth landcover --size 8192x128 --bands B04 \\
  -o scene.tif --labels labels.tif --overwrite
swath tile scene.tif --labels labels.tif --size 128 > scene.tar`,
  synth: "rm labels.tif",
};

/** Examples for shells that are seldom installed; `completion_test.ts` tries what can be tried. */
const NOT_RUN = ["completion"];

let prepared: Promise<string> | null = null;

/** The directory with the files, made once. */
function prepare(): Promise<string> {
  return prepared ??= (async () => {
    const directory = await Deno.makeTempDir({ prefix: "swath-examples-" });
    globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));
    const { code, stderr } = await runShell("example_files", directory);
    assert.equal(code, 0, stderr);
    return directory;
  })();
}

async function runExample(verb: string, command: string): Promise<void> {
  const files = await prepare();
  const directory = await Deno.makeTempDir({ prefix: "swath-example-" });
  try {
    // What a command makes must not be there yet, unless it goes on with it.
    const outputs = /--resume| status /.test(command)
      ? []
      : [...command.matchAll(/(?:-o|--out) (\S+)/g)].map(([, path]) => path);
    const script = [
      "set -e",
      `cp -r '${files}'/. .`,
      PREPARATIONS[verb] ?? "",
      `rm -rf ${outputs.join(" ")}`,
      command,
    ];
    const { code, stderr } = await runShell(script.join("\n"), directory);
    assert.equal(code, 0, `${command}\n${stderr}`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

for (const [verb, { load }] of Object.entries(COMMANDS)) {
  if (NOT_RUN.includes(verb)) continue;
  for (const { note, command } of (await load()).default.examples) {
    const missing = missingPrograms(command);
    const reason = missing.length === 0 ? "" : ` (skipped: no ${missing.join(", ")})`;
    Deno.test({
      name: `example of ${verb}: ${note}${reason}`,
      ignore: missing.length > 0,
      fn: () => runExample(verb, command),
    });
  }
}
