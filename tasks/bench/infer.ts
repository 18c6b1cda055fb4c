/**
 * Inference of SegFormer on the CPU: swath against transformers in PyTorch (eager), transformers'
 * ONNX export on the same ONNX Runtime, and OpenVINO in float32; one patch of 14 bands of 512×512,
 * two threads.
 *
 *     deno task bench infer [VARIANT…]
 *
 * All have the same weights, and their logits are compared before anything is timed. The peers are
 * given normalized float32; swath is timed on that, and on the integers of a raw stream, which it
 * normalizes inside the graph.
 */
import type * as Ort from "onnxruntime-node";
import type { BenchRow } from "./bench_row.ts";
import { interleave, timed } from "./interleave.ts";
import { Peer } from "./peer.ts";
import {
  createPredictor,
  type NdArray,
  ndarray,
  type Normalization,
  openModel,
  openSafetensors,
  variantConfig,
} from "swath";

const VARIANTS = ["b0", "b2", "b5"];
const BANDS = 14;
const CLASSES = 10;
const SIZE = 512;
const THREADS = 2;
const ROUNDS = 9;
/** Largest difference of logits as a share of their largest magnitude. */
const TOLERANCE = 1e-3;

/** What infer.py does to its random integers. */
const NORMALIZATION: Normalization = {
  bands: Array.from({ length: BANDS }, (_, band) => String(band + 1)),
  scale: Array(BANDS).fill(1e-4),
  offset: Array(BANDS).fill(0),
  mean: Array(BANDS).fill(0.5),
  std: Array(BANDS).fill(0.25),
  clip: null,
};

function checkLogits(name: string, actual: Float32Array, expected: Float32Array): void {
  if (actual.length !== expected.length) throw new Error(`${name} gives logits of another size`);
  let difference = 0;
  let magnitude = 0;
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(actual[i]! - expected[i]!));
    magnitude = Math.max(magnitude, Math.abs(expected[i]!));
  }
  if (!(difference <= TOLERANCE * magnitude)) {
    throw new Error(
      `${name} differs from PyTorch by ${difference} where logits reach ${magnitude}`,
    );
  }
}

/** Another ONNX model on the same ONNX Runtime, with its own defaults. */
async function plainSession(path: string, x: NdArray) {
  const ort: typeof Ort = await import("onnxruntime-node");
  const session = await ort.InferenceSession.create(path, { intraOpNumThreads: THREADS });
  const feeds = { x: new ort.Tensor("float32", x.data as Float32Array, x.shape) };
  return {
    run: async () => (await session.run(feeds)).logits!.data as Float32Array,
    release: () => session.release(),
  };
}

async function measure(variant: string, folder: string): Promise<BenchRow[]> {
  const config = variantConfig(variant, { bands: BANDS, classes: CLASSES });
  const shape = [1, BANDS, SIZE, SIZE];
  await using peer = await Peer.start("infer.py", [
    JSON.stringify(config),
    JSON.stringify(shape),
    String(THREADS),
    folder,
  ]);
  using saved = await openSafetensors(`${folder}/expected.safetensors`);
  const tensor = (name: string) => saved.read(name).data as Float32Array<ArrayBuffer>;
  const x = ndarray("float32", shape.slice(1), tensor("x"));
  const raw = ndarray(
    "uint16",
    shape.slice(1),
    Uint16Array.from(saved.read("raw").data as Int32Array),
  );

  using model = await openModel(folder);
  const options = { device: "cpu", threads: THREADS } as const;
  const predictor = createPredictor(model, options);
  const rawPredictor = createPredictor(model, options);
  const plain = await plainSession(`${folder}/plain.onnx`, ndarray("float32", shape, tensor("x")));
  const predict = async () => (await predictor.predict([{ image: x }], null))[0]!;
  const predictRaw = async () => (await rawPredictor.predict([{ image: raw }], NORMALIZATION))[0]!;

  const expected = tensor("torch");
  checkLogits("swath", (await predict()).data, expected);
  checkLogits("swath on integers", (await predictRaw()).data, expected);
  checkLogits("the plain export", await plain.run(), expected);
  checkLogits("OpenVINO", tensor("openvino"), expected);

  const timings = await interleave({
    swath: () => timed(predict),
    raw: () => timed(predictRaw),
    torch: () => peer.ask("torch"),
    plain: () => timed(plain.run),
    openvino: () => peer.ask("openvino"),
  }, ROUNDS);
  await predictor.release();
  await rawPredictor.release();
  await plain.release();

  const { swath } = timings;
  const labels = {
    swath: "swath",
    raw: "swath, uint16 normalized in the graph",
    torch: "PyTorch eager",
    plain: "transformers' export on ONNX Runtime",
    openvino: "OpenVINO float32",
  };
  return (Object.keys(labels) as (keyof typeof labels)[]).map((key) => {
    const { median, best } = timings[key];
    const row = {
      name: `${variant} ${labels[key]}`,
      value: median * 1e3,
      unit: "ms",
      best: best * 1e3,
    };
    return key === "swath" || key === "raw"
      ? row
      : { ...row, ratio: median / swath.median, bestRatio: best / swath.best };
  });
}

/**
 * Measure inference.
 *
 * @param args Variants; B0, B2 and B5 where left out.
 * @returns Milliseconds a patch; the ratios stand beside the peers that swath is compared with.
 */
export async function run(args: readonly string[]): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const variant of args.length > 0 ? args : VARIANTS) {
    const folder = await Deno.makeTempDir();
    try {
      rows.push(...await measure(variant, folder));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }
  return rows;
}
