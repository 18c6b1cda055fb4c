/** Scenes of any size, and segments of samples with made-up logits. */
import fc from "fast-check";
import {
  type GridOptions,
  ndarray,
  patchesOf,
  planGrid,
  type Sample,
  sampleKey,
  type StreamHeader,
} from "swath";

export const SCENES = fc.record({
  width: fc.integer({ min: 1, max: 150 }),
  height: fc.integer({ min: 1, max: 150 }),
  size: fc.integer({ min: 1, max: 5 }).map((n) => n * 16),
  overlapSteps: fc.integer({ min: 0, max: 4 }),
  stride: fc.constantFrom(1, 2, 4, 8, 16),
}).map(({ overlapSteps, ...rest }) => ({
  ...rest,
  overlap: Math.min(overlapSteps * 16, rest.size - 16),
}));

/** A header with its samples. */
export interface Segment {
  readonly header: StreamHeader;
  readonly samples: Sample[];
}

/** Samples with the logits that `value` gives for a class, a sample and a cell of the scene's lattice. */
export function segment(
  options: GridOptions & { stride: number; classes?: number; kind?: "logits" | "probabilities" },
  value: (k: number, sample: number, x: number, y: number) => number,
): Segment {
  const { stride, classes = 3, kind = "logits", ...grid } = options;
  const { width, height } = grid;
  const plan = planGrid(grid);
  const header: StreamHeader = {
    swath: 1,
    scene: {
      name: "s",
      source: "s.tif",
      width,
      height,
      georeference: { crs: null, transform: null, geoKeys: null, pixelIsPoint: false },
    },
    grid: plan.grid,
    ...(plan.shard === null ? {} : { shard: plan.shard }),
    ...(plan.resume === null ? {} : { resume: plan.resume }),
    samples: plan.patches,
    bands: [],
    dtype: null,
    normalization: null,
    classes: null,
    output: { stride, kind, model: "m" },
    history: [],
  };
  const samples = [...patchesOf(plan)].map(({ window, core, position }): Sample => {
    const index = position[0] * plan.grid.columns + position[1];
    const [rows, columns] = [Math.ceil(window.height / stride), Math.ceil(window.width / stride)];
    const logits = ndarray("float32", [classes, rows, columns]);
    for (let i = 0; i < logits.data.length; i++) {
      const k = Math.floor(i / (rows * columns));
      const y = window.y / stride + Math.floor(i / columns) % rows;
      logits.data[i] = value(k, index, window.x / stride + i % columns, y);
    }
    return {
      key: sampleKey("s", window),
      info: { window, core, position, transform: null, crs: null, validPixels: 1 },
      arrays: { logits },
    };
  });
  return { header, samples };
}
