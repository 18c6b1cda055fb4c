/** Every operator gives on WebGPU what it gives on the CPU, and runs where the docs say. */
import assert from "node:assert/strict";
import { createSession } from "swath";
import { allSamples, KnownGraph, outputsOf, sampleFeed } from "../lib/onnx/sample_graph.ts";
import { type Placement, PLACEMENTS, runSample } from "./placements.ts";
import { webgpuTest } from "./support.ts";

/** Single precision over sums of a few hundred elements. */
const TOLERANCE = 1e-4;
/** Half precision keeps three digits. */
const HALF_TOLERANCE = 2e-3;

webgpuTest(
  "every operator gives the CPU's elements, where docs/operators.md says",
  async (context) => {
    const recorded: Record<string, Placement[]> = JSON.parse(await Deno.readTextFile(PLACEMENTS));
    for (const { operator, number, sample } of allSamples()) {
      await context.step(`${operator}, sample ${number}`, async () => {
        const graph = new KnownGraph(`${operator}.${number}`);
        for (const [i, value] of outputsOf(sample, graph).entries()) graph.output(`y${i}`, value);
        const feeds = Object.fromEntries(
          graph.inputs.map((value) => [value.name, sampleFeed(operator, value)]),
        );
        const cpu = await createSession(graph, { device: "cpu" });
        const wanted = await cpu.run(feeds);
        await cpu.release();
        const { results, placement } = await runSample(operator, graph, feeds);
        assert.equal(placement, recorded[operator]?.[number], "tests/webgpu/placements.json");
        for (const [name, result] of Object.entries(results ?? {})) {
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
  },
);
