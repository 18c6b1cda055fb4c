/** onnx's checker, with its strict shape inference, accepts every operator as we encode it. */
import assert from "node:assert/strict";
import { encodeModel, Graph } from "swath";
import { OPERATOR_SAMPLES } from "../lib/onnx/operator_samples.ts";
import { peerTest, runPythonJson } from "./python.ts";

/** Models one after another, each after its size. */
function frame(models: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(models.reduce((sum, model) => sum + 8 + model.length, 0));
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const model of models) {
    view.setBigUint64(offset, BigInt(model.length), true);
    bytes.set(model, offset + 8);
    offset += 8 + model.length;
  }
  return bytes;
}

peerTest("onnx.checker accepts every operator and agrees on its shapes", ["onnx"], async () => {
  const names: string[] = [];
  const models: Uint8Array[] = [];
  for (const [name, samples] of Object.entries(OPERATOR_SAMPLES)) {
    for (const [number, sample] of samples.entries()) {
      const graph = new Graph(`${name}.${number}`);
      const result = sample(graph);
      const values = "name" in result ? [result] : result;
      for (const [i, value] of values.entries()) graph.output(`y${i}`, value);
      names.push(graph.name);
      models.push(encodeModel(graph));
    }
  }
  const complaints = await runPythonJson<(string | null)[]>("onnx_checker.py", [], {
    stdin: frame(models),
  });
  assert.equal(complaints.length, names.length);
  const refused = names.flatMap((name, i) =>
    complaints[i] === null ? [] : [`${name}: ${complaints[i]}`]
  );
  assert.deepEqual(refused, []);
});

peerTest("onnx.checker refuses a model with a wrong shape", ["onnx"], async () => {
  const graph = new Graph("wrong");
  const x = graph.input("x", "float32", [2, 3]);
  const y = graph.op("Transpose", [x], { perm: [1, 0] });
  graph.output("y", Object.assign(y, { shape: [2, 3] }));
  const [complaint] = await runPythonJson<(string | null)[]>("onnx_checker.py", [], {
    stdin: frame([encodeModel(graph)]),
  });
  assert.match(complaint ?? "", /dimension|shape/i);
});
