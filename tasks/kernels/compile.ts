/**
 * Compiles the decoders in lib/raster/kernels/assembly to kernels.wasm: `deno task kernels`. With `--check`, compares
 * what is there with what would be written, and exits 1 if they differ.
 *
 * This folder has a configuration of its own, as the compiler is a hundred megabytes that nobody else
 * should have to download.
 */
import asc from "assemblyscript/asc";

const FOLDER = new URL("../../lib/raster/kernels/assembly/", import.meta.url);
const WASM = new URL("../kernels.wasm", FOLDER);

/** Compile the kernels. */
async function compile(): Promise<Uint8Array> {
  const files = new Map<string, string>();
  for await (const { name } of Deno.readDir(FOLDER)) {
    files.set(name, await Deno.readTextFile(new URL(name, FOLDER)));
  }
  const compiled: Uint8Array[] = [];
  const { error, stderr } = await asc.main(
    ["index.ts", "-O3", "--runtime", "stub", "--enable", "simd", "--outFile", "kernels.wasm"],
    {
      readFile: (name) => files.get(name) ?? null,
      writeFile: (_, contents) => {
        if (contents instanceof Uint8Array) compiled.push(contents);
      },
      listFiles: () => [],
    },
  );
  if (error !== null || compiled[0] === undefined) {
    throw new Error(stderr.toString(), { cause: error });
  }
  return compiled[0];
}

const wasm = await compile();
if (Deno.args.includes("--check")) {
  const old = await Deno.readFile(WASM);
  if (old.length !== wasm.length || old.some((byte, index) => byte !== wasm[index])) {
    console.error("kernels.wasm is not what its source compiles to: run `deno task kernels`");
    Deno.exit(1);
  }
} else {
  await Deno.writeFile(WASM, wasm);
  console.error(`${wasm.length} bytes`);
}
