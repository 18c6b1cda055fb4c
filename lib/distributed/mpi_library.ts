/**
 * MPI libraries and their binary interfaces. The standard names functions, not how they are called: in the
 * common interface of MPICH, Intel MPI, MVAPICH and Cray MPICH (https://www.mpich.org/abi/) handles
 * are integers; in Open MPI they are addresses of objects that the library exports.
 *
 * @module
 */
import { InputError } from "../errors.ts";

/** How handles are passed. */
type Handle = number | Deno.PointerValue;

/** Functions of MPI, with handles of whichever kind the library has. */
export interface MpiFunctions {
  MPI_Init_thread(argc: null, argv: null, required: number, provided: Int32Array): number;
  MPI_Comm_rank(comm: Handle, rank: Int32Array): number;
  MPI_Comm_size(comm: Handle, size: Int32Array): number;
  MPI_Comm_set_errhandler(comm: Handle, handler: Handle): number;
  MPI_Comm_split_type(
    comm: Handle,
    type: number,
    key: number,
    info: Handle,
    made: BigUint64Array,
  ): number;
  MPI_Get_library_version(text: Uint8Array, length: Int32Array): number;
  MPI_Error_string(code: number, text: Uint8Array, length: Int32Array): number;
  MPI_Allreduce(
    send: Deno.PointerValue,
    receive: BufferSource,
    count: number,
    type: Handle,
    operation: Handle,
    comm: Handle,
  ): Promise<number>;
  MPI_Bcast(
    data: BufferSource,
    count: number,
    type: Handle,
    root: number,
    comm: Handle,
  ): Promise<number>;
  MPI_Alltoall(
    send: BufferSource,
    sendCount: number,
    sendType: Handle,
    receive: BufferSource,
    receiveCount: number,
    receiveType: Handle,
    comm: Handle,
  ): Promise<number>;
  MPI_Allgather(
    send: BufferSource,
    sendCount: number,
    sendType: Handle,
    receive: BufferSource,
    receiveCount: number,
    receiveType: Handle,
    comm: Handle,
  ): Promise<number>;
  MPI_Barrier(comm: Handle): Promise<number>;
  MPI_Abort(comm: Handle, code: number): number;
  MPI_Finalize(): Promise<number>;
}

/** Handles and addresses that stand for something. */
export interface MpiConstants {
  /** All processes. */
  readonly world: Handle;
  /** No hints. */
  readonly noInfo: Handle;
  /** Errors are returned as codes. */
  readonly errorsReturn: Handle;
  /** Splits processes by the machine whose memory they share. */
  readonly sharedMemory: number;
  /** The result takes the place of what is sent. */
  readonly inPlace: Deno.PointerValue;
  /** Element types. */
  readonly float: Handle;
  readonly double: Handle;
  readonly byte: Handle;
  /** Operations. */
  readonly sum: Handle;
  readonly max: Handle;
}

/** An open MPI library. */
export interface MpiLibrary {
  /** Name or path by which it was found. */
  readonly path: string;
  /** Its functions. */
  readonly functions: MpiFunctions;
  /** Its constants. */
  readonly constants: MpiConstants;
  /** A communicator that a function has written to memory. */
  communicatorAt(memory: BigUint64Array): Handle;
}

/** The families of libraries. */
export type MpiFamily = "mpich" | "openmpi";

/** Names by which libraries are found, by family: newest interface first. */
const NAMES: Readonly<Record<MpiFamily, Readonly<Record<string, readonly string[]>>>> = {
  mpich: {
    // MPICH's and Intel MPI's own name, that of Debian's MPICH, Cray MPICH's.
    linux: ["libmpi.so.12", "libmpich.so.12", "libmpi_cray.so.12", "libmpi_intel.so.12"],
    darwin: ["libmpi.12.dylib", "libpmpi.12.dylib"],
    windows: ["impi.dll", "msmpi.dll"],
  },
  openmpi: { linux: ["libmpi.so.40"], darwin: ["libmpi.40.dylib"], windows: [] },
};

/** A symbol that only Open MPI exports. */
const OPEN_MPI_WORLD = "ompi_mpi_comm_world";

/** MPI_COMM_TYPE_SHARED of either family. */
const SHARED = { mpich: 1, openmpi: 0 } as const;

/** dlopen's RTLD_NOW and RTLD_GLOBAL. */
const NOW_AND_GLOBAL: Readonly<Record<string, number>> = { linux: 0x102, darwin: 0xa };

/**
 * Find and open an MPI library.
 *
 * @param options Name or path of the library, if it is told; else the family to try first.
 * @throws {InputError} If there is none, or it is no MPI library.
 */
export function openMpiLibrary(
  options: { readonly path?: string; readonly prefer?: MpiFamily } = {},
): MpiLibrary {
  const { path, prefer = "mpich" } = options;
  const other: MpiFamily = prefer === "mpich" ? "openmpi" : "mpich";
  const names = path !== undefined
    ? [path]
    : [prefer, other].flatMap((family) => NAMES[family][Deno.build.os] ?? []);
  const faults: string[] = [];
  for (const name of names) {
    try {
      return open(name);
    } catch (error) {
      const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
      faults.push(line.replace(/^(Could not open library: )+/, ""));
    }
  }
  throw new InputError(
    path === undefined
      ? `Cannot train with MPI as there is no MPI library: looked for ${names.join(", ")}`
      : `Cannot use MPI library ${JSON.stringify(path)}: ${faults[0]}`,
    {
      hint: path === undefined
        ? "Install MPICH or Open MPI, or name the library: --mpi-library PATH"
        : "Name a shared library of MPICH, Intel MPI or Open MPI, such as libmpi.so.12",
    },
  );
}

