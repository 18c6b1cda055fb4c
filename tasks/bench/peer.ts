/**
 * A script that is kept running beside a benchmark: it prints `ready`, then answers each line on its
 * standard input with a number, such as the seconds that the work named there took.
 *
 * Deno runs those in TypeScript; Python's interpreter is `python3`, or what SWATH_PYTHON names.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

/** A running script. */
export class Peer implements AsyncDisposable {
  readonly #script: string;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #output: ReadableStreamDefaultReader<string>;
  readonly #errors: Promise<string>;
  #pending = "";

  private constructor(script: string, args: readonly string[]) {
    this.#script = script;
    const path = fileURLToPath(new URL(script, import.meta.url));
    const [program, ...before] = script.endsWith(".ts")
      ? [Deno.execPath(), "run", "-A", "--no-check"]
      : [Deno.env.get("SWATH_PYTHON") ?? "python3"];
    this.#child = new Deno.Command(program, {
      args: [...before, path, ...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#output = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#errors = new Response(this.#child.stderr).text();
  }

  /**
   * Start a script of this folder.
   *
   * @param script File name, such as `infer.py`.
   * @param args Its arguments.
   * @returns The peer, once it is ready.
   */
  static async start(script: string, args: readonly string[]): Promise<Peer> {
    const peer = new Peer(script, args);
    const line = await peer.#line();
    if (line !== "ready") throw new Error(`${script} said ${JSON.stringify(line)}, not "ready"`);
    return peer;
  }

  /** Have work done; the number that it gives, such as the seconds that it took. */
  async ask(work: string): Promise<number> {
    await this.#input.write(new TextEncoder().encode(`${work}\n`));
    return Number(await this.#line());
  }

  /** End the script. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close();
    await this.#child.status;
    await this.#output.cancel();
  }

  async #line(): Promise<string> {
    for (;;) {
      const end = this.#pending.indexOf("\n");
      if (end >= 0) {
        const line = this.#pending.slice(0, end);
        this.#pending = this.#pending.slice(end + 1);
        return line;
      }
      const { done, value } = await this.#output.read();
      if (done) throw new Error(`${this.#script} ended:\n${await this.#errors}`);
      this.#pending += value;
    }
  }
}
