/**
 * Networks on the CPU: seconds of a train step and of logits at inference, swath against PyTorch
 * (segmentation-models-pytorch, transformers, and the papers' networks as tests/peers have them); AdamW and
 * clipping, two threads.
 *
 *     deno task bench models [CASE…] [rounds=N]
 *
 * A case is `unet-base-256`, with `setr-naive-small-256x2` for a batch of two. Both have the same weights and the
 * same batch; their losses are compared before anything is timed. Each is a process of its own.
 */
import { type NetworkConfig, variantConfig } from "swath";
import type { BenchRow } from "./bench_row.ts";
import { interleave } from "./interleave.ts";
import { Peer } from "./peer.ts";

const CASES = [
  "unet-base-256",
  "deeplabv3plus-resnet50-256x2",
  "setr-naive-small-256",
  "setr-pup-small-256",
];
const BANDS = 14;
const CLASSES = 10;
const THREADS = 2;
const ROUNDS = 5;
/** Largest difference of losses as a share of PyTorch's. */
const TOLERANCE = 1e-3;

function parseCase(text: string): { network: string; size: number; batch: number } {
  const match = /^(.+)-(\d+)(?:x(\d+))?$/.exec(text);
  if (match === null) throw new Error(`${text} is no case such as ${CASES.join(", ")}`);
  return { network: match[1]!, size: Number(match[2]), batch: Number(match[3] ?? 1) };
}

async function measure(name: string, rounds: number): Promise<BenchRow[]> {
  const { network, size, batch } = parseCase(name);
  // Without anything random, so that losses can be compared.
  const config: NetworkConfig = {
    ...variantConfig(network, { bands: BANDS, classes: CLASSES }),
    drop_path_rate: 0,
    classifier_dropout_prob: 0,
  };
  const folder = await Deno.makeTempDir({ prefix: "swath-bench-" });
  await using peers = new AsyncDisposableStack();
  peers.defer(() => Deno.remove(folder, { recursive: true }));
  const job = {
    family: config.model_type,
    config,
    classes: CLASSES,
    shape: [batch, BANDS, size, size],
  };
  await Deno.writeTextFile(`${folder}/job.json`, JSON.stringify(job));
  // PyTorch writes the weights that swath reads.
  const theirs = peers.use(await Peer.start("models.py", [folder, String(THREADS)]));
  const ours = peers.use(await Peer.start("models_peer.ts", [folder, String(THREADS)]));
  const losses: number[] = [];
  for (const peer of [ours, theirs]) {
    await peer.ask("train");
    losses.push(await peer.ask("loss"));
    await peer.ask("train");
  }
  const [memory, peerMemory] = [await ours.ask("memory"), await theirs.ask("memory")];
  const [loss, expected] = losses as [number, number];
  if (!(Math.abs(loss - expected) <= TOLERANCE * expected)) {
    throw new Error(`swath has loss ${loss} where PyTorch has ${expected}`);
  }
  const timings = await interleave({
    train: () => ours.ask("train"),
    peerTrain: () => theirs.ask("train"),
    infer: () => ours.ask("infer"),
    peerInfer: () => theirs.ask("infer"),
  }, rounds);
  const pair = (what: string, mine: typeof timings.train, peer: typeof timings.train) => [
    { name: `${name} swath, ${what}`, value: mine.median, unit: "s", best: mine.best },
    {
      name: `${name} PyTorch eager, ${what}`,
      value: peer.median,
      unit: "s",
      best: peer.best,
      ratio: peer.median / mine.median,
      bestRatio: peer.best / mine.best,
    },
  ];
  return [
    ...pair("a step", timings.train, timings.peerTrain),
    ...pair("inference", timings.infer, timings.peerInfer),
    { name: `${name} swath, memory of training`, value: memory / 2 ** 20, unit: "MiB" },
    {
      name: `${name} PyTorch eager, memory of training`,
      value: peerMemory / 2 ** 20,
      unit: "MiB",
      ratio: peerMemory / memory,
    },
  ];
}

/**
 * Measure networks.
 *
 * @param args Cases, all where left out; `rounds=N` that count.
 * @returns Seconds and MiB; PyTorch's ratios to swath's stand beside them.
 */
export async function run(args: readonly string[]): Promise<BenchRow[]> {
  const rounds = args.find((arg) => arg.startsWith("rounds="))?.slice("rounds=".length);
  const cases = args.filter((arg) => !arg.includes("="));
  const rows: BenchRow[] = [];
  for (const name of cases.length > 0 ? cases : CASES) {
    rows.push(...await measure(name, Number(rounds ?? ROUNDS)));
  }
  return rows;
}
