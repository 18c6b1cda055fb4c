/** Boundary scores, calibration and bootstrap intervals against SciPy, torchmetrics and scikit-learn. */
import assert from "node:assert/strict";
import {
  bootstrapScores,
  BOUNDARY_FIELDS,
  CalibrationCounts,
  calibrationReport,
  ConfusionMatrix,
  evaluateRasters,
  ndarray,
  type RasterReader,
} from "swath";
import { peerTest, runPythonJson } from "./python.ts";

const [WIDTH, HEIGHT, CLASSES, TOLERANCE] = [97, 143, 3, 3];

/**
 * Blobs of classes on class 0, which surrounds them: the published code takes the edge of the image for a boundary,
 * and we do not.
 */
function blobs(shift: number): Uint8Array {
  const labels = new Uint8Array(WIDTH * HEIGHT);
  for (let y = 8; y < HEIGHT - 8; y++) {
    for (let x = 8; x < WIDTH - 8; x++) {
      const wave = Math.sin((x + shift) / 5) * Math.cos((y - shift) / 7) +
        Math.sin(x * y / 300) / 2;
      labels[y * WIDTH + x] = wave > 0.6 ? 2 : wave > 0.1 ? 1 : 0;
    }
  }
  return labels;
}

function raster(labels: Uint8Array): RasterReader {
  return {
    info: {
      source: "map.tif",
      format: "test",
      width: WIDTH,
      height: HEIGHT,
      dtype: "uint8",
      bands: [{ name: "1", scale: 1, offset: 0 }],
      nodata: null,
      georeference: { crs: null, transform: null, geoKeys: null, pixelIsPoint: false },
      classes: null,
      block: { width: WIDTH, height: 1 },
      overviews: [],
    } as unknown as RasterReader["info"],
    checksum: null,
    traffic: { requests: 0, bytes: 0 },
    close() {},
    read({ y, width, height }) {
      const image = ndarray("uint8", [1, height, width]);
      image.data.set(labels.subarray(y * width, (y + height) * width));
      const valid = ndarray("uint8", [height, width]);
      valid.data.fill(1);
      return Promise.resolve({ image, valid });
    },
  };
}

function sine(length: number, scale: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, (_, i) => scale * Math.sin(1 + i * i));
}

peerTest(
  "boundaries, calibration and intervals are those of other packages",
  ["scipy", "torchmetrics", "sklearn"],
  async () => {
    const [truth, prediction] = [blobs(0), blobs(2)];
    const pixels = 4000;
    const logits = sine(CLASSES * pixels, 3);
    const labels = Int32Array.from(
      { length: pixels },
      (_, i) => i % 9 === 0 ? -1 : Math.floor(1.5 + 1.4 * Math.sin(3 * i)),
    );
    const scenes = Array.from(
      { length: 15 },
      (_, i) => [50 + 3 * i, 10 + (i * 7) % 5, 4 + (i * 5) % 11, 30 - i],
    );
    const replicates = 20_000;
    const job = {
      boundary: {
        width: WIDTH,
        height: HEIGHT,
        tolerance: TOLERANCE,
        classes: [1, 2],
        truth: [...truth],
        prediction: [...prediction],
      },
      calibration: { classes: CLASSES, logits: [...logits], truth: [...labels] },
      bootstrap: { scenes, replicates },
    };
    const theirs = await runPythonJson<{
      readonly boundary: number[][];
      readonly calibration: Record<"ece" | "mce" | "nll" | "brier", number>;
      readonly bootstrap: [number, number];
    }>("score_details.py", [], { stdin: new TextEncoder().encode(JSON.stringify(job)) });

    const { boundary } = await evaluateRasters(raster(prediction), raster(truth), {
      boundaryTolerance: TOLERANCE,
    });
    for (const k of [1, 2]) {
      const counts = boundary!.of(k);
      assert.deepEqual(BOUNDARY_FIELDS.map((name) => counts[name]), theirs.boundary[k - 1]);
    }

    const counts = new CalibrationCounts();
    counts.update(logits, labels);
    const report = calibrationReport(counts);
    for (const name of ["ece", "mce", "nll", "brier"] as const) {
      const [ours, other] = [report[name]!, theirs.calibration[name]];
      assert.ok(Math.abs(ours - other) < 1e-6, `${name}: ${ours} ${other}`);
    }

    const drawn = scenes.map((counts, i) => {
      const matrix = new ConfusionMatrix(2);
      matrix.counts.set(counts);
      return { name: `${i}`, matrix, boundary: null };
    });
    const { overall } = bootstrapScores(drawn, { replicates });
    overall["meanIou"]!.forEach((end, i) =>
      assert.ok(Math.abs(end - theirs.bootstrap[i]!) < 2e-3, `${end} ${theirs.bootstrap[i]}`)
    );
  },
);
