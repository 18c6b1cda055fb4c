/** `swath split`. @module */
import { expandShards, splitShards, spoolStream } from "../../mod.ts";
import { defineCommand } from "../command.ts";
import type { CommandIo } from "../io.ts";
import { fileArguments, overwriteOption, seedOption } from "../options.ts";
import { message, object, option, withDefault } from "../optique.ts";
import { decimalNumber, path, wholeNumber } from "../values.ts";

export default defineCommand({
  name: "split",
  summary: "Divide labelled patches into training, validation and test by blocks of ground",
  description: [
    "Neighbouring patches look alike, and scores on patches that lie beside training data are too good. " +
    "So the ground is cut into square blocks, each of which is for one purpose as a whole; dates of the " +
    "same ground fall into the same blocks. With --buffer, patches nearer than that to those of " +
    "another purpose are left out. Independent pictures are divided one by one.",
    "Writes train.tar, val.tar and, with --test, test.tar. The same seed gives the same files.",
  ],
  examples: [
    {
      note: "A fifth for validation, with half a kilometre at 10 m in between",
      command: "swath split scene.tar --val 0.2 --block 512 --buffer 50 --out shards",
    },
    {
      note: "From a pipe",
      command: "swath tile scene.tif --labels labels.tif --size 128 | swath split - --out shards",
    },
  ],
  whenMissing: "Patches at standard input are read as -: " +
    "swath tile SCENE --labels LABELS | swath split - --out DIR",
  parser: object({
    shards: fileArguments("SHARDS", "Patch streams: paths, globs, or - for standard input", {
      extensions: [".tar"],
    }),
    val: withDefault(
      option("--val", decimalNumber("SHARE", { min: 0, max: 1 }), {
        description: message`Share of the patches for validation`,
      }),
      0.2,
    ),
    test: withDefault(
      option("--test", decimalNumber("SHARE", { min: 0, max: 1 }), {
        description: message`Share of the patches for test`,
      }),
      0,
    ),
    block: withDefault(
      option("--block", wholeNumber("PIXELS", { min: 1 }), {
        description: message`Side of a block`,
      }),
      2048,
    ),
    buffer: withDefault(
      option("--buffer", wholeNumber("PIXELS", { min: 0 }), {
        description: message`Pixels that must lie between patches for different purposes`,
      }),
      0,
    ),
    seed: seedOption(),
    out: withDefault(
      option("-o", "--out", path("FOLDER", { type: "directory" }), {
        description: message`Folder of the files`,
      }),
      ".",
    ),
    overwrite: overwriteOption(),
  }),
  async run({ shards, ...options }, io) {
    const spool = shards.includes("-") ? await spoolStream(io.stdin()) : null;
    const removeSpool = () => spool === null ? undefined : Deno.removeSync(spool);
    io.onInterrupt(removeSpool);
    try {
      const files = await expandShards(shards.filter((pattern) => pattern !== "-"));
      await split(spool === null ? files : [spool, ...files], options, io);
    } finally {
      removeSpool();
    }
  },
});

async function split(
  paths: readonly string[],
  options: Omit<Parameters<typeof splitShards>[1], "history" | "onProgress">,
  io: CommandIo,
): Promise<void> {
  const progress = io.progress("Splitting", "patches");
  try {
    const { counts, overlaps, overlapExample } = await splitShards(paths, {
      ...options,
      history: [io.commandLine],
      onProgress: progress.update,
    });
    const { train, val, test, leftOut } = counts;
    io.info(
      `${train} patches to train on, ${val} to validate, ${test} to test, ${leftOut} left out`,
    );
    if (overlapExample === null) return;
    io.warn(
      `${overlaps} pairs of patches for different purposes overlap, such as ${
        overlapExample.join(" and ")
      }; keep them apart with --buffer`,
    );
  } finally {
    progress.finish();
  }
}
