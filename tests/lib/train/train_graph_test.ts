import assert from "node:assert/strict";
import { HASHES, trainGraphHashes } from "./train_graph_hashes.ts";

Deno.test("buildTrainGraphs: the graphs of all networks are those that are on record", async () => {
  assert.deepEqual(trainGraphHashes(), JSON.parse(await Deno.readTextFile(HASHES)));
});
