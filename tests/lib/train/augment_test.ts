import assert from "node:assert/strict";
import fc from "fast-check";
import {
  applyAugmentation,
  type Augmentation,
  type AugmentConfig,
  type DataType,
  drawAugmentation,
  ndarray,
  storedSpread,
  type TrainingPatch,
} from "swath";

const CONFIG: AugmentConfig = {
  flip: true,
  turn: true,
  scale: [0.5, 2],
  gain: 0.2,
  offset: 0.3,
  bandDropout: 0.2,
};

/** Pixel values that tell band, row and column; the label tells row and column too. */
function makePatch<D extends Exclude<DataType, "int64" | "uint64" | "bool">>(
  dtype: D,
  bands: number,
  rows: number,
  columns: number,
): TrainingPatch {
  const image = ndarray(dtype, [bands, rows, columns]);
  for (let i = 0; i < image.data.length; i++) (image.data as Float32Array)[i] = i % 120;
  const label = ndarray("uint8", [rows, columns]);
  label.data.forEach((_, i) => label.data[i] = i % 120);
  const valid = ndarray("uint8", [rows, columns]);
  valid.data.forEach((_, i) => valid.data[i] = i % 7 === 3 ? 0 : 1);
  return { image, label, valid };
}

function identity(bands: number, rows: number, columns: number): Augmentation {
  return {
    zoomed: [rows, columns],
    origin: [0, 0],
    size: [rows, columns],
    flipRows: false,
    flipColumns: false,
    quarterTurns: 0,
    gain: Array(bands).fill(1),
    offset: Array(bands).fill(0),
    dropped: Array(bands).fill(false),
  };
}

for (
  const dtype of ["uint8", "int16", "uint16", "int32", "float32", "float64", "float16"] as const
) {
  Deno.test(`augment: nothing to do to ${dtype} gives the same patch`, () => {
    const patch = makePatch(dtype, 3, 5, 4);
    assert.deepEqual(applyAugmentation(identity(3, 5, 4), patch, 255), patch);
  });
}

Deno.test("augment: flips and turns are those of NumPy", () => {
  const label = ndarray("uint8", [2, 3], new Uint8Array([1, 2, 3, 4, 5, 6]));
  const image = ndarray("float32", [1, 2, 3], new Float32Array(label.data));
  const valid = ndarray("uint8", [2, 3], new Uint8Array(6).fill(1));
  const cases: [Partial<Augmentation>, number[], number[]][] = [
    [{ flipRows: true }, [2, 3], [4, 5, 6, 1, 2, 3]],
    [{ flipColumns: true }, [2, 3], [3, 2, 1, 6, 5, 4]],
    [{ quarterTurns: 1 }, [3, 2], [3, 6, 2, 5, 1, 4]], // numpy.rot90
    [{ quarterTurns: 2 }, [2, 3], [6, 5, 4, 3, 2, 1]],
    [{ quarterTurns: 3 }, [3, 2], [4, 1, 5, 2, 6, 3]],
    [{ flipColumns: true, quarterTurns: 1 }, [3, 2], [1, 4, 2, 5, 3, 6]], // the transpose
  ];
  for (const [change, shape, expected] of cases) {
    const result = applyAugmentation(
      { ...identity(1, 2, 3), ...change },
      { image, label, valid },
      255,
    );
    assert.deepEqual(result.label.shape, shape);
    assert.deepEqual([...result.label.data], expected, JSON.stringify(change));
    assert.deepEqual([...result.image.data], expected);
  }
});

Deno.test("augment: a flip twice and four turns give the patch back; labels go with the image", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 1, max: 6 }),
    fc.boolean(),
    fc.boolean(),
    fc.nat(3),
    (rows, columns, flipRows, flipColumns, quarterTurns) => {
      const patch = makePatch("uint8", 1, rows, columns);
      const apply = (change: Partial<Augmentation>, given: TrainingPatch) => {
        const [height = 0, width = 0] = given.label.shape;
        return applyAugmentation({ ...identity(1, height, width), ...change }, given, 255);
      };
      const flipped = apply({ flipRows, flipColumns }, patch);
      assert.deepEqual(apply({ flipRows, flipColumns }, flipped), patch);
      const turned = apply({ flipRows, flipColumns, quarterTurns }, patch);
      assert.deepEqual(turned.image.data, turned.label.data);
      const back = apply({ quarterTurns: (4 - quarterTurns) % 4 }, turned);
      assert.deepEqual(back, flipped);
    },
  ));
});

