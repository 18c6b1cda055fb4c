/**
 * Devices that ONNX Runtime can compute on, and the choice among them.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { encodeModel, Graph } from "../onnx/mod.ts";
import type { OrtModule } from "./tensor.ts";

/** Where a session computes; each but `cpu` leaves operators that it does not know to the CPU. */
export type Device = "cuda" | "webgpu" | "cpu";

/** A device, or `auto` for the fastest one that works here. */
export type DeviceChoice = Device | "auto";

/** All devices, the fastest first. */
export const DEVICES: readonly Device[] = ["cuda", "webgpu", "cpu"];

const HINTS: Readonly<Record<Device, string>> = {
  cuda:
    "CUDA needs an NVIDIA GPU on Linux x64, CUDA 12 or 13 with cuDNN 9, and the CUDA libraries of " +
    "onnxruntime-node: `npm install onnxruntime-node --onnxruntime-node-install=cuda12`",
  webgpu:
    "WebGPU needs a GPU with a driver for Vulkan (Linux), Metal (macOS) or Direct3D 12 (Windows)",
  cpu:
    "The package onnxruntime-node carries libraries for Linux, macOS and Windows on x64 and arm64",
};

/** What trying a device gave: null if it works, else the reason. Trying once a process is enough. */
const trials = new Map<Device, Promise<string | null>>();

/** Severity at which ONNX Runtime logs fatal errors alone, as a failed trial is no error. */
const FATAL = 4;

function tryDevice(ort: OrtModule, device: Device): Promise<string | null> {
  let trial = trials.get(device);
  if (trial === undefined) {
    trial = computeOn(ort, device);
    trials.set(device, trial);
  }
  return trial;
}

/** Run a graph of one operator, as some providers load and then find no device. */
async function computeOn(ort: OrtModule, device: Device): Promise<string | null> {
  const graph = new Graph("trial");
  graph.output("y", graph.op("Neg", [graph.input("x", "float32", [1])]));
  try {
    const session = await ort.InferenceSession.create(encodeModel(graph), {
      executionProviders: [device],
      logSeverityLevel: FATAL,
    });
    await session.run({ x: new ort.Tensor("float32", new Float32Array(1), [1]) });
    await session.release();
    return null;
  } catch (error) {
    return firstLine(error);
  }
}

/**
 * False on a Linux machine without a graphics device or Vulkan. There Dawn, which is ONNX Runtime's
 * WebGPU, would print a warning that nobody asked for, or pick a software renderer that is slower
 * than the CPU provider by far.
 */
function mayHaveGpu(): boolean {
  if (Deno.build.os !== "linux") return true;
  const exists = (path: string) => {
    try {
      Deno.statSync(path);
      return true;
    } catch {
      return false;
    }
  };
  if (!["/dev/dri", "/dev/nvidiactl", "/dev/dxg"].some(exists)) return false;
  try {
    Deno.dlopen("libvulkan.so.1", {}).close();
    return true;
  } catch {
    return false;
  }
}

/** What an error of ONNX Runtime says, in one line and without its source positions. */
export function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const line = message.split("\n").find((text) => text.trim() !== "") ?? "unknown error";
  return line.replace(/^\S*\.(cc|h):\d+ .*? was false\. /, "").trim();
}

/**
 * The device to compute on.
 *
 * @param ort ONNX Runtime.
 * @param choice A device, or `auto` for the first of cuda, webgpu and cpu that works.
 * @throws {InputError} If the device cannot be used here.
 */
export async function resolveDevice(ort: OrtModule, choice: DeviceChoice): Promise<Device> {
  // What the process as a whole logs is about providers that do not load, which we report ourselves.
  ort.env.logLevel = "fatal";
  if (choice === "auto") return (await availableDevices(ort))[0]!;
  if (!DEVICES.includes(choice)) {
    throw new InputError(
      `Cannot compute on device "${choice}": expected auto, ${DEVICES.join(", ")}`,
    );
  }
  const reason = choice === "cpu" ? null : await tryDevice(ort, choice);
  if (reason === null) return choice;
  const available = (await availableDevices(ort)).join(", ");
  throw new InputError(
    `Cannot compute on device "${choice}": ${reason}; available here: ${available}`,
    { hint: HINTS[choice] },
  );
}

/** Devices that work here, the fastest first; the CPU always does. */
async function availableDevices(ort: OrtModule): Promise<Device[]> {
  const available: Device[] = [];
  for (const device of DEVICES) {
    if (device === "webgpu" && !mayHaveGpu()) continue;
    if (device === "cpu" || await tryDevice(ort, device) === null) available.push(device);
  }
  return available;
}
