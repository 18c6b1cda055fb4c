/**
 * A Python process that runs scripts, each in a process forked from it; see `fork_server.py`.
 */
import { fileURLToPath } from "node:url";
import { ByteSource, readerOf } from "../../lib/stream/byte_source.ts";

/** What a script left behind. */
export interface ScriptResult {
  readonly code: number;
  readonly stdout: Uint8Array<ArrayBuffer>;
  readonly stderr: string;
}

/** The process, which lives as long as the test file that imports this. */
export class ForkServer {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #answers: ByteSource;
  /** The run before; runs go one after another. */
  #last: Promise<unknown> = Promise.resolve();
  #modules: ReadonlySet<string> = new Set();

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#writer = child.stdin.getWriter();
    this.#answers = new ByteSource(readerOf(child.stdout));
  }

  /**
   * Start the process.
   *
   * @returns Null where the interpreter is missing, or too old.
   */
  static async start(interpreter: string): Promise<ForkServer | null> {
    try {
      const child = new Deno.Command(interpreter, {
        args: [fileURLToPath(new URL("fork_server.py", import.meta.url))],
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      globalThis.addEventListener("unload", () => child.kill());
      const server = new ForkServer(child);
      server.#modules = new Set(await server.#readJson<string[]>());
      child.unref();
      return server;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof EndOfAnswers) return null;
      throw error;
    }
  }

  /** Whether the interpreter finds a module. */
  has(module: string): boolean {
    return this.#modules.has(module);
  }

  /** Run a script once those before it have ended. */
  run(
    script: string,
    args: readonly string[],
    stdin: Uint8Array<ArrayBuffer>,
  ): Promise<ScriptResult> {
    const result = this.#last.then(async () => {
      this.#child.ref();
      await this.#write(new TextEncoder().encode(JSON.stringify({ script, args })));
      await this.#write(stdin);
      return {
        code: await this.#readJson<number>(),
        stdout: await this.#read(),
        stderr: new TextDecoder().decode(await this.#read()),
      };
    }).finally(() => this.#child.unref());
    this.#last = result.catch(() => {});
    return result;
  }

  async #write(frame: Uint8Array<ArrayBuffer>): Promise<void> {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, frame.length);
    await this.#writer.write(length);
    await this.#writer.write(frame);
  }

  async #readJson<T>(): Promise<T> {
    return JSON.parse(new TextDecoder().decode(await this.#read()));
  }

  async #read(): Promise<Uint8Array<ArrayBuffer>> {
    const length = new DataView((await this.#take(4)).buffer).getUint32(0);
    return await this.#take(length);
  }

  async #take(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    if (await this.#answers.readInto(bytes) < length) {
      throw new EndOfAnswers("the Python process has ended");
    }
    return bytes;
  }
}

class EndOfAnswers extends Error {}
