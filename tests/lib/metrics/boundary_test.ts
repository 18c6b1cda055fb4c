import assert from "node:assert/strict";
import fc from "fast-check";
import {
  BOUNDARY_FIELDS,
  BoundaryCounts,
  boundaryReport,
  type ClassBoundary,
  classesFromNames,
  evaluateStream,
  InputError,
  mergeEvaluations,
  ndarray,
  parseScores,
  type PixelWindow,
  type Sample,
  scoresDocument,
  type StreamItem,
} from "swath";
import { segmentHeader } from "./boundary_support.ts";

const CLASSES = classesFromNames(["a", "b", "c"]);

/** Labels of a scene, row by row; null is left out. */
interface Scene {
  readonly width: number;
  readonly height: number;
  readonly truth: readonly number[];
  readonly pred: readonly number[];
  readonly valid: readonly number[];
}

/** The definitions, pixel by pixel. */
function reference({ width, height, ...maps }: Scene, tolerance: number): ClassBoundary[] {
  const isScored = maps.truth.map((label, i) =>
    maps.valid[i] === 1 && label !== 255 && maps.pred[i] !== 255
  );
  const places = maps.truth.map((_, i) => ({ x: i % width, y: Math.floor(i / width) }));
  const within = (i: number, test: (dx: number, dy: number) => boolean) =>
    places.flatMap(({ x, y }, j) => {
      return isScored[j] && test(Math.abs(x - places[i]!.x), Math.abs(y - places[i]!.y)) ? [j] : [];
    });
  const contourOf = (map: readonly number[]) =>
    map.map((label, i) =>
      isScored[i]! &&
      within(i, (dx, dy) => Math.max(dx, dy) === 1).some((j) => map[j] !== label)
    );
  const contours = { truth: contourOf(maps.truth), pred: contourOf(maps.pred) };
  const near = (contour: readonly boolean[], i: number) =>
    isScored[i]! && within(i, (dx, dy) => Math.max(dx, dy) < tolerance).some((j) => contour[j]);
  return CLASSES.map((_, k) => {
    const counts = Object.fromEntries(
      BOUNDARY_FIELDS.map((name) => [name, 0]),
    ) as unknown as Record<keyof ClassBoundary, number>;
    for (let i = 0; i < width * height; i++) {
      const isTrue = maps.truth[i] === k && near(contours.truth, i);
      const isFound = maps.pred[i] === k && near(contours.pred, i);
      if (isTrue && isFound) counts.both++;
      if (isTrue || isFound) counts.either++;
      const meets = (map: readonly number[], contour: readonly boolean[]) =>
        within(i, (dx, dy) => dx ** 2 + dy ** 2 <= tolerance ** 2)
          .some((j) => contour[j] && map[j] === k);
      if (contours.truth[i] && maps.truth[i] === k) {
        counts.truth++;
        if (meets(maps.pred, contours.pred)) counts.truthMet++;
      }
      if (contours.pred[i] && maps.pred[i] === k) {
        counts.predicted++;
        if (meets(maps.truth, contours.truth)) counts.predictedMet++;
      }
    }
    return counts;
  });
}

/** The scene in patches of a size, whose cores are side by side. */
async function* streamOf(scene: Scene, size: number, overlap: number): AsyncGenerator<StreamItem> {
  yield { type: "header", header: segmentHeader(scene, CLASSES) };
  let samples = 0;
  for (let y = 0; y < scene.height; y += size) {
    for (let x = 0; x < scene.width; x += size) {
      const core = {
        x,
        y,
        width: Math.min(size, scene.width - x),
        height: Math.min(size, scene.height - y),
      };
      const window: PixelWindow = {
        x: core.x - overlap,
        y: core.y - overlap,
        width: core.width + 2 * overlap,
        height: core.height + 2 * overlap,
      };
      const cut = (map: readonly number[], outside: number) => {
        const array = ndarray("uint8", [window.height, window.width]);
        array.data.forEach((_, i) => {
          const column = window.x + i % window.width;
          const row = window.y + Math.floor(i / window.width);
          const isInside = column >= 0 && row >= 0 && column < scene.width && row < scene.height;
          array.data[i] = isInside ? map[row * scene.width + column]! : outside;
        });
        return array;
      };
      samples++;
      const sample: Sample = {
        key: `scene/${y}_${x}`,
        info: {
          window,
          core,
          transform: null,
          crs: null,
          nodata: null,
        } as unknown as Sample["info"],
        arrays: {
          label: cut(scene.truth, 0),
          pred: cut(scene.pred, 1),
          valid: cut(scene.valid, 0),
        },
      };
      yield { type: "sample", sample };
    }
  }
  yield { type: "end", end: { samples, skipped: 0 } };
}

