/**
 * Whether a sample is what its segment's header says: shapes, element types, place in the grid. The
 * reader checks this once, so that no consumer has to.
 *
 * @module
 */
import { type DataType, formatShape, type NdArray } from "../array/mod.ts";
import type { PixelWindow } from "../geo/mod.ts";
import { type ArrayName, type Sample, sampleKey, type StreamHeader } from "./sample.ts";
import { StreamFault } from "./stream_fault.ts";
import { arraysOf } from "./wire.ts";

/** Element types of the arrays that always have the same. */
const FIXED_DTYPES: { readonly [Name in ArrayName]?: DataType } = {
  label: "uint8",
  valid: "uint8",
  logits: "float32",
  pred: "uint8",
  confidence: "float32",
};

/**
 * Check a sample against its segment's header.
 *
 * @throws {StreamFault} If they disagree.
 */
export function checkSample(header: StreamHeader, sample: Sample): void {
  const { window, core, position } = sample.info;
  const fault = (what: string) => new StreamFault(`sample "${sample.key}" ${what}`);
  if (!contains(window, core)) {
    throw fault(`answers for pixels outside itself: ${describe(core)} of ${describe(window)}`);
  }
  if (header.scene !== null) {
    const key = sampleKey(header.scene.name, window);
    if (sample.key !== key) throw fault(`should be called "${key}" by its place in the scene`);
    if (!contains({ x: 0, y: 0, ...header.scene }, core)) {
      throw fault(
        `answers for pixels outside the scene: ${
          describe(core)
        } of ${header.scene.width}x${header.scene.height}`,
      );
    }
  }
  const { shard, resume } = header;
  const isPart = shard !== undefined || resume !== undefined;
  if (core.height === 0 ? !isPart : isPart && !ownsRows(header, core)) {
    throw fault(
      isPart
        ? `answers for pixels outside its shard: ${describe(core)}, rows ${
          ownRows(header).start
        } to ${ownRows(header).end - 1} are the shard's`
        : "answers for no pixels",
    );
  }
  if (header.grid !== null) {
    const { rows, columns, width, height } = header.grid;
    if (position[0] >= rows || position[1] >= columns) {
      throw fault(
        `is at row ${position[0]}, column ${position[1]} of a grid of ${rows}x${columns}`,
      );
    }
    if (window.width !== width || window.height !== height) {
      throw fault(`has ${window.width}x${window.height} pixels in a grid of ${width}x${height}`);
    }
  }
  for (const [name, array] of arraysOf(sample)) {
    const dtype = name === "image" ? header.dtype : FIXED_DTYPES[name];
    if (array.dtype !== dtype) {
      throw fault(`has ${name} of type ${array.dtype}: expected ${dtype ?? "no image at all"}`);
    }
    const shape = expectedShape(name, header, window);
    if (!sameShape(shape, array)) {
      throw fault(
        `has ${name} of shape ${formatShape(array.shape)}: expected ${formatShape(shape)}`,
      );
    }
  }
}

/** Shape of an array of a patch; `K` where the header does not say how many classes there are. */
function expectedShape(
  name: ArrayName,
  header: StreamHeader,
  { width, height }: PixelWindow,
): (number | string)[] {
  switch (name) {
    case "image":
      return [header.bands.length, height, width];
    case "logits": {
      const stride = header.output?.stride ?? 1;
      const classes = header.classes?.length ?? "K";
      return [classes, Math.ceil(height / stride), Math.ceil(width / stride)];
    }
    default:
      return [height, width];
  }
}

function sameShape(expected: readonly (number | string)[], array: NdArray): boolean {
  return expected.length === array.shape.length &&
    expected.every((extent, axis) => typeof extent === "string" || extent === array.shape[axis]);
}

function contains(outer: PixelWindow, inner: PixelWindow): boolean {
  return inner.x >= outer.x && inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height;
}

function ownsRows(header: StreamHeader, core: PixelWindow): boolean {
  const { start, end } = ownRows(header);
  return core.y >= start && core.y + core.height <= end;
}

/** The rows that the samples of a segment answer for. */
function ownRows({ scene, shard, resume }: StreamHeader): { start: number; end: number } {
  const { y, height } = shard ?? { y: 0, height: scene?.height ?? Infinity };
  return { start: resume?.y ?? y, end: y + height };
}

function describe({ x, y, width, height }: PixelWindow): string {
  return `${width}x${height} at column ${x}, row ${y}`;
}
