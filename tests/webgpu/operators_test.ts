/** Every operator gives on WebGPU what it gives on the CPU, be it computed there or left to the CPU. */
import assert from "node:assert/strict";
import { createSession, type Device, type NdArray } from "swath";
import { allSamples, KnownGraph, outputsOf, sampleFeed } from "../lib/onnx/sample_graph.ts";
import { webgpuTest } from "./support.ts";

/** Single precision over sums of a few hundred elements. */
const TOLERANCE = 1e-4;
/** Half precision keeps three digits. */
const HALF_TOLERANCE = 2e-3;

webgpuTest("every operator gives the CPU's elements", async (context) => {
  for (const { operator, number, sample } of allSamples()) {
    await context.step(`${operator}, sample ${number}`, async () => {
      const graph = new KnownGraph(`${operator}.${number}`);
      for (const [i, value] of outputsOf(sample, graph).entries()) graph.output(`y${i}`, value);
      const feeds = Object.fromEntries(
        graph.inputs.map((value) => [value.name, sampleFeed(operator, value)]),
      );
      const outputsOn = async (device: Device): Promise<Record<string, NdArray>> => {
        const session = await createSession(graph, { device, logSeverity: "fatal" });
        try {
          return await session.run(feeds);
        } finally {
          await session.release();
        }
      };
      const wanted = await outputsOn("cpu");
      const results = await outputsOn("webgpu").catch((error) => {
        // Half precision is an option of WebGPU that not every device has.
        if (/requires f16/.test(String(error))) return {};
        throw error;
      });
      for (const [name, result] of Object.entries(results)) {
        const { shape, dtype, data } = wanted[name]!;
        assert.deepEqual(result.shape, shape, `shape of ${name}`);
        const tolerance = dtype === "float16" ? HALF_TOLERANCE : TOLERANCE;
        for (const [i, element] of data.entries()) {
          const [want, got] = [Number(element), Number(result.data[i])];
          assert.ok(
            Object.is(want, got) || Math.abs(got - want) <= tolerance * (1 + Math.abs(want)),
            `${name}, element ${i}: ${got} is not ${want}`,
          );
        }
      }
    });
  }
});
