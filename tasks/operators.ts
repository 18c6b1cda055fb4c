/**
 * Writes `docs/operators.md`: what each operator of the table can do, and what that is tested by.
 *
 * @module
 */
import { Graph, hasGradient, type OperatorName, OPERATORS, type Value } from "../mod.ts";
import { OPERATOR_SAMPLES } from "../tests/lib/onnx/operator_samples.ts";
import { OPERATOR_CASES } from "../tests/peers/operator_cases.ts";

/** Where each form of an operator runs on WebGPU, as the tests there found it. */
const PLACEMENTS: Readonly<Record<string, readonly string[]>> = JSON.parse(
  await Deno.readTextFile(new URL("../tests/webgpu/placements.json", import.meta.url)),
);

/** What a reader should know beside the columns. */
const NOTES: Readonly<Partial<Record<OperatorName, string>>> = {
  BatchNormalization: "statistics of the batch (training mode) or running ones",
  Cast: "gradients pass between floating-point types only",
  Ceil: "the gradient is 0",
  Clip: "bounds have gradients too",
  Conv: "any stride, padding, dilation and group",
  ConvTranspose: "any stride, padding, dilation, group and output padding",
  Einsum: "no letter twice in one term",
  Floor: "the gradient is 0",
  GlobalMaxPool: "ties share the gradient",
  LayerNormalization: "gradients pass through the first output only",
  Max: "ties share the gradient",
  Min: "ties share the gradient",
  MultiHeadAttention: "inference only; training uses products and Softmax",
  Pad: "constant, reflect, edge and wrap; negative padding too",
  ReduceMax: "ties share the gradient",
  ReduceMin: "ties share the gradient",
  Resize: "nearest, linear and cubic, any scale, without antialias",
  ScatterElements: "reductions none and add",
  ScatterND: "reductions none and add; no gradient of the updates",
  Sign: "the gradient is 0",
  TopK: "with K = n a sort",
};

/** The page as Markdown. */
export function operatorReference(): string {
  const names = Object.keys(OPERATORS) as OperatorName[];
  const rows = names.map((name) => {
    const { domain } = OPERATORS[name];
    const samples = OPERATOR_SAMPLES[name].length;
    const peers = OPERATOR_CASES.filter(({ operator }) => operator === name).length;
    const tests = [
      `runtime ${samples}`,
      ...(hasGradient(name) ? [`differences ${samples}`] : []),
      ...(peers > 0 ? [`PyTorch ${peers}`] : []),
    ];
    const label = domain === "" ? name : `${name} (\`${domain}\`)`;
    const cells = [label, "yes", gradientOf(name), webgpuOf(name), tests.join(", ")];
    return `| ${cells.join(" | ")} | ${NOTES[name] ?? ""} |`;
  });
  const differentiable = names.filter(hasGradient).length;
  return `# Operators

Graphs are made of ${names.length} ONNX operators (operator set 21). This page is written by \`deno task operators\`.

- **forward**: shapes are inferred, ONNX Runtime runs it, and so does the reference evaluator.
- **gradient**: it has a rule (${differentiable} operators have); \`–\`: its outputs are integers or booleans,
  where no gradient passes; \`no\`: differentiating it is an error that names it.
- **webgpu**: it runs on the device as it is, or told in other operators; \`in part\`: some of its forms, such as
  those of 64-bit integers, run on the CPU meanwhile; \`CPU\`: all of them do; \`–\`: it needs no running.
- **tests**: number of forms that are compared with ONNX Runtime's shapes and elements, whose gradients are compared
  with finite differences in double precision, and with PyTorch's autograd.

| operator | forward | gradient | webgpu | tests | notes |
| --- | --- | --- | --- | --- | --- |
${rows.join("\n")}
`;
}

/** Whether gradients pass, as the table tells it. */
function gradientOf(name: OperatorName): string {
  if (hasGradient(name)) return "yes";
  const outputs = OPERATOR_SAMPLES[name].flatMap((sample) => sample(new Graph("sample")));
  const isReal = (value: Value) => value.dtype.startsWith("float");
  return outputs.some(isReal) ? "no" : "–";
}

/** Where it runs on WebGPU, as the table tells it. */
function webgpuOf(name: OperatorName): string {
  const places = (PLACEMENTS[name] ?? []).filter((place) => place !== "nowhere");
  if (places.length === 0) return "–";
  if (places.every((place) => place === "cpu")) return "CPU";
  if (places.includes("cpu")) return "in part";
  return places.every((place) => place === "other operators") ? "in others" : "yes";
}

if (import.meta.main) {
  await Deno.writeTextFile(new URL("../docs/operators.md", import.meta.url), operatorReference());
}
