/**
 * Processes started by `mpiexec` or `srun`, which exchange numbers through MPI.
 *
 * Functions that wait for other processes are called on another thread, one at a time, so that signals are
 * heard and a process that has died can be told from one that is slow.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import type { Communicator, Summable } from "./communicator.ts";
import { type MpiFamily, type MpiLibrary, openMpiLibrary } from "./mpi_library.ts";

/** Options of {@linkcode openMpi}. */
export interface MpiOptions {
  /** Name or path of the library; the first one that is found where left out. */
  readonly library?: string;
  /** What started this process, as far as its environment tells. */
  readonly launcher?: MpiLauncher;
}

/** What started a process. */
export interface MpiLauncher {
  /** The family of libraries that it goes with. */
  readonly family: MpiFamily;
  /** How many processes it has started. */
  readonly size: number;
}

/** MPI_THREAD_SERIALIZED: several threads call, one at a time. */
const SERIALIZED = 2;
/** MPI_MAX_LIBRARY_VERSION_STRING and MPI_MAX_ERROR_STRING are smaller in all libraries. */
const TEXT_BYTES = 8192;
/** Elements of one call: counts are 32-bit integers. */
const MAX_COUNT = 2 ** 30;

/**
 * Join the other processes of the job. A process can do so once.
 *
 * @param options The library, and what started this process.
 * @returns The processes; close it at the end.
 * @throws {InputError} If there is no MPI library, or it is not the one of what started the processes.
 */
export function openMpi(options: MpiOptions = {}): Communicator {
  const { library: path, launcher } = options;
  const library = openMpiLibrary({
    ...(path !== undefined && { path }),
    ...(launcher !== undefined && { prefer: launcher.family }),
  });
  const communicator = new MpiCommunicator(library);
  if (launcher !== undefined && launcher.size > 1 && communicator.size === 1) {
    throw new InputError(
      `Cannot train with ${communicator.library} of ${
        JSON.stringify(library.path)
      } as it sees one process, where ${launcher.size} were started`,
      {
        hint: "Start them with the same library's mpiexec, or name its library: --mpi-library PATH",
      },
    );
  }
  return communicator;
}

class MpiCommunicator implements Communicator {
  readonly rank: number;
  readonly size: number;
  readonly localSize: number;
  readonly library: string;
  readonly #mpi: MpiLibrary;
  /** The call that is going on, and what it works on. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(library: MpiLibrary) {
    this.#mpi = library;
    const { functions, constants } = library;
    const level = new Int32Array(1);
    this.#check(functions.MPI_Init_thread(null, null, SERIALIZED, level), "MPI_Init_thread");
    if (level[0]! < SERIALIZED) {
      throw new InputError(
        `Cannot use MPI library ${JSON.stringify(library.path)} as it was built for one thread`,
      );
    }
    functions.MPI_Comm_set_errhandler(constants.world, constants.errorsReturn);
    const count = new Int32Array(1);
    this.#check(functions.MPI_Comm_rank(constants.world, count), "MPI_Comm_rank");
    this.rank = count[0]!;
    this.#check(functions.MPI_Comm_size(constants.world, count), "MPI_Comm_size");
    this.size = count[0]!;
    const made = new BigUint64Array(1);
    this.#check(
      functions.MPI_Comm_split_type(
        constants.world,
        constants.sharedMemory,
        this.rank,
        constants.noInfo,
        made,
      ),
      "MPI_Comm_split_type",
    );
    this.#check(functions.MPI_Comm_size(library.communicatorAt(made), count), "MPI_Comm_size");
    this.localSize = count[0]!;
    this.library = this.#libraryName();
  }

  async sum(data: Summable): Promise<void> {
    const { float, double, sum } = this.#mpi.constants;
    await this.#reduce(data, data instanceof Float32Array ? float : double, sum);
  }

  async max(data: Float64Array<ArrayBuffer>): Promise<void> {
    await this.#reduce(data, this.#mpi.constants.double, this.#mpi.constants.max);
  }

  async broadcast(data: Uint8Array<ArrayBuffer>): Promise<void> {
    const { functions, constants: { world, byte } } = this.#mpi;
    for (let from = 0; from < data.length; from += MAX_COUNT) {
      const part = data.subarray(from, from + MAX_COUNT);
      await this.#call("MPI_Bcast", () => functions.MPI_Bcast(part, part.length, byte, 0, world));
    }
  }

  async exchange(
    send: Uint8Array<ArrayBuffer>,
    receive: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    const { functions, constants: { world, byte } } = this.#mpi;
    const count = send.length / this.size;
    await this.#call(
      "MPI_Alltoall",
      () => functions.MPI_Alltoall(send, count, byte, receive, count, byte, world),
    );
  }

  async gather(send: Uint8Array<ArrayBuffer>, receive: Uint8Array<ArrayBuffer>): Promise<void> {
    const { functions, constants: { world, byte } } = this.#mpi;
    const { length } = send;
    await this.#call(
      "MPI_Allgather",
      () => functions.MPI_Allgather(send, length, byte, receive, length, byte, world),
    );
  }

  async barrier(): Promise<void> {
    await this.#call(
      "MPI_Barrier",
      () => this.#mpi.functions.MPI_Barrier(this.#mpi.constants.world),
    );
  }

  abort(exitCode: number): void {
    this.#mpi.functions.MPI_Abort(this.#mpi.constants.world, exitCode);
  }

  async close(): Promise<void> {
    await this.#call("MPI_Finalize", () => this.#mpi.functions.MPI_Finalize());
  }

  async #reduce(
    data: Summable,
    type: MpiLibrary["constants"]["float"],
    operation: MpiLibrary["constants"]["sum"],
  ): Promise<void> {
    const { functions, constants: { inPlace, world } } = this.#mpi;
    for (let from = 0; from < data.length; from += MAX_COUNT) {
      const part = data.subarray(from, from + MAX_COUNT) as Summable;
      await this.#call(
        "MPI_Allreduce",
        () => functions.MPI_Allreduce(inPlace, part, part.length, type, operation, world),
      );
    }
  }

  /** Make a call once the one before it has ended. */
  async #call(name: string, call: () => Promise<number>): Promise<void> {
    const before = this.#last;
    const current = (async () => {
      await before;
      return await call();
    })();
    this.#last = current.catch(() => {});
    this.#check(await current, name);
  }

  #check(code: number, name: string): void {
    if (code === 0) return;
    const text = new Uint8Array(TEXT_BYTES);
    const length = new Int32Array(1);
    this.#mpi.functions.MPI_Error_string(code, text, length);
    const message = new TextDecoder().decode(text.subarray(0, length[0])).split("\n")[0]!;
    throw new InputError(`Cannot go on as ${name} failed: ${message}`, {
      hint: "Another process may have ended; see what it said",
    });
  }

  /** The first line of what the library says of itself, in short. */
  #libraryName(): string {
    const text = new Uint8Array(TEXT_BYTES);
    const length = new Int32Array(1);
    this.#mpi.functions.MPI_Get_library_version(text, length);
    const version = new TextDecoder().decode(text.subarray(0, length[0])).replaceAll("\0", "");
    const mpich = /MPICH Version:\s*(\S+)/.exec(version);
    if (mpich !== null) return `MPICH ${mpich[1]}`;
    return version.split(/[\n,]/)[0]!.replace(/ v(?=\d)/, " ").trim();
  }
}