Deno.test("augment: what lies outside has the band's mean, the ignore label, and is not valid", () => {
  const patch = makePatch("uint16", 2, 2, 2);
  const augmentation: Augmentation = { ...identity(2, 2, 2), origin: [-1, 0], size: [3, 3] };
  const statistics = { mean: [1000.4, 70_000], std: [1, 1] };
  const { image, label, valid } = applyAugmentation(augmentation, patch, 254, statistics);
  assert.deepEqual([...label.data], [254, 254, 254, 0, 1, 254, 2, 3, 254]);
  assert.deepEqual([...valid.data], [0, 0, 0, 1, 1, 0, 1, 0, 0]);
  assert.deepEqual(
    [...image.data],
    [1000, 1000, 1000, 0, 1, 1000, 2, 3, 1000, ...[65535, 65535, 65535, 4, 5, 65535, 6, 7, 65535]],
  );
});

Deno.test("augment: a zoomed pixel is valid if all that it is made of are", () => {
  const image = ndarray("float32", [1, 1, 4], new Float32Array([0, 4, 8, 12]));
  const label = ndarray("uint8", [1, 4], new Uint8Array([0, 1, 2, 3]));
  const valid = ndarray("uint8", [1, 4], new Uint8Array([1, 1, 0, 1]));
  const zoom: Augmentation = { ...identity(1, 1, 4), zoomed: [1, 8], size: [1, 8] };
  const result = applyAugmentation(zoom, { image, label, valid }, 255);
  assert.deepEqual([...result.image.data], [0, 1, 3, 5, 7, 9, 11, 12]);
  assert.deepEqual([...result.label.data], [0, 0, 1, 1, 2, 2, 3, 3]);
  assert.deepEqual([...result.valid.data], [1, 1, 1, 0, 0, 0, 0, 1]);
});

Deno.test("augment: contrast and brightness are about the mean, and leave invalid pixels", () => {
  const patch = makePatch("float32", 2, 2, 2);
  const change = { gain: [2, 1], offset: [0.5, -1], dropped: [false, true] };
  const statistics = { mean: [1, 5], std: [4, 1] };
  const augmentation = { ...identity(2, 2, 2), ...change };
  const { image, valid } = applyAugmentation(augmentation, patch, 255, statistics);
  assert.deepEqual([...valid.data], [1, 1, 1, 0]);
  assert.deepEqual([...image.data], [1, 3, 5, 3, 5, 5, 5, 5]);
});

Deno.test("augment: before or after normalization makes no difference", () => {
  const normalization = {
    bands: ["B04", "B08"],
    scale: [1e-4, 2e-4],
    offset: [-0.1, 0],
    mean: [0.2, 0.3],
    std: [0.05, 0.1],
    clip: null,
  };
  const statistics = storedSpread(normalization);
  const raw = makePatch("float64", 2, 6, 6);
  (raw.image.data as Float64Array).forEach((value, i, data) => data[i] = 1000 + 30 * value);
  raw.valid.data.fill(1);
  const normalized = (patch: TrainingPatch): TrainingPatch => {
    const image = ndarray("float64", patch.image.shape);
    const area = image.data.length / 2;
    image.data.forEach((_, i) => {
      const band = Math.floor(i / area);
      const physical = Number(patch.image.data[i]) * normalization.scale[band]! +
        normalization.offset[band]!;
      image.data[i] = (physical - normalization.mean[band]!) / normalization.std[band]!;
    });
    return { ...patch, image };
  };
  for (let sample = 0; sample < 20; sample++) {
    const drawn = drawAugmentation(CONFIG, { seed: 5, epoch: 1, sample }, [2, 6, 6], 5);
    const before = normalized(applyAugmentation(drawn, raw, 255, statistics));
    const after = applyAugmentation(drawn, normalized(raw), 255);
    assert.deepEqual(before.label, after.label);
    before.image.data.forEach((value, i) => {
      assert.ok(Math.abs(Number(value) - Number(after.image.data[i])) < 1e-9);
    });
  }
});

