/**
 * Prints how far every network of the zoo is from PyTorch's, with few channels or, with `full`, as it is:
 * `deno run -A tests/peers/zoo_table.ts [full] [NAME…]`.
 */
import { compareWithPeer, peerCounts, ZOO_CASES } from "./zoo.ts";
import { countParameters, networkFromConfig, networkParameters, variantConfig } from "swath";

const names = Deno.args.filter((arg) => arg !== "full");
const isFull = names.length < Deno.args.length;
const cases = ZOO_CASES.filter(({ name }) =>
  names.length === 0 || names.some((start) => name.startsWith(start))
);
const theirs = await peerCounts(cases.map(({ name }) => name));
const print = (cells: readonly string[]) => {
  const line = `| ${
    cells.map((cell, i) => i === 0 ? cell.padEnd(30) : cell.padStart(13)).join(" | ")
  } |\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(line));
};
print(["network", "parameters", "PyTorch's", "logits", "loss", "gradient", "cosine", "statistics"]);
print(["---", ...new Array(7).fill("---:")]);
for (const [index, each] of cases.entries()) {
  const network = networkFromConfig(variantConfig(each.name, { bands: 4, classes: 3 }));
  const errors = await compareWithPeer(isFull ? { ...each, channels: {} } : each);
  print([
    each.name,
    countParameters(networkParameters(network)).toLocaleString("en"),
    theirs[index]!.toLocaleString("en"),
    errors.evaluation.toExponential(1),
    errors.loss.toExponential(1),
    errors.gradient.toExponential(1),
    errors.cosine.toFixed(6),
    errors.statistics.toExponential(1),
  ]);
}