const scenes = fc.record({
  width: fc.integer({ min: 1, max: 12 }),
  height: fc.integer({ min: 1, max: 14 }),
}).chain(({ width, height }) => {
  const array = (...labels: number[]) =>
    fc.array(fc.constantFrom(...labels), {
      minLength: width * height,
      maxLength: width * height,
    });
  return fc.record({
    width: fc.constant(width),
    height: fc.constant(height),
    truth: array(0, 0, 0, 1, 2, 255),
    pred: array(0, 0, 0, 1, 2, 255),
    valid: array(1, 1, 1, 1, 0),
  });
});

Deno.test("boundaries: of a stream in patches of any size, pixel by pixel", async () => {
  const cases = fc.asyncProperty(
    scenes,
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 0, max: 3 }),
    async (scene, tolerance, size, overlap) => {
      const { boundary } = await evaluateStream(streamOf(scene, size, overlap), {
        boundaryTolerance: tolerance,
      });
      const expected = reference(scene, tolerance);
      assert.deepEqual(CLASSES.map((_, k) => ({ ...boundary!.of(k) })), expected);
    },
  );
  await fc.assert(cases, { numRuns: 60 });
});

/** A scene taller than what is held at a time. */
function tallScene(): Scene {
  const [width, height] = [11, 200];
  const map = (shift: number) =>
    Array.from({ length: width * height }, (_, i) => {
      const [x, y] = [i % width + shift, Math.floor(i / width)];
      return Math.floor(1.5 + 1.4 * Math.sin(x / 3) * Math.cos(y / 5 + x / 9));
    });
  const valid = Array.from({ length: width * height }, (_, i) => i % 31 === 0 ? 0 : 1);
  return { width, height, truth: map(0), pred: map(1), valid };
}

Deno.test("boundaries: rows beyond those that are held at a time", async () => {
  const scene = tallScene();
  for (const tolerance of [1, 3]) {
    const counts = [];
    for (const size of [7, 64, 200]) {
      const { boundary } = await evaluateStream(streamOf(scene, size, 0), {
        boundaryTolerance: tolerance,
      });
      counts.push([...boundary!.counts]);
    }
    const expected = reference(scene, tolerance);
    const flat = expected.flatMap((counts) => BOUNDARY_FIELDS.map((name) => counts[name]));
    for (const found of counts) assert.deepEqual(found, flat);
  }
});

Deno.test("boundaries: scores, and what is undefined", () => {
  const counts = new BoundaryCounts(3, 2);
  counts.counts.set([2, 8, 10, 5, 4, 4, 0, 3, 3, 0, 0, 0]);
  const { classes, meanIou, meanF1 } = boundaryReport(counts);
  const scores = classes.map(({ iou, precision, recall, f1 }) => ({ iou, precision, recall, f1 }));
  assert.deepEqual(scores, [
    { iou: 0.25, precision: 1, recall: 0.5, f1: 2 / 3 },
    { iou: 0, precision: null, recall: 0, f1: 0 },
    { iou: null, precision: null, recall: null, f1: null },
  ]);
  assert.equal(meanIou, 0.125);
  assert.equal(meanF1, 1 / 3);
});

Deno.test("boundaries: results are written, read and added up", async () => {
  const options = { boundaryTolerance: 2, perScene: true };
  const evaluation = await evaluateStream(streamOf(tallScene(), 50, 0), options);
  const again = parseScores(JSON.stringify(scoresDocument(evaluation)), "a.json");
  assert.deepEqual(again.boundary!.counts, evaluation.boundary!.counts);
  assert.deepEqual(again.scenes![0]!.matrix.counts, evaluation.scenes![0]!.matrix.counts);
  assert.deepEqual(again.scenes![0]!.boundary, evaluation.scenes![0]!.boundary);
  const sum = mergeEvaluations([["a.json", evaluation], ["b.json", again]]);
  assert.deepEqual(
    [...sum.boundary!.counts],
    [...evaluation.boundary!.counts].map((count) => 2 * count),
  );
  assert.equal(sum.scenes!.length, 1, "the same scene");
  const other = await evaluateStream(streamOf(tallScene(), 50, 0), { boundaryTolerance: 3 });
  assert.throws(
    () => mergeEvaluations([["a.json", evaluation], ["b.json", other]]),
    new InputError("Cannot add up boundaries with tolerances of 2 and 3 pixels"),
  );
});

Deno.test("boundaries: samples out of order are refused", async () => {
  const items: StreamItem[] = [];
  for await (const item of streamOf(tallScene(), 50, 0)) items.push(item);
  const [header, first, ...rest] = items as [StreamItem, StreamItem, ...StreamItem[]];
  async function* mixed() {
    yield header;
    yield* rest.slice(0, -1);
    yield first;
    yield rest.at(-1)!;
  }
  await assert.rejects(
    () => evaluateStream(mixed(), { boundaryTolerance: 1 }),
    /Cannot score boundaries at sample "scene\/0_0": its rows from 0 come after row/,
  );
  await assert.rejects(() => evaluateStream(mixed(), { boundaryTolerance: 0 }), InputError);
});
