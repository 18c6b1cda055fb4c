/**
 * Temperature scaling: Guo et al., "On calibration of modern neural networks" (2017).
 *
 * @module
 */
import { cropArray, ndarray } from "../array/mod.ts";
import { InputError } from "../errors.ts";
import type { OutputInfo, Sample, StreamItem } from "../stream/mod.ts";
import { scoredLogits } from "./score_calibration.ts";

/** A fitted temperature. */
export interface TemperatureFit {
  /** What logits are to be divided by. */
  readonly temperature: number;
  /** Mean negative log-likelihood before, in nats. */
  readonly before: number;
  /** Mean negative log-likelihood after. */
  readonly after: number;
  /** Labelled pixels that it was fitted to. */
  readonly pixels: number;
}

/** Logits that are held at most, as float32: 128 MB. */
const MOST_ELEMENTS = 2 ** 25;

/** Newton's steps at most; a handful is usual. */
const MOST_STEPS = 100;

/** Bounds of what logits are multiplied by: beyond, every class or none is certain. */
const [LEAST, MOST] = [1e-4, 1e4];

/** Options of {@linkcode fitTemperature}. */
export interface TemperatureOptions {
  /** Label that is left out; 255 where left out. */
  readonly ignoreLabel?: number | null;
}

/**
 * Find the temperature that makes the labels of a stream most likely.
 *
 * The negative log-likelihood is convex in 1/T: Newton's method, with a bisection where it leaves the bounds. Pixels
 * count once each, by the samples' cores. Of more than 2²⁵ logits, every second pixel is dropped, again and again.
 *
 * @param items A stream with `logits` and `label`.
 * @param options Which label is left out.
 * @returns The temperature.
 * @throws {InputError} If the stream has no logits, no labelled pixel, or labels that no finite temperature fits.
 */
export async function fitTemperature(
  items: AsyncIterable<StreamItem>,
  { ignoreLabel = 255 }: TemperatureOptions = {},
): Promise<TemperatureFit> {
  let output: OutputInfo | null = null;
  let held: HeldPixels | null = null;
  for await (const item of items) {
    if (item.type === "header") output = item.header.output;
    if (item.type !== "sample") continue;
    held ??= new HeldPixels(classesOf(item.sample, output));
    held.add(item.sample, output!, ignoreLabel);
  }
  if (held === null || held.pixels === 0) {
    throw new InputError("Cannot fit a temperature as no pixel has a label and logits");
  }
  return newton(held);
}

function classesOf({ key, arrays: { logits } }: Sample, output: OutputInfo | null): number {
  if (logits !== undefined && output?.kind === "logits") return logits.shape[0]!;
  const what = logits === undefined ? "no logits" : "probabilities in place of logits";
  throw new InputError(`Cannot fit a temperature to sample "${key}" as it has ${what}`, {
    hint: "Pipe the stream of `swath infer` into `swath calibrate`, without --probs",
  });
}

/** Evenly thinned pixels: logits less those of the label, so that the likelihood is that of 0. */
class HeldPixels {
  readonly classes: number;
  pixels = 0;
  margins: Float32Array<ArrayBuffer>;
  #stride = 1;
  #seen = 0;

  constructor(classes: number) {
    this.classes = classes;
    this.margins = new Float32Array(1024 * classes);
  }

  add(sample: Sample, output: OutputInfo, ignoreLabel: number | null): void {
    const { core, window } = sample.info;
    if (core.width === 0 || core.height === 0) return;
    const { logits, truth } = scoredLogits(sample, output, this.classes, ignoreLabel);
    const inside = { ...core, x: core.x - window.x, y: core.y - window.y };
    const labels = ndarray("int32", [window.height, window.width], truth);
    const scores = cropArray(logits, inside).data as Float32Array;
    const classes = cropArray(labels, inside).data as Int32Array;
    for (let i = 0; i < classes.length; i++) {
      const label = classes[i]!;
      if (label < 0 || this.#seen++ % this.#stride !== 0) continue;
      if ((this.pixels + 1) * this.classes > this.margins.length) this.#makeRoom();
      const from = this.pixels++ * this.classes;
      const own = scores[label * classes.length + i]!;
      for (let k = 0; k < this.classes; k++) {
        this.margins[from + k] = scores[k * classes.length + i]! - own;
      }
    }
  }

  #makeRoom(): void {
    if (this.margins.length < MOST_ELEMENTS) {
      const grown = new Float32Array(2 * this.margins.length);
      grown.set(this.margins);
      this.margins = grown;
      return;
    }
    const { classes } = this;
    const kept = Math.ceil(this.pixels / 2);
    for (let i = 0; i < kept; i++) {
      this.margins.copyWithin(i * classes, 2 * i * classes, (2 * i + 1) * classes);
    }
    this.pixels = kept;
    this.#stride *= 2;
  }
}

/** Mean of log Σ exp(β m) over pixels, and its derivatives by β. */
function likelihood({ margins, pixels, classes }: HeldPixels, beta: number) {
  let [value, slope, curvature] = [0, 0, 0];
  for (let i = 0; i < pixels; i++) {
    const from = i * classes;
    let largest = -Infinity;
    for (let k = 0; k < classes; k++) largest = Math.max(largest, margins[from + k]!);
    let [sum, first, second] = [0, 0, 0];
    for (let k = 0; k < classes; k++) {
      const margin = margins[from + k]!;
      const share = Math.exp(beta * (margin - largest));
      sum += share;
      first += share * margin;
      second += share * margin * margin;
    }
    const mean = first / sum;
    value += beta * largest + Math.log(sum);
    slope += mean;
    curvature += second / sum - mean * mean;
  }
  return { value: value / pixels, slope: slope / pixels, curvature: curvature / pixels };
}

function newton(held: HeldPixels): TemperatureFit {
  const before = likelihood(held, 1).value;
  let [low, high, beta] = [LEAST, MOST, 1];
  let now = likelihood(held, beta);
  for (let step = 0; step < MOST_STEPS && high - low > 1e-12 * beta; step++) {
    if (now.slope > 0) high = beta;
    else low = beta;
    const next = beta - now.slope / now.curvature;
    const isInside = next > low && next < high;
    // Half way on a scale of factors, as temperatures are.
    const moved = isInside ? next : Math.sqrt(low * high);
    const isStill = Math.abs(moved - beta) <= 1e-10 * beta;
    beta = moved;
    now = likelihood(held, beta);
    if (isStill) break;
  }
  if (beta <= LEAST * 1.01 || beta >= MOST / 1.01) {
    throw new InputError(
      `Cannot fit a temperature as the labels become ever more likely the ${
        beta < 1 ? "larger" : "smaller"
      } it is: the predictions are ${beta < 1 ? "no better than chance" : "all right"}`,
      { hint: "Use more pixels, with labels that the model was not trained on" },
    );
  }
  return { temperature: 1 / beta, before, after: now.value, pixels: held.pixels };
}
