/**
 * Fingerprints of the train step of every segmentation network. Run this file to write
 * `fixtures/train_graph_hashes.json` anew, to be reviewed as a diff: a refactoring must not change any.
 */
import { adamw, buildTrainGraphs, crossEntropy, hashGraph, NETWORK_FAMILIES } from "swath";

/** Where the fingerprints are kept. */
export const HASHES = new URL("../../../fixtures/train_graph_hashes.json", import.meta.url);

/** Hash by family and variant, for one image of 4 bands and 3 classes at the smallest size twice. */
export function trainGraphHashes(): Record<string, string> {
  const hashes: Record<string, string> = {};
  for (const family of NETWORK_FAMILIES.values()) {
    for (const variant of family.variants) {
      const network = family.fromConfig(family.variantConfig(variant, { bands: 4, classes: 3 }));
      if (network.task !== "segmentation") continue;
      const size = 2 * network.multiple;
      const { step } = buildTrainGraphs({
        network,
        batch: 2,
        height: size,
        width: size,
        loss: crossEntropy(),
        optimizer: adamw(),
        weightDecay: 0.01,
      });
      hashes[`${family.name}-${variant}`] = hashGraph(step);
    }
  }
  return hashes;
}

if (import.meta.main) {
  await Deno.writeTextFile(HASHES, JSON.stringify(trainGraphHashes(), null, 2) + "\n");
}
