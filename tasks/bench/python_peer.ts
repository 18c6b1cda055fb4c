/**
 * A Python script that is kept running beside a benchmark: it prints `ready`, then answers each line
 * on its standard input with the seconds that the work named there took.
 *
 * The interpreter is `python3`, or what SWATH_PYTHON names.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

/** A running script. */
export class PythonPeer implements AsyncDisposable {
  readonly #script: string;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #output: ReadableStreamDefaultReader<string>;
  readonly #errors: Promise<string>;
  #pending = "";

  private constructor(script: string, args: readonly string[]) {
    this.#script = script;
    this.#child = new Deno.Command(Deno.env.get("SWATH_PYTHON") ?? "python3", {
      args: [fileURLToPath(new URL(script, import.meta.url)), ...args],
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
  static async start(script: string, args: readonly string[]): Promise<PythonPeer> {
    const peer = new PythonPeer(script, args);
    const line = await peer.#line();
    if (line !== "ready") throw new Error(`${script} said ${JSON.stringify(line)}, not "ready"`);
    return peer;
  }

  /** Have work done; the seconds that it took. */
  async seconds(work: string): Promise<number> {
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
