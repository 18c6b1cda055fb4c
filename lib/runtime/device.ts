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

/** The first line of an error of ONNX Runtime, without source positions. */
export function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return (message.split("\n")[0] ?? "").replace(/^Error: /, "").trim();
}

/**
 * The device to compute on.
 *
 * @param ort ONNX Runtime.
 * @param choice A device, or `auto` for the first of cuda, webgpu and cpu that works.
 * @throws {InputError} If the device cannot be used here.
 */
export async function resolveDevice(ort: OrtModule, choice: DeviceChoice): Promise<Device> {
  if (choice === "auto") {
    for (const device of DEVICES) {
      if (device === "cpu" || await tryDevice(ort, device) === null) return device;
    }
  } else if (!DEVICES.includes(choice)) {
    throw new InputError(`Unknown device "${choice}"; expected auto, ${DEVICES.join(", ")}`);
  } else {
    const reason = choice === "cpu" ? null : await tryDevice(ort, choice);
    if (reason === null) return choice;
    const available: string[] = [];
    for (const device of DEVICES) {
      if (device === "cpu" || await tryDevice(ort, device) === null) available.push(device);
    }
    throw new InputError(
      `Cannot compute on device "${choice}": ${reason}; available here: ${available.join(", ")}`,
      { hint: HINTS[choice] },
    );
  }
  return "cpu";
}
