/**
 * Whether probabilities mean what they say: reliability, ECE, NLL and Brier score, in sums that can be added up.
 *
 * @module
 */

/** Equal bins of confidence, as Guo et al. take them. */
export const CALIBRATION_BINS = 15;

/** Sums over pixels by the confidence of their prediction. */
export class CalibrationCounts {
  /** Pixels in each bin; a confidence c is in bin ⌈c · bins⌉ − 1. */
  readonly pixels: Float64Array<ArrayBuffer> = new Float64Array(CALIBRATION_BINS);
  /** Sum of the confidences in each bin. */
  readonly confidence: Float64Array<ArrayBuffer> = new Float64Array(CALIBRATION_BINS);
  /** Pixels in each bin whose prediction is right. */
  readonly correct: Float64Array<ArrayBuffer> = new Float64Array(CALIBRATION_BINS);
  /** Σ −log p of the true class. */
  negativeLogLikelihood = 0;
  /** Σ over pixels and classes of (p − y)². */
  squaredError = 0;

  /**
   * Add pixels.
   *
   * @param logits Logits (K, pixels), or the logarithms of probabilities.
   * @param truth Class of each pixel; −1 for pixels that do not count.
   */
  update(logits: Float32Array, truth: Int32Array): void {
    const pixels = truth.length;
    const classes = logits.length / pixels;
    for (let i = 0; i < pixels; i++) {
      const label = truth[i]!;
      if (label < 0) continue;
      let best = 0;
      for (let k = 1; k < classes; k++) {
        if (logits[k * pixels + i]! > logits[best * pixels + i]!) best = k;
      }
      const largest = logits[best * pixels + i]!;
      let sum = 0;
      let squares = 0;
      for (let k = 0; k < classes; k++) {
        const share = Math.exp(logits[k * pixels + i]! - largest);
        sum += share;
        squares += share * share;
      }
      const log = logits[label * pixels + i]! - largest - Math.log(sum);
      const confidence = 1 / sum;
      const bin = Math.min(
        CALIBRATION_BINS - 1,
        Math.max(0, Math.ceil(confidence * CALIBRATION_BINS) - 1),
      );
      this.pixels[bin]!++;
      this.confidence[bin]! += confidence;
      if (best === label) this.correct[bin]!++;
      this.negativeLogLikelihood -= log;
      this.squaredError += squares / (sum * sum) - 2 * Math.exp(log) + 1;
    }
  }

  /** Add the sums of others. */
  merge(other: CalibrationCounts): void {
    for (const field of ["pixels", "confidence", "correct"] as const) {
      other[field].forEach((value, bin) => this[field][bin]! += value);
    }
    this.negativeLogLikelihood += other.negativeLogLikelihood;
    this.squaredError += other.squaredError;
  }
}

/** A bar of the reliability diagram. */
export interface ReliabilityBin {
  /** Lower end of its confidences, which it does not include. */
  readonly from: number;
  /** Upper end. */
  readonly to: number;
  /** Pixels in it. */
  readonly pixels: number;
  /** Mean confidence; null without pixels. */
  readonly confidence: number | null;
  /** Share of pixels whose prediction is right; null without pixels. */
  readonly accuracy: number | null;
}

/** How well probabilities are calibrated. */
export interface CalibrationReport {
  /** Pixels. */
  readonly pixels: number;
  /** Expected calibration error (Guo et al., 2017): mean of |accuracy − confidence| over bins, by their pixels. */
  readonly ece: number | null;
  /** Largest |accuracy − confidence| of any bin. */
  readonly mce: number | null;
  /** Mean negative log-likelihood of the true class, in nats. */
  readonly nll: number | null;
  /** Brier score: mean over pixels of Σ (p − y)² over classes, from 0 to 2. */
  readonly brier: number | null;
  /** The bins in order. */
  readonly bins: readonly ReliabilityBin[];
}

/** Scores from sums. */
export function calibrationReport(counts: CalibrationCounts): CalibrationReport {
  const total = counts.pixels.reduce((sum, pixels) => sum + pixels, 0);
  const bins = Array.from(counts.pixels, (pixels, bin): ReliabilityBin => ({
    from: bin / CALIBRATION_BINS,
    to: (bin + 1) / CALIBRATION_BINS,
    pixels,
    confidence: pixels === 0 ? null : counts.confidence[bin]! / pixels,
    accuracy: pixels === 0 ? null : counts.correct[bin]! / pixels,
  }));
  if (total === 0) return { pixels: 0, ece: null, mce: null, nll: null, brier: null, bins };
  const gaps = bins.map(({ confidence, accuracy }) =>
    Math.abs((accuracy ?? 0) - (confidence ?? 0))
  );
  return {
    pixels: total,
    ece: gaps.reduce((sum, gap, bin) => sum + gap * counts.pixels[bin]!, 0) / total,
    mce: Math.max(...gaps),
    nll: counts.negativeLogLikelihood / total,
    brier: counts.squaredError / total,
    bins,
  };
}
