/** Weights against PyTorch, safetensors, huggingface_hub and transformers. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  bytesOf,
  type NdArray,
  openSafetensors,
  openTorchFile,
  readAllTensors,
  type TensorSource,
  writeSafetensors,
} from "swath";
import { withDirectory } from "../lib/weights/helpers.ts";
import { peerTest, runPythonJson } from "./python.ts";

/** A tensor as weights.py describes it. */
interface Described {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: string;
}

type DescribedTensors = Readonly<Record<string, Described>>;

function describe(tensors: ReadonlyMap<string, NdArray>): DescribedTensors {
  return Object.fromEntries(
    [...tensors].map(([name, array]) => [name, {
      dtype: array.dtype,
      shape: array.shape,
      data: bytesOf(array).toHex(),
    }]),
  );
}

async function readAll(open: Promise<TensorSource>): Promise<Map<string, NdArray>> {
  using source = await open;
  return readAllTensors(source);
}

const torch = ["torch", "safetensors"];

peerTest(
  "tensors that Python wrote are read bit by bit",
  torch,
  () =>
    withDirectory(async (directory) => {
      const written = await runPythonJson<Record<string, DescribedTensors>>("weights.py", [
        "save",
        directory,
      ]);
      for (const [name, expected] of Object.entries(written)) {
        const path = join(directory, name);
        const read = await readAll(
          name.endsWith(".safetensors") ? openSafetensors(path) : openTorchFile(path),
        );
        assert.deepEqual(describe(read), expected, name);
      }
      const refused: [string, RegExp][] = [
        [
          "module.pt",
          /"torch\.nn\.modules\.container\.Sequential" is not allowed in a weights file/,
        ],
        ["legacy.pt", /it has the format from before PyTorch 1\.6, which is not supported/],
        ["complex.pt", /tensor "w" has the element type complex64, which is not supported/],
        ["script.pt", /it is a TorchScript program, not weights/],
      ];
      for (const [name, message] of refused) {
        await assert.rejects(openTorchFile(join(directory, name)), message);
      }
    }),
);

peerTest(
  "written safetensors are read by Python and are its own bytes",
  torch,
  () =>
    withDirectory(async (directory) => {
      await runPythonJson("weights.py", ["save", directory]);
      const tensors = await readAll(openTorchFile(join(directory, "types.pt")));
      const [ours, theirs] = [join(directory, "ours"), join(directory, "theirs")];
      await writeSafetensors(ours, tensors);
      const read = await runPythonJson<{ metadata: unknown; tensors: DescribedTensors }>(
        "weights.py",
        ["rewrite", ours, theirs],
      );
      assert.deepEqual(read.metadata, { format: "pt" });
      assert.deepEqual(
        Object.entries(read.tensors).sort(),
        Object.entries(describe(tensors)).sort(),
      );
      assert.deepEqual(await Deno.readFile(ours), await Deno.readFile(theirs));
    }),
);
