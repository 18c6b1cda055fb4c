import assert from "node:assert/strict";
import {
  broadcastValue,
  HalfSum,
  InputError,
  isKnownToAll,
  onFirstProcess,
  openMpi,
  OtherProcessError,
  watchProcesses,
} from "swath";
import { loopback } from "../../support/loopback.ts";

Deno.test("sums as float16: each number is rounded twice, however many processes there are", async () => {
  for (const size of [1, 2, 3, 8]) {
    const numbers = (rank: number) =>
      Float32Array.from({ length: 1001 }, (_, i) => Math.sin(i * (rank + 1)) * 10 ** (i % 7 - 5));
    const all = Array.from({ length: size }, (_, rank) => numbers(rank));
    const exact = all[0]!.map((_, i) => all.reduce((sum, array) => sum + array[i]!, 0));
    const largest = Math.max(...all.flatMap((array) => [...array]).map(Math.abs));
    await Promise.all(
      loopback(size).map((communicator) =>
        new HalfSum(communicator, all[communicator.rank]!).run()
      ),
    );
    for (const array of all) {
      assert.deepEqual(array, all[0]);
      for (const [i, sum] of array.entries()) {
        const tolerance = 2 * largest * size * 2 ** -11;
        assert.ok(Math.abs(sum - exact[i]!) <= tolerance, `${sum}, not ${exact[i]}`);
      }
    }
  }
});

Deno.test("sums as float16: zeros stay zeros, and what is not finite is seen", async () => {
  const zeros = [new Float32Array(5), new Float32Array(5)];
  await Promise.all(loopback(2).map((c) => new HalfSum(c, zeros[c.rank]!).run()));
  assert.deepEqual([...zeros[0]!], [0, 0, 0, 0, 0]);
  for (const wrong of [NaN, Infinity]) {
    const data = [new Float32Array([1, wrong]), new Float32Array([1, 1])];
    await Promise.all(loopback(2).map((c) => new HalfSum(c, data[c.rank]!).run()));
    for (const array of data) assert.ok(!Number.isFinite(array[1]!), `${array}`);
  }
});

Deno.test("what the first process makes is had by all; where it fails, all know", async () => {
  const values = await Promise.all(
    loopback(3).map(async (communicator) => {
      const made = await onFirstProcess(communicator, () => Promise.resolve(communicator.rank));
      const value = { list: [1, NaN], bytes: new Uint8Array([7]), big: 1n << 60n };
      return [made, await broadcastValue(communicator, communicator.rank === 0 ? value : null)];
    }),
  );
  assert.deepEqual(values.map(([made]) => made), [0, null, null]);
  for (const [, value] of values) assert.deepEqual(value, values[0]![1]);

  const failures = await Promise.all(
    loopback(2).map((communicator) =>
      onFirstProcess(communicator, () => Promise.reject(new InputError("no data")))
        .catch((error: unknown) => error)
    ),
  );
  assert.ok(failures[0] instanceof InputError && failures[1] instanceof OtherProcessError);
  assert.ok(failures.every(isKnownToAll));
  assert.ok(!isKnownToAll(new InputError("of this process alone")));
});

Deno.test("a process that has died is told from one that is slow", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const options = { folder, hint: "start again" };
    const watched = await Promise.all(loopback(2).map((c) => watchProcesses(c, options)));
    const [first, second] = watched as [typeof watched[0], typeof watched[0]];
    // Slower than the patience, and alive.
    const slow = first.barrier();
    await new Promise((resolve) => setTimeout(resolve, 5000));
    await Promise.all([slow, second.barrier()]);
    const lonely = first.sum(new Float32Array(1));
    second[Symbol.dispose]();
    await assert.rejects(
      lonely,
      (error) =>
        error instanceof InputError && /process 1 of 2 has died/.test(error.message) &&
        error.hint === "start again",
    );
    first[Symbol.dispose]();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("no MPI library: what was looked for, and what to do", () => {
  assert.throws(
    () => openMpi({ library: "libnone.so" }),
    (error) =>
      error instanceof InputError && /libnone.so/.test(error.message) &&
      error.hint !== undefined,
  );
});
