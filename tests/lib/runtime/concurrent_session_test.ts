import assert from "node:assert/strict";
import { createConcurrentSession, createSession, Graph, InputError, ndarray } from "swath";

const weights = ndarray("float32", [64, 64], Float32Array.from({ length: 4096 }, (_, i) => i % 7));

/** Some products in a row, over any number of rows. */
function products() {
  const graph = new Graph("products");
  const w = graph.parameter("w", "float32", [64, 64]);
  let y = graph.input("x", "float32", ["n", 64]);
  for (let i = 0; i < 20; i++) y = graph.op("Mul", [graph.op("MatMul", [y, w]), 1e-3]);
  graph.output("y", y);
  return graph;
}

const rows = (count: number) =>
  ndarray("float32", [count, 64], Float32Array.from({ length: count * 64 }, (_, i) => i % 5));

Deno.test("createConcurrentSession: runs of any size at the same time give what each gives alone", async () => {
  const parameters = () => weights;
  const alone = await createSession(products(), { device: "cpu", threads: 1, parameters });
  for (const threads of [1, 2, 3]) {
    const session = await createConcurrentSession(products(), {
      device: "cpu",
      threads,
      parameters,
    });
    const sizes = [1, 300, 20, 200, 7];
    const results = await Promise.all(sizes.map((count) => session.run({ x: rows(count) })));
    for (const [index, count] of sizes.entries()) {
      const { y } = await alone.run({ x: rows(count) });
      assert.deepEqual(results[index]!.y, y);
    }
    await session.release();
  }
  await alone.release();
});

Deno.test("createConcurrentSession: a run that fails does not disturb the others", async () => {
  const graph = products();
  const session = await createConcurrentSession(graph, {
    device: "cpu",
    threads: 2,
    parameters: () => weights,
  });
  const [good, bad] = await Promise.allSettled([
    session.run({ x: rows(200) }),
    session.run({ x: ndarray("float32", [3, 5]) }),
  ]);
  assert.equal(good.status, "fulfilled");
  assert.equal(bad.status, "rejected");
  assert(!(bad.reason instanceof InputError));
  assert.deepEqual((await session.run({ x: rows(2) })).y!.shape, [2, 64]);
  await session.release();
});

Deno.test("createConcurrentSession: release waits for the runs that go on", async () => {
  const session = await createConcurrentSession(products(), {
    device: "cpu",
    threads: 2,
    parameters: () => weights,
  });
  const run = session.run({ x: rows(500) });
  await session.release();
  assert.deepEqual((await run).y!.shape, [500, 64]);
});
