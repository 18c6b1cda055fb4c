import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PROBE = fileURLToPath(new URL("io_probe.ts", import.meta.url));

function probe(...args: string[]): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", PROBE, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Run a body with the path of a file that exists. */
async function withFile(body: (path: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    const path = join(directory, "half-done");
    await Deno.writeTextFile(path, "");
    await body(path);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("a reader that goes away ends the process quietly, with everything cleaned up", async () => {
  await withFile(async (path) => {
    const child = probe("flood", path).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    const [{ code }, stderr] = await Promise.all([child.status, child.stderr.text()]);
    assert.equal(code, 0);
    assert.equal(stderr, "");
    assert.equal(await exists(path), false);
  });
});

Deno.test({
  name: "a full disk is a fault of the output",
  ignore: !await exists("/dev/full"),
  async fn() {
    await withFile(async (path) => {
      const script = `"${Deno.execPath()}" run -A "${PROBE}" flood "${path}" > /dev/full`;
      const { code, stderr } = await new Deno.Command("sh", { args: ["-c", script] }).output();
      assert.equal(code, 2);
      assert.equal(
        text(stderr),
        "swath probe: Cannot write to standard output: No space left on device\n",
      );
      assert.equal(await exists(path), false);
    });
  },
});

for (const [signal, exitCode] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
  Deno.test({
    name: `${signal}: temporary files are dropped, then exit ${exitCode}`,
    ignore: Deno.build.os === "windows",
    async fn() {
      await withFile(async (path) => {
        const child = probe("interruptible", path).spawn();
        const reader = child.stdout.getReader();
        await reader.read();
        child.kill(signal);
        const { code } = await child.status;
        await reader.cancel();
        await child.stderr.cancel();
        assert.equal(code, exitCode);
        assert.equal(await exists(path), false);
      });
    },
  });
}

Deno.test({
  name: "a command without temporary files is stopped by the system",
  ignore: Deno.build.os === "windows",
  async fn() {
    const child = probe("wait").spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    child.kill("SIGTERM");
    const { signal } = await child.status;
    await reader.cancel();
    await child.stderr.cancel();
    assert.equal(signal, "SIGTERM");
  },
});

Deno.test("messages by verbosity; no bar without a terminal; the command line is quoted", async () => {
  const said: Record<string, string> = {
    "--normal": "swath probe: info\nswath probe: warning: careful\n",
    "--quiet": "swath probe: warning: careful\n",
    "--verbose": "swath probe: info\nswath probe: debug\nswath probe: warning: careful\n",
  };
  for (const [flag, expected] of Object.entries(said)) {
    const { code, stdout, stderr } = await probe("talk", "it's a file.tif", flag).output();
    assert.equal(code, 0);
    assert.equal(text(stderr), expected);
    assert.equal(text(stdout), `swath probe talk 'it'\\''s a file.tif' ${flag}\n`);
  }
});

/** `script` of util-linux runs a command on a terminal of its own. */
const hasScript = Deno.build.os === "linux" && await exists("/usr/bin/script");

async function onTerminal(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; screen: string }> {
  const line = [Deno.execPath(), "run", "-A", PROBE, ...args].map((arg) => `'${arg}'`).join(" ");
  const { code, stdout } = await new Deno.Command("script", {
    args: ["-qec", line, "/dev/null"],
    env: { TERM: "xterm", ...env },
    stdin: "null",
    stderr: "null",
  }).output();
  return { code, screen: text(stdout) };
}

const terminalTest = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name: name + (hasScript ? "" : " (skipped: no script)"), ignore: !hasScript, fn });

terminalTest("binary data is not written to a terminal, text is", async () => {
  const binary = await onTerminal(["binary"]);
  assert.equal(binary.code, 2);
  assert.match(binary.screen, /Binary data is not written to a terminal\r\n {2}Pipe it into/);
  const text = await onTerminal(["text"]);
  assert.equal(text.code, 0);
  assert.match(text.screen, /\{"type":"header"\}/);
});

terminalTest("standard input that is a terminal is refused", async () => {
  const { code, screen } = await onTerminal(["stdin"]);
  assert.equal(code, 2);
  assert.match(screen, /Standard input is a terminal\r\n {2}Pipe a patch stream into it/);
});

terminalTest("a bar is drawn on a terminal, unless it is dumb or --quiet is given", async () => {
  assert.match((await onTerminal(["talk", "x"])).screen, /Cutting.*50%.*1\/2 patches/);
  assert.doesNotMatch((await onTerminal(["talk", "x"], { TERM: "dumb" })).screen, /Cutting/);
  assert.doesNotMatch((await onTerminal(["talk", "x", "--quiet"])).screen, /Cutting/);
});
