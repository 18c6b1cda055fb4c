/** Sessions: types, preallocated outputs, errors, devices, profiles. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createSession,
  type DataType,
  encodeModel,
  Graph,
  InputError,
  ndarray,
  type Session,
  TYPED_ARRAY_CONSTRUCTORS,
} from "swath";

/** y = 2x and z = x + 1 of (batch, 3). */
async function open(): Promise<Session> {
  const graph = new Graph("test");
  const x = graph.input("x", "float32", ["batch", 3]);
  graph.output("y", graph.op("Mul", [x, 2]));
  graph.output("z", graph.op("Add", [x, 1]));
  return await createSession(graph, { device: "cpu", threads: 1 });
}

const x = ndarray("float32", [1, 3], new Float32Array([1, 2, 3]));

Deno.test("arrays of every element type pass both ways", async () => {
  for (const dtype of Object.keys(TYPED_ARRAY_CONSTRUCTORS) as DataType[]) {
    const graph = new Graph("test");
    graph.output("y", graph.op("Reshape", [graph.input("x", dtype, [4]), [2, 2]]));
    const session = await createSession(graph, { device: "cpu", threads: 1 });
    const input = ndarray(dtype, [4]);
    if (input.data instanceof BigInt64Array || input.data instanceof BigUint64Array) {
      input.data.set([0n, 1n, 1n, 0n]);
    } else input.data.set([0, 1, 1, 0]);
    const into = ndarray(dtype, [2, 2]);
    const { y } = await session.run({ x: input });
    await session.run({ x: input }, { y: into });
    await session.release();
    assert.equal(y!.dtype, dtype);
    assert.deepEqual(y!.shape, [2, 2]);
    assert.deepEqual(y!.data, input.data, dtype);
    assert.deepEqual(into.data, input.data, `${dtype} into a given array`);
  }
});

Deno.test("only the outputs that are asked for come back", async () => {
  const session = await open();
  assert.deepEqual(Object.keys(await session.run({ x }, ["z"])), ["z"]);
  const into = ndarray("float32", [1, 3]);
  const outputs = await session.run({ x }, { y: into, z: null });
  assert.deepEqual([...into.data], [2, 4, 6]);
  assert.deepEqual([...outputs.z!.data], [2, 3, 4]);
  assert.deepEqual(Object.keys(await session.run({ x }, { z: null })), ["z"]);
  await session.release();
});

Deno.test("an output may be written over the input that it comes from", async () => {
  const graph = new Graph("step");
  const p = graph.input("p", "float32", [2]);
  graph.output("p_after", graph.op("Sub", [p, 0.5]));
  const session = await createSession(graph, { device: "cpu", threads: 1 });
  const parameter = ndarray("float32", [2], new Float32Array([2, 3]));
  for (let step = 0; step < 3; step++) await session.run({ p: parameter }, { p_after: parameter });
  await session.release();
  assert.deepEqual([...parameter.data], [0.5, 1.5]);
});

Deno.test("feeds that do not fit are refused before the run", async () => {
  const session = await open();
  const refused = (promise: Promise<unknown>, message: string) =>
    assert.rejects(promise, { name: "InputError", message });
  await refused(session.run({}), 'Cannot run the model as input "x" is missing');
  await refused(
    session.run({ x: ndarray("float32", [1, 4]) }),
    'Cannot run the model as input "x" must be float32 batchx3: current is float32 1x4',
  );
  await refused(
    session.run({ x: ndarray("float64", [1, 3]) }),
    'Cannot run the model as input "x" must be float32 batchx3: current is float64 1x3',
  );
  await refused(session.run({ x, w: x }), 'The model has no input "w"; it has "x"');
  await refused(session.run({ x }, ["q"]), 'The model has no output "q"; it has "y", "z"');
  await refused(
    session.run({ x }, { y: ndarray("float32", [3]) }),
    'Cannot run the model as output "y" must be float32 batchx3: current is float32 3',
  );
  await session.release();
});

Deno.test("a run that fails names the node in one line", async () => {
  const graph = new Graph("test");
  const table = graph.input("table", "float32", [4]);
  const index = graph.input("index", "int64", [1]);
  graph.output("y", graph.scope("lookup", () => graph.op("Gather", [table, index])));
  const session = await createSession(graph, { device: "cpu", logSeverity: "fatal" });
  const feeds = {
    table: ndarray("float32", [4]),
    index: ndarray("int64", [1], new BigInt64Array([9n])),
  };
  await assert.rejects(
    session.run(feeds),
    /^Error: internal: ONNX Runtime failed: .*lookup\/Gather.*$/,
  );
  await session.release();
});

Deno.test("bytes that are no model are refused", async () => {
  for (const bytes of [new Uint8Array(0), new TextEncoder().encode("not a model")]) {
    await assert.rejects(
      createSession(bytes, { device: "cpu", logSeverity: "fatal" }),
      (error) => error instanceof InputError && /^Cannot load the ONNX model: /.test(error.message),
    );
  }
  const graph = new Graph("test");
  graph.output("y", graph.op("Relu", [graph.input("x", "float32", [2])]));
  const bytes = encodeModel(graph);
  await assert.rejects(
    createSession(bytes.slice(0, bytes.length - 9), { device: "cpu", logSeverity: "fatal" }),
    InputError,
  );
});

Deno.test("auto always finds a device; a missing one is an error that says what there is", async () => {
  const graph = new Graph("test");
  graph.output("y", graph.op("Relu", [graph.input("x", "float32", [1])]));
  const session = await createSession(graph);
  assert(["cpu", "webgpu", "cuda"].includes(session.device));
  await session.release();
  if (session.device === "cuda") return;
  await assert.rejects(createSession(graph, { device: "cuda" }), (error) => {
    assert(error instanceof InputError);
    assert.match(error.message, /^Cannot compute on device "cuda": .+; available here: .*cpu$/);
    assert.match(error.hint ?? "", /NVIDIA/);
    return true;
  });
});

Deno.test("an unknown device is refused with the known ones", async () => {
  const graph = new Graph("test");
  graph.output("y", graph.op("Relu", [graph.input("x", "float32", [1])]));
  await assert.rejects(createSession(graph, { device: "gpu" as "cpu" }), {
    name: "InputError",
    message: 'Cannot compute on device "gpu": expected auto, cuda, webgpu, cpu',
  });
});

Deno.test("a profile is written when the session is released", async () => {
  const folder = mkdtempSync(join(tmpdir(), "swath-profile-"));
  try {
    const graph = new Graph("test");
    graph.output(
      "y",
      graph.scope("head", () => graph.op("Exp", [graph.input("x", "float32", [4])])),
    );
    const session = await createSession(graph, { device: "cpu", profile: join(folder, "run") });
    await session.run({ x: ndarray("float32", [4]) });
    await session.release();
    const [file] = readdirSync(folder);
    assert.match(file ?? "", /^run_.*\.json$/);
    const events: { name: string }[] = JSON.parse(readFileSync(join(folder, file!), "utf8"));
    assert(events.some((event) => event.name.startsWith("head/Exp")));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
