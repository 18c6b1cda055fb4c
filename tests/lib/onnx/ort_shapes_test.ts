/** Every operator of the table runs in ONNX Runtime and gives the shapes and types that we infer. */
import assert from "node:assert/strict";
import {
  createSession,
  elementCount,
  evaluateDim,
  Graph,
  type NdArray,
  ndarray,
  type OperatorName,
  type Value,
} from "swath";
import { OPERATOR_SAMPLES } from "./operator_samples.ts";

const SYMBOLS = { batch: 2, height: 9, width: 11 };

/** Numbers in (0, 1), ones, or zeros and ones by turns: valid for every sample. */
function feedFor(value: Value): NdArray {
  const shape = value.shape.map((dim) => evaluateDim(dim, SYMBOLS)!);
  const array = ndarray(value.dtype, shape);
  for (let i = 0; i < elementCount(shape); i++) {
    if (array.data instanceof BigInt64Array) array.data[i] = BigInt(i % 2);
    else if (value.dtype === "float32") array.data[i] = 0.1 + 0.8 * ((i * 0.618) % 1);
    else array.data[i] = i % 2;
  }
  return array;
}

for (const [name, samples] of Object.entries(OPERATOR_SAMPLES)) {
  Deno.test(`${name as OperatorName}: ONNX Runtime gives the inferred shapes`, async () => {
    for (const [number, sample] of samples.entries()) {
      const graph = new Graph(`${name}.${number}`);
      const result = sample(graph);
      const values = "name" in result ? [result] : result;
      for (const [i, value] of values.entries()) graph.output(`y${i}`, value);
      const session = await createSession(graph, {
        device: "cpu",
        threads: 1,
        logSeverity: "fatal",
      });
      const feeds = Object.fromEntries(graph.inputs.map((value) => [value.name, feedFor(value)]));
      const outputs = await session.run(feeds);
      await session.release();
      for (const [i, value] of values.entries()) {
        const output = outputs[`y${i}`]!;
        assert.equal(output.dtype, value.dtype, `type of output ${i} of sample ${number}`);
        const shape = value.shape.map((dim, axis) =>
          evaluateDim(dim, SYMBOLS) ?? output.shape[axis]
        );
        assert.deepEqual(output.shape, shape, `shape of output ${i} of sample ${number}`);
      }
    }
  });
}
