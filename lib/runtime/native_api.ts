/**
 * The functions of ONNX Runtime's C API that in-place sessions need, called in the library that
 * onnxruntime-node has loaded.
 *
 * The API is a table of functions whose places never change from version to version:
 * https://github.com/microsoft/onnxruntime/blob/main/include/onnxruntime/core/session/onnxruntime_c_api.h.
 *
 * @module
 */

/** Version of the table that we ask for; libraries serve all versions up to their own. */
const API_VERSION = 16;

/** Size of a pointer in the table. */
const POINTER_BYTES = 8;

/** Places in the table, parameters and results. Functions that may fail return a status, or null. */
const FUNCTIONS = {
  getErrorMessage: { place: 2, parameters: ["pointer"], result: "pointer" },
  createEnv: { place: 3, parameters: ["i32", "buffer", "buffer"], result: "pointer" },
  createSessionFromArray: {
    place: 8,
    parameters: ["pointer", "buffer", "usize", "pointer", "buffer"],
    result: "pointer",
  },
  run: {
    place: 9,
    parameters: [
      "pointer",
      "pointer",
      "buffer",
      "buffer",
      "usize",
      "buffer",
      "usize",
      "buffer",
    ],
    result: "pointer",
    nonblocking: true,
  },
  createSessionOptions: { place: 10, parameters: ["buffer"], result: "pointer" },
  disableMemPattern: { place: 17, parameters: ["pointer"], result: "pointer" },
  setLogSeverity: { place: 22, parameters: ["pointer", "i32"], result: "pointer" },
  setOptimizationLevel: { place: 23, parameters: ["pointer", "i32"], result: "pointer" },
  setIntraOpNumThreads: { place: 24, parameters: ["pointer", "i32"], result: "pointer" },
  createRunOptions: { place: 39, parameters: ["buffer"], result: "pointer" },
  setRunLogSeverity: { place: 41, parameters: ["pointer", "i32"], result: "pointer" },
  setTerminate: { place: 46, parameters: ["pointer"], result: "pointer" },
  createTensorWithData: {
    place: 49,
    parameters: ["pointer", "buffer", "usize", "buffer", "usize", "i32", "buffer"],
    result: "pointer",
  },
  createCpuMemoryInfo: { place: 69, parameters: ["i32", "i32", "buffer"], result: "pointer" },
  addSessionConfig: { place: 130, parameters: ["pointer", "buffer", "buffer"], result: "pointer" },
  registerAllocator: {
    place: 144,
    parameters: ["pointer", "pointer", "pointer"],
    result: "pointer",
  },
  createArenaConfig: {
    place: 156,
    parameters: ["usize", "i32", "i32", "i32", "buffer"],
    result: "pointer",
  },
  releaseStatus: { place: 93, parameters: ["pointer"], result: "void" },
  releaseSession: { place: 95, parameters: ["pointer"], result: "void" },
  releaseValue: { place: 96, parameters: ["pointer"], result: "void" },
  releaseRunOptions: { place: 97, parameters: ["pointer"], result: "void" },
  releaseSessionOptions: { place: 100, parameters: ["pointer"], result: "void" },
} as const;

type Functions = {
  readonly [N in keyof typeof FUNCTIONS]: Deno.UnsafeFnPointer<typeof FUNCTIONS[N]>["call"];
};

/** A pointer that is not null. */
export type Pointer = NonNullable<Deno.PointerValue>;

/** The C API. */
export interface NativeApi extends Functions {
  /** The one environment of the process, with an arena that its sessions may share. */
  readonly environment: Pointer;
  /** Describes memory of the CPU. */
  readonly memory: Pointer;
  /**
   * Fail if a function returned a status.
   *
   * @throws {Error} With the status' message.
   */
  check(status: Deno.PointerValue): void;
  /** What a function makes that writes a pointer to its last parameter. */
  make(create: (target: Uint8Array<ArrayBuffer>) => Deno.PointerValue): Pointer;
}

const LIBRARY_NAMES: Readonly<Record<string, string>> = {
  linux: "libonnxruntime.so.1",
  darwin: "libonnxruntime.1.dylib",
  windows: "onnxruntime.dll",
};

let api: NativeApi | null | undefined;

/**
 * The C API of the library that onnxruntime-node has loaded; import that first.
 *
 * @returns The API, or null where the library cannot be reached by its name.
 */
export function nativeApi(): NativeApi | null {
  return api ??= loadApi();
}

function loadApi(): NativeApi | null {
  const library = LIBRARY_NAMES[Deno.build.os];
  if (library === undefined) return null;
  let base: Deno.PointerValue;
  try {
    // A library that is loaded already is found by its name alone.
    const { symbols } = Deno.dlopen(library, {
      OrtGetApiBase: { parameters: [], result: "pointer" },
    });
    base = symbols.OrtGetApiBase();
  } catch {
    return null;
  }
  if (base === null) return null;
  const getApi = new Deno.UnsafeFnPointer(
    new Deno.UnsafePointerView(base).getPointer(0)! as Deno.PointerObject<
      { parameters: ["u32"]; result: "pointer" }
    >,
    { parameters: ["u32"], result: "pointer" } as const,
  );
  const table = getApi.call(API_VERSION);
  if (table === null) return null;
  const view = new Deno.UnsafePointerView(table);
  const functions = Object.fromEntries(
    Object.entries(FUNCTIONS).map(([name, { place, ...definition }]) => {
      const pointer = view.getPointer(place * POINTER_BYTES)!;
      const callable = new Deno.UnsafeFnPointer(pointer as never, definition as never);
      return [name, callable.call.bind(callable)];
    }),
  ) as unknown as Functions;
  const check = (status: Deno.PointerValue) => {
    if (status === null) return;
    const text = functions.getErrorMessage(status)!;
    const message = Deno.UnsafePointerView.getCString(text);
    functions.releaseStatus(status);
    throw new Error(message);
  };
  const make = (create: (target: Uint8Array<ArrayBuffer>) => Deno.PointerValue): Pointer => {
    const target = new BigUint64Array(1);
    check(create(new Uint8Array(target.buffer)));
    return Deno.UnsafePointer.create(target[0]!)!;
  };
  const environment = make((target) => functions.createEnv(LOG_FATAL, cString("swath"), target));
  const memory = make((target) => functions.createCpuMemoryInfo(ARENA, DEFAULT_MEMORY, target));
  const config = make((target) =>
    functions.createArenaConfig(UNLIMITED, EXTEND_AS_REQUESTED, UNSET, UNSET, target)
  );
  check(functions.registerAllocator(environment, memory, config));
  return { ...functions, environment, memory, check, make };
}

/** Log fatal errors alone (OrtLoggingLevel). */
const LOG_FATAL = 4;
/** Memory from an arena (OrtAllocatorType), of the default kind (OrtMemType). */
const ARENA = 1;
const DEFAULT_MEMORY = 0;
/** The arena grows by what is asked for; by powers of two, which is the default, it holds a quarter more. */
const EXTEND_AS_REQUESTED = 1;
const UNLIMITED = 0n;
const UNSET = -1;

/** Text as C has it. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