function open(path: string): MpiLibrary {
  makeGlobal(path);
  return isOpenMpi(path) ? openOpenMpi(path) : openMpich(path);
}

/** Open MPI loads plugins that look for its symbols among those of the whole process. */
function makeGlobal(path: string): void {
  const flags = NOW_AND_GLOBAL[Deno.build.os];
  if (flags === undefined) return;
  const loader = Deno.build.os === "linux" ? "libc.so.6" : "libSystem.dylib";
  try {
    const { symbols } = Deno.dlopen(loader, {
      dlopen: { parameters: ["buffer", "i32"], result: "pointer" },
    });
    symbols.dlopen(new TextEncoder().encode(`${path}\0`), flags);
  } catch {
    // Where this is not possible, most libraries work without.
  }
}

function isOpenMpi(path: string): boolean {
  try {
    Deno.dlopen(path, { [OPEN_MPI_WORLD]: { type: "pointer" } }).close();
    return true;
  } catch (error) {
    if (error instanceof Error && /symbol/i.test(error.message)) return false;
    throw error;
  }
}

/** Definitions of the functions for handles of some type. */
function definitions(handle: "i32" | "pointer") {
  return {
    MPI_Init_thread: { parameters: ["pointer", "pointer", "i32", "buffer"], result: "i32" },
    MPI_Comm_rank: { parameters: [handle, "buffer"], result: "i32" },
    MPI_Comm_size: { parameters: [handle, "buffer"], result: "i32" },
    MPI_Comm_set_errhandler: { parameters: [handle, handle], result: "i32" },
    MPI_Comm_split_type: {
      parameters: [handle, "i32", "i32", handle, "buffer"],
      result: "i32",
    },
    MPI_Get_library_version: { parameters: ["buffer", "buffer"], result: "i32" },
    MPI_Error_string: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
    MPI_Allreduce: {
      parameters: ["pointer", "buffer", "i32", handle, handle, handle],
      result: "i32",
      nonblocking: true,
    },
    MPI_Bcast: {
      parameters: ["buffer", "i32", handle, "i32", handle],
      result: "i32",
      nonblocking: true,
    },
    MPI_Alltoall: {
      parameters: ["buffer", "i32", handle, "buffer", "i32", handle, handle],
      result: "i32",
      nonblocking: true,
    },
    MPI_Allgather: {
      parameters: ["buffer", "i32", handle, "buffer", "i32", handle, handle],
      result: "i32",
      nonblocking: true,
    },
    MPI_Barrier: { parameters: [handle], result: "i32", nonblocking: true },
    MPI_Abort: { parameters: [handle, "i32"], result: "i32" },
    MPI_Finalize: { parameters: [], result: "i32", nonblocking: true },
  } as const;
}

function openMpich(path: string): MpiLibrary {
  const { symbols } = Deno.dlopen(path, definitions("i32"));
  return {
    path,
    functions: symbols as unknown as MpiFunctions,
    constants: {
      world: 0x44000000,
      noInfo: 0x1c000000,
      errorsReturn: 0x54000001,
      sharedMemory: SHARED.mpich,
      inPlace: Deno.UnsafePointer.create(0xffffffffffffffffn),
      float: 0x4c00040a,
      double: 0x4c00080b,
      byte: 0x4c00010d,
      sum: 0x58000003,
      max: 0x58000001,
    },
    communicatorAt: (memory) => new Int32Array(memory.buffer)[0]!,
  };
}

function openOpenMpi(path: string): MpiLibrary {
  const { symbols } = Deno.dlopen(path, definitions("pointer"));
  const object = { type: "pointer" } as const;
  // Of a symbol of type pointer, what is given is the address.
  const { symbols: objects } = Deno.dlopen(path, {
    [OPEN_MPI_WORLD]: object,
    ompi_mpi_info_null: object,
    ompi_mpi_errors_return: object,
    ompi_mpi_float: object,
    ompi_mpi_double: object,
    ompi_mpi_byte: object,
    ompi_mpi_op_sum: object,
    ompi_mpi_op_max: object,
  });
  return {
    path,
    functions: symbols as unknown as MpiFunctions,
    constants: {
      world: objects[OPEN_MPI_WORLD],
      noInfo: objects.ompi_mpi_info_null,
      errorsReturn: objects.ompi_mpi_errors_return,
      sharedMemory: SHARED.openmpi,
      inPlace: Deno.UnsafePointer.create(1n),
      float: objects.ompi_mpi_float,
      double: objects.ompi_mpi_double,
      byte: objects.ompi_mpi_byte,
      sum: objects.ompi_mpi_op_sum,
      max: objects.ompi_mpi_op_max,
    },
    communicatorAt: (memory) => Deno.UnsafePointer.create(memory[0]!),
  };
}
