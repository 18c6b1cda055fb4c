/**
 * How fast ONNX Runtime multiplies matrices on the CPU, by which of them it reads transposed: what networks should
 * be made of, and their gradients.
 *
 *     deno task bench products [ROWSxCOLUMNSxSUM…] [threads=N]
 *
 * Both matrices are inputs, as the weights of a training are.
 */
import { createInPlaceSession, Graph, type NdArray, ndarray } from "swath";
import type { BenchRow } from "./bench_row.ts";
import { interleave, timed, type Timing } from "./interleave.ts";

/** Products of a step of B5 at 512×512, and one that is as fast as any. */
const SHAPES = [
  "2048x2048x2048",
  "1280x1024x320",
  "1024x320x1280",
  "16384x64x256",
  "320x320x1024",
  "256x64x16384",
];
const FORMS = [
  ["neither transposed", false, false],
  ["the second", false, true],
  ["the first", true, false],
  ["both", true, true],
] as const;
const THREADS = 2;
const RUNS = 12;

function matrix(rows: number, columns: number): NdArray<"float32"> {
  const array = ndarray("float32", [rows, columns]);
  array.data.forEach((_, i, data) => data[i] = ((i * 7919) % 97 - 48) / 97);
  return array;
}

/** Seconds of one form, alone: the threads of another session would wait for work on the same processors. */
async function measure(
  [rows, columns, sum]: readonly [number, number, number],
  transA: boolean,
  transB: boolean,
  threads: number,
): Promise<Timing> {
  const a = transA ? matrix(sum, rows) : matrix(rows, sum);
  const b = transB ? matrix(columns, sum) : matrix(sum, columns);
  const graph = new Graph("product");
  const inputs = [graph.input("a", "float32", a.shape), graph.input("b", "float32", b.shape)];
  graph.output("y", graph.op("FusedMatMul", inputs, { transA, transB }));
  const session = await createInPlaceSession(graph, { device: "cpu", threads });
  const y = ndarray("float32", [rows, columns]);
  const { product: timing } = await interleave({
    product: () => timed(() => session.run({ a, b }, { y })),
  }, RUNS);
  await session.release();
  return timing;
}

/**
 * Measure products.
 *
 * @param args Shapes, those above where left out; `threads=N`.
 * @returns Billions of multiplications and additions a second.
 */
export async function run(args: readonly string[]): Promise<BenchRow[]> {
  const threads = Number(args.find((arg) => arg.startsWith("threads="))?.slice(8) ?? THREADS);
  const shapes = args.filter((arg) => !arg.includes("="));
  const rows: BenchRow[] = [];
  for (const shape of shapes.length > 0 ? shapes : SHAPES) {
    const extents = shape.split("x").map(Number) as [number, number, number];
    const count = 2e-9 * extents[0] * extents[1] * extents[2];
    for (const [form, transA, transB] of FORMS) {
      const { median, best } = await measure(extents, transA, transB, threads);
      rows.push({
        name: `${shape}, ${form}`,
        value: count / median,
        unit: "G/s",
        best: count / best,
      });
    }
  }
  return rows;
}
