import assert from "node:assert/strict";
import {
  InputError,
  type NdArray,
  ndarray,
  parseAugmentations,
  predictAugmented,
  type PredictorPatch,
  type ProbabilityModel,
} from "swath";

/** Probabilities of two classes from the mean of the pixels of a cell that have data: the same from all sides. */
function cellMeans(stride: number, multiple: number): ProbabilityModel & { sizes: string[] } {
  const sizes: string[] = [];
  return {
    sizes,
    network: { bands: 1, stride, multiple },
    predict: (patches) =>
      Promise.resolve(patches.map(({ image, valid }) => {
        const [height, width] = image.shape.slice(-2) as [number, number];
        sizes.push(`${width}x${height}`);
        const [rows, columns] = [Math.ceil(height / stride), Math.ceil(width / stride)];
        const result = ndarray("float32", [2, rows, columns]);
        for (let i = 0; i < rows * columns; i++) {
          let [sum, count] = [0, 0];
          const [top, left] = [Math.floor(i / columns) * stride, (i % columns) * stride];
          for (let y = top; y < Math.min(height, top + stride); y++) {
            for (let x = left; x < Math.min(width, left + stride); x++) {
              if (valid?.data[y * width + x] === 0) continue;
              sum += Number(image.data[y * width + x]);
              count++;
            }
          }
          const mean = count === 0 ? 0.5 : sum / count;
          result.data.set([mean], i);
          result.data.set([1 - mean], rows * columns + i);
        }
        return result;
      })),
  };
}

function patch(height: number, width: number, valueAt: (x: number, y: number) => number) {
  const image: NdArray<"float32"> = ndarray("float32", [1, height, width]);
  image.data.forEach((_, i) => image.data[i] = valueAt(i % width, Math.floor(i / width)));
  return { image } satisfies PredictorPatch;
}

const wave = (x: number, y: number) => 0.5 + 0.4 * Math.sin(x * 1.3 + y * y * 0.7);

for (const how of ["flips", "rot90", "flips,rot90"]) {
  for (const [height, width] of [[16, 16], [13, 22], [1, 5]] as const) {
    Deno.test(`tta: ${how} of ${width}x${height}: what is the same from all sides stays`, async () => {
      const model = cellMeans(4, 8);
      const patches = [patch(height, width, wave), patch(height, width, (x, y) => wave(y, x))];
      const plain = await predictAugmented(model, parseAugmentations("scales=1"), patches, null);
      const turned = await predictAugmented(model, parseAugmentations(how), patches, null);
      const shape = [2, Math.ceil(height / 4), Math.ceil(width / 4)];
      turned.forEach((result, index) => {
        assert.deepEqual(result.shape, shape);
        result.data.forEach((value, i) => {
          assert.ok(Math.abs(value - plain[index]!.data[i]!) < 1e-6);
        });
      });
    });
  }
}

Deno.test("tta: every position once", async () => {
  // Tells which corner of the image is bright.
  const positions = async (how: string) => {
    const seen: string[] = [];
    const model: ProbabilityModel = {
      network: { bands: 1, stride: 1, multiple: 1 },
      predict: (patches) => {
        seen.push([...patches[0]!.image.data].join(""));
        return Promise.resolve(patches.map(() => ndarray("float32", [1, 2, 2])));
      },
    };
    const square = patch(2, 2, (x, y) => [[1, 2], [3, 4]][y]![x]!);
    await predictAugmented(model, parseAugmentations(how), [square], null);
    return seen.toSorted();
  };
  assert.deepEqual(await positions("scales=1"), ["1234"]);
  assert.deepEqual(await positions("flips"), ["1234", "2143", "3412", "4321"]);
  assert.deepEqual(await positions("rot90"), ["1234", "2413", "3142", "4321"]);
  const all = ["1234", "1324", "2143", "2413", "3142", "3412", "4231", "4321"];
  assert.deepEqual(await positions("rot90,flips"), all);
});

Deno.test("tta: scales change nothing where the image is even, and little where it is smooth", async () => {
  const model = cellMeans(4, 8);
  const scales = parseAugmentations("flips,scales=0.75:1:1.25");
  const [even] = await predictAugmented(model, scales, [patch(24, 40, () => 0.25)], null);
  assert.ok(even!.data.subarray(0, 60).every((value) => Math.abs(value - 0.25) < 1e-6));
  const slope = patch(24, 40, (x) => x / 40);
  const one = parseAugmentations("scales=1");
  const [plain] = await predictAugmented(model, one, [slope], null);
  const [smooth] = await predictAugmented(model, scales, [slope], null);
  smooth!.data.forEach((value, i) => {
    const column = i % 10;
    // Away from the sides, a line is resampled into itself.
    const tolerance = column === 0 || column === 9 ? 0.02 : 1e-6;
    assert.ok(Math.abs(value - plain!.data[i]!) < tolerance, `${i}: ${value} ${plain!.data[i]}`);
  });
  assert.deepEqual(new Set(model.sizes), new Set(["32x24", "40x24", "56x32"]));
});

Deno.test("tta: pixels without data do not leak into others", async () => {
  const model = cellMeans(1, 1);
  const image = patch(8, 8, (x) => x < 4 ? 0.3 : NaN).image;
  const valid = ndarray("uint8", [8, 8]);
  valid.data.forEach((_, i) => valid.data[i] = i % 8 < 4 ? 1 : 0);
  const how = parseAugmentations("flips,rot90,scales=0.5:1:2");
  const [result] = await predictAugmented(model, how, [{ image, valid }], null);
  for (let i = 0; i < 64; i++) {
    if (i % 8 < 3) assert.ok(Math.abs(result!.data[i]! - 0.3) < 1e-6, `${i}: ${result!.data[i]}`);
    assert.ok(Number.isFinite(result!.data[i]!));
  }
});

Deno.test("tta: words that are wrong are refused", () => {
  for (const text of ["flip", "scales", "scales=", "scales=0", "scales=1:1", "", "rot90=3"]) {
    assert.throws(() => parseAugmentations(text), InputError, text);
  }
  assert.throws(
    () => parseAugmentations("flips,turns"),
    new InputError('Cannot augment by "turns": expected flips, rot90 or scales=0.75:1:1.25'),
  );
});
