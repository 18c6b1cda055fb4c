/** Streams of a part of a scene. */
import assert from "node:assert/strict";
import type { ShardInfo, StreamItem } from "swath";
import { decode, encode, makeSegment } from "./support.ts";

const SHARD: ShardInfo = { number: 1, count: 2, y: 0, height: 4 };

/** A segment whose second row of patches is the next shard's. */
function shardSegment(shard: ShardInfo | null, coreOfOthers = 0): StreamItem[] {
  return makeSegment().map((item): StreamItem => {
    if (item.type === "header") {
      return { ...item, header: { ...item.header, ...(shard !== null && { shard }) } };
    }
    if (item.type === "end" || item.sample.info.position[0] === 0) return item;
    const { info } = item.sample;
    const core = { ...info.core, height: coreOfOthers };
    return { ...item, sample: { ...item.sample, info: { ...info, core } } };
  });
}

for (const format of ["tar", "ndjson"] as const) {
  Deno.test(`${format}: a shard with patches of its neighbour survives`, async () => {
    const items = shardSegment(SHARD);
    assert.deepEqual(await decode(await encode(items, format)), items);
  });
}

Deno.test("patches that answer for rows of another shard, or for none without one, are refused", async () => {
  const read = async (...args: Parameters<typeof shardSegment>) =>
    await decode(await encode(shardSegment(...args)));
  await assert.rejects(
    read(SHARD, 2),
    /answers for pixels outside its shard: 4x2 at column 0, row 4, rows 0 to 3 are the shard's/,
  );
  await assert.rejects(read(null), /answers for no pixels/);
  await assert.rejects(read({ ...SHARD, number: 3 }), /a shard that is no part of its scene/);
  await assert.rejects(read({ ...SHARD, height: 9 }), /a shard that is no part of its scene/);
});