Deno.test("augment: integers are rounded and kept in range", () => {
  const patch = makePatch("int16", 1, 1, 2);
  (patch.image.data as Int16Array).set([32_000, -32_000]);
  const change = { gain: [3], offset: [0] };
  const { image } = applyAugmentation({ ...identity(1, 1, 2), ...change }, patch, 255);
  assert.deepEqual([...image.data], [32_767, -32_768]);
  const gentle = { gain: [1.00002], offset: [0] };
  const rounded = applyAugmentation({ ...identity(1, 1, 2), ...gentle }, patch, 255);
  assert.deepEqual([...rounded.image.data], [32_001, -32_001]);
});

Deno.test("augment: 64-bit integers are refused", () => {
  const patch = { ...makePatch("uint8", 1, 2, 2), image: ndarray("int64", [1, 2, 2]) };
  assert.throws(() => applyAugmentation(identity(1, 2, 2), patch, 255), {
    name: "InputError",
    message: "Cannot augment images of int64: 64-bit integers are not supported",
  });
});

Deno.test("augment: a function of seed, epoch and sample, and plain data", () => {
  const draw = (seed: number, epoch: number, sample: number) =>
    drawAugmentation(CONFIG, { seed, epoch, sample }, [14, 64, 64], 48);
  const one = draw(7, 3, 11);
  assert.deepEqual(draw(7, 3, 11), one);
  assert.deepEqual(JSON.parse(JSON.stringify(one)), one);
  for (const other of [draw(8, 3, 11), draw(7, 4, 11), draw(7, 3, 12)]) {
    assert.notDeepEqual(other, one);
  }
});

Deno.test("augment: draws cover what the configuration allows, evenly, and nothing else", () => {
  const draws = Array.from(
    { length: 2000 },
    (_, sample) => drawAugmentation(CONFIG, { seed: 1, epoch: 0, sample }, [2, 64, 64], 64),
  );
  const share = (test: (drawn: Augmentation) => boolean) =>
    draws.filter(test).length / draws.length;
  const near = (actual: number, expected: number) => assert.ok(Math.abs(actual - expected) < 0.04);
  near(share(({ flipRows }) => flipRows), 0.5);
  near(share(({ flipColumns }) => flipColumns), 0.5);
  near(share(({ flipRows, flipColumns }) => flipRows && flipColumns), 0.25);
  for (const turns of [0, 1, 2, 3]) near(share(({ quarterTurns }) => quarterTurns === turns), 0.25);
  near(share(({ dropped }) => dropped[1]!), 0.2);
  near(share(({ zoomed }) => zoomed[0] < 64), 1 / 3);
  for (const { zoomed, origin, gain, offset } of draws) {
    assert.ok(zoomed[0] >= 32 && zoomed[0] <= 128 && zoomed[0] === zoomed[1]);
    for (const at of origin) {
      assert.ok(at >= Math.min(0, zoomed[0] - 64) && at <= Math.max(0, zoomed[0] - 64));
    }
    assert.ok(gain.every((value) => value >= 0.8 && value <= 1.2));
    assert.ok(offset.every((value) => Math.abs(value) <= 0.3));
  }
  // Patches that are not square keep their shape.
  for (let sample = 0; sample < 50; sample++) {
    const drawn = drawAugmentation(CONFIG, { seed: 1, epoch: 0, sample }, [1, 4, 6], null);
    assert.equal(drawn.quarterTurns % 2, 0);
    assert.deepEqual(drawn.size, [4, 6]);
  }
});

Deno.test("augment: with everything off, only the crop is drawn", () => {
  const off: AugmentConfig = {
    flip: false,
    turn: false,
    scale: [1, 1],
    gain: 0,
    offset: 0,
    bandDropout: 0,
  };
  const address = { seed: 1, epoch: 2, sample: 3 };
  assert.deepEqual(drawAugmentation(off, address, [2, 5, 4], null), identity(2, 5, 4));
});
