/**
 * Training of SegFormer on the CPU: seconds a step and the most memory held, swath against transformers in
 * PyTorch, eager and compiled; 14 bands, ten classes, AdamW and clipping, two threads.
 *
 *     deno task bench train [CASE…] [rounds=N] [without=compile]
 *
 * A case is `b2-512`, with `b0-256x4` for a batch of four. All have the same weights and the same batch; their
 * losses are compared before anything is timed. Each is a process of its own.
 */
import {
  EMPTY_MODEL_CARD,
  initializeParameter,
  type NdArray,
  ndarray,
  networkFromConfig,
  networkParameters,
  randomStream,
  saveModel,
  variantConfig,
  writeSafetensors,
} from "swath";
import type { BenchRow } from "./bench_row.ts";
import { interleave, type Timing } from "./interleave.ts";
import { Peer } from "./peer.ts";

const CASES = ["b0-512", "b0-256x4", "b2-512", "b5-512"];
const BANDS = 14;
const CLASSES = 10;
const THREADS = 2;
const ROUNDS = 5;
/** Largest difference of losses as a share of PyTorch's. */
const TOLERANCE = 1e-3;

/** A contender's script and its last argument. */
const CONTENDERS = {
  swath: { script: "train_peer.ts", how: "false", label: "swath" },
  checkpoint: { script: "train_peer.ts", how: "true", label: "swath, checkpoint_activations" },
  eager: { script: "train.py", how: "eager", label: "PyTorch eager" },
  compile: { script: "train.py", how: "compile", label: "torch.compile" },
} as const;

type Name = keyof typeof CONTENDERS;

/** What is trained, from the name of a case. */
function parseCase(text: string): { variant: string; size: number; batch: number } {
  const match = /^(b\d)-(\d+)(?:x(\d+))?$/.exec(text);
  if (match === null) throw new Error(`${text} is no case such as ${CASES.join(", ")}`);
  return { variant: match[1]!, size: Number(match[2]), batch: Number(match[3] ?? 1) };
}

/** Write the model that all begin with, and a batch: noise, and labels in patches. */
async function writeInputs(folder: string, name: string): Promise<void> {
  const { variant, size, batch } = parseCase(name);
  // Without anything random, so that losses can be compared.
  const config = {
    ...variantConfig(variant, { bands: BANDS, classes: CLASSES }),
    drop_path_rate: 0,
    classifier_dropout_prob: 0,
  };
  const parameters = networkParameters(networkFromConfig(config));
  await saveModel(folder, {
    config,
    card: EMPTY_MODEL_CARD,
    tensors: new Map(parameters.map((spec) => [spec.name, initializeParameter(spec, 0)])),
  });
  const image = ndarray("float32", [batch, BANDS, size, size]);
  randomStream(0, "image").normals(image.data);
  const labels = ndarray("uint8", [batch, size, size]);
  labels.data.forEach((_, i, data) => {
    const [row, column] = [Math.floor(i / size) % size, i % size];
    data[i] = (Math.floor(row / 40) + 3 * Math.floor(column / 56)) % CLASSES;
  });
  const arrays = new Map<string, NdArray>([["image", image], ["labels", labels]]);
  await writeSafetensors(`${folder}/batch.safetensors`, arrays);
}

async function measure(
  name: string,
  names: readonly Name[],
  rounds: number,
): Promise<BenchRow[]> {
  const folder = await Deno.makeTempDir({ prefix: "swath-bench-" });
  await using peers = new AsyncDisposableStack();
  peers.defer(() => Deno.remove(folder, { recursive: true }));
  await writeInputs(`${folder}/model`, name);
  const running = new Map<Name, Peer>();
  for (const contender of names) {
    const { script, how } = CONTENDERS[contender];
    const peer = await Peer.start(script, [`${folder}/model`, String(THREADS), how]);
    running.set(contender, peers.use(peer));
    // The first step compiles and allocates.
    await peer.ask("step");
    const loss = await peer.ask("loss");
    const expected = await running.get("eager")?.ask("loss") ?? loss;
    if (!(Math.abs(loss - expected) <= TOLERANCE * expected)) {
      throw new Error(`${contender} has loss ${loss} where PyTorch has ${expected}`);
    }
  }
  const steps = names.map((contender) =>
    [contender, () => running.get(contender)!.ask("step")] as const
  );
  const timings = await interleave(Object.fromEntries(steps), rounds) as Record<Name, Timing>;
  const memory = new Map<Name, number>();
  for (const [contender, peer] of running) memory.set(contender, await peer.ask("memory"));
  return names.flatMap((contender) => {
    const { label } = CONTENDERS[contender];
    const { median, best } = timings[contender];
    const isPeer = contender === "eager" || contender === "compile";
    const ratios = isPeer
      ? { ratio: median / timings.swath.median, bestRatio: best / timings.swath.best }
      : {};
    const bytes = memory.get(contender)!;
    return [
      { name: `${name} ${label}, a step`, value: median, unit: "s", best, ...ratios },
      {
        name: `${name} ${label}, memory`,
        value: bytes / 2 ** 20,
        unit: "MiB",
        ...(isPeer && { ratio: bytes / memory.get("swath")! }),
      },
    ];
  });
}

/**
 * Measure training.
 *
 * @param args Cases, all where left out; `rounds=N` that count; `without=compile` leaves a contender out.
 * @returns Seconds a step and MiB at the most; the ratios to swath's stand beside the peers.
 */
export async function run(args: readonly string[]): Promise<BenchRow[]> {
  const settings = new Map(
    args.filter((arg) => arg.includes("=")).map((arg) => arg.split("=") as [string, string]),
  );
  const cases = args.filter((arg) => !arg.includes("="));
  const left = settings.get("without")?.split(",") ?? [];
  // PyTorch's loss comes first, as the others are compared with it.
  const names = (["eager", "compile", "swath", "checkpoint"] as const)
    .filter((name) => !left.includes(name));
  const rows: BenchRow[] = [];
  for (const name of cases.length > 0 ? cases : CASES) {
    rows.push(...await measure(name, names, Number(settings.get("rounds") ?? ROUNDS)));
  }
  return rows;
}
