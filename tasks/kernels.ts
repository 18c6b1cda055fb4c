/**
 * Compiles the decoders that are written in AssemblyScript: `deno task kernels`. With `--check`,
 * compares what is there with what would be written, and exits 1 if they differ.
 */
import asc from "assemblyscript/asc";
import { print } from "./print.ts";

const FOLDER = new URL("../lib/raster/kernels/", import.meta.url);
const WASM = new URL("kernels.wasm", FOLDER);

/** Compile the kernels. */
export async function compileKernels(): Promise<Uint8Array> {
  const files = new Map<string, string>();
  for await (const { name } of Deno.readDir(new URL("assembly/", FOLDER))) {
    files.set(name, await Deno.readTextFile(new URL(`assembly/${name}`, FOLDER)));
  }
  let wasm: Uint8Array | null = null;
  const { error, stderr } = await asc.main(
    ["index.ts", "-O3", "--runtime", "stub", "--enable", "simd", "--outFile", "kernels.wasm"],
    {
      readFile: (name) => files.get(name) ?? null,
      writeFile: (_, contents) => {
        if (contents instanceof Uint8Array) wasm = contents;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || wasm === null) throw new Error(stderr.toString(), { cause: error });
  return wasm;
}

if (import.meta.main) {
  const wasm = await compileKernels();
  if (Deno.args.includes("--check")) {
    const old = await Deno.readFile(WASM);
    if (old.length !== wasm.length || old.some((byte, index) => byte !== wasm[index])) {
      print(
        "lib/raster/kernels/kernels.wasm is not what its source compiles to: deno task kernels\n",
      );
      Deno.exit(1);
    }
  } else {
    await Deno.writeFile(WASM, wasm);
    print(`${wasm.length} bytes\n`);
  }
}
