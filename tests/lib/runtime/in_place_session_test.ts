import assert from "node:assert/strict";
import { createInPlaceSession, Graph, ndarray } from "swath";

/** y = 2x + 1 and the sum of y. */
function doubled() {
  const graph = new Graph("double");
  const x = graph.input("x", "float32", [4]);
  const y = graph.op("Add", [graph.op("Mul", [x, 2]), 1]);
  graph.output("y", y);
  graph.output("sum", graph.op("ReduceSum", [y], { keepdims: false }));
  return graph;
}

Deno.test("createInPlaceSession: outputs go where they are wanted, even over inputs", async () => {
  const session = await createInPlaceSession(doubled(), { device: "cpu", threads: 1 });
  const x = ndarray("float32", [4], new Float32Array([1, 2, 3, 4]));
  const sum = ndarray("float32", []);
  await session.run({ x }, { y: x, sum });
  assert.deepEqual([...x.data], [3, 5, 7, 9]);
  assert.equal(sum.data[0], 24);
  await session.run({ x }, { y: x, sum });
  assert.deepEqual([...x.data], [7, 11, 15, 19]);
  const other = ndarray("float32", [4]);
  await session.run({ x: other }, { y: x });
  assert.deepEqual([...x.data], [1, 1, 1, 1]);
  assert.deepEqual([...other.data], [0, 0, 0, 0]);
  await session.release();
});

Deno.test("createInPlaceSession: a part of a larger buffer", async () => {
  const session = await createInPlaceSession(doubled(), { device: "cpu", threads: 1 });
  const buffer = new Float32Array(8).fill(5);
  const part = ndarray("float32", [4], buffer.subarray(2, 6));
  await session.run({ x: part }, { y: part });
  assert.deepEqual([...buffer], [5, 5, 11, 11, 11, 11, 5, 5]);
  await session.release();
});

Deno.test("createInPlaceSession: integers and bytes", async () => {
  const graph = new Graph("types");
  const labels = graph.input("labels", "uint8", [2, 2]);
  graph.output("codes", graph.op("Cast", [labels], { to: "int64" }));
  const session = await createInPlaceSession(graph, { device: "cpu", threads: 1 });
  const codes = ndarray("int64", [2, 2]);
  const feeds = { labels: ndarray("uint8", [2, 2], new Uint8Array([1, 2, 3, 255])) };
  await session.run(feeds, { codes });
  assert.deepEqual([...codes.data], [1n, 2n, 3n, 255n]);
  await session.release();
});

Deno.test("createInPlaceSession: the event loop goes on meanwhile", async () => {
  const graph = new Graph("slow");
  const x = graph.input("x", "float32", [400, 400]);
  let y = x;
  for (let i = 0; i < 40; i++) y = graph.op("Mul", [graph.op("MatMul", [y, x]), 0.01]);
  graph.output("y", y);
  const session = await createInPlaceSession(graph, { device: "cpu", threads: 1 });
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  await session.run({ x: ndarray("float32", [400, 400]) }, { y: ndarray("float32", [400, 400]) });
  clearInterval(timer);
  await session.release();
  assert.ok(ticks > 0);
});

Deno.test("createInPlaceSession: a run that is interrupted ends at once", async () => {
  const graph = new Graph("long");
  const x = graph.input("x", "float32", [600, 600]);
  let y = x;
  for (let i = 0; i < 2000; i++) y = graph.op("Mul", [graph.op("MatMul", [y, x]), 0.01]);
  graph.output("y", y);
  const session = await createInPlaceSession(graph, { device: "cpu", threads: 1 });
  const y0 = ndarray("float32", [600, 600]);
  const started = performance.now();
  const run = session.run({ x: ndarray("float32", [600, 600]) }, { y: y0 });
  setTimeout(() => session.interrupt(), 10);
  await assert.rejects(run, { name: "AbortError", message: "The run was interrupted" });
  assert.ok(performance.now() - started < 2000);
  await session.release();
});

Deno.test("createInPlaceSession: what does not fit is refused", async () => {
  const session = await createInPlaceSession(doubled(), { device: "cpu", threads: 1 });
  const wrong = ndarray("float32", [3]);
  await assert.rejects(
    () => session.run({ x: wrong }, { y: ndarray("float32", [4]) }),
    /"x" must be float32 4: current is float32 3/,
  );
  await session.release();
});
