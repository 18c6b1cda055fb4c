/** A process that does one thing with its `CommandIo`, for `io_test.ts`. */
import { processIo } from "../../cli/io.ts";
import { endingOf } from "../../cli/errors.ts";

const [action = "", path = "", ...flags] = Deno.args;
const io = processIo(["probe", ...Deno.args], {
  quiet: flags.includes("--quiet"),
  verbose: flags.includes("--verbose"),
});

const ACTIONS: Readonly<Record<string, () => Promise<void>>> = {
  /** Write zeros until somebody objects; remove the file on the way out. */
  async flood() {
    using _file = { [Symbol.dispose]: () => Deno.removeSync(path) };
    for (;;) await io.write(new Uint8Array(1 << 20));
  },
  /** Remove the file when interrupted; say when ready. */
  async interruptible() {
    io.onInterrupt(async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      Deno.removeSync(path);
    });
    await wait();
  },
  wait,
  async talk() {
    io.info("info");
    io.debug("debug");
    io.warn("careful");
    const bar = io.progress("Cutting", "patches", 2);
    bar.update(1);
    bar.finish();
    await io.write(`${io.commandLine}\n`);
  },
  binary: () => io.write(new Uint8Array([1, 0, 2])),
  text: () => io.write(new TextEncoder().encode('{"type":"header"}\n')),
  async stdin() {
    io.stdin();
    await Promise.resolve();
  },
};

async function wait() {
  await io.write("ready\n");
  await new Promise((resolve) => setTimeout(resolve, 20_000));
}

try {
  await ACTIONS[action]!();
} catch (error) {
  const { exitCode, lines } = await endingOf(error, "swath probe", false);
  for (const line of lines) Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
  Deno.exit(exitCode);
}
Deno.exit(0);
