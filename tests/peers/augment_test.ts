/** The zoom of augmentation against PyTorch's `interpolate`. */
import assert from "node:assert/strict";
import { applyAugmentation, ndarray, randomStream } from "swath";
import { peerTest, runPythonJson } from "./python.ts";

for (const size of [[13, 17], [5, 6], [9, 11], [40, 23], [1, 1]] as const) {
  peerTest(`augment: a patch of 9x11 zoomed to ${size.join("x")}`, ["torch"], async () => {
    const random = randomStream(2, "zoom test");
    const [rows, columns] = [9, 11];
    const area = rows * columns;
    const pixels = Float32Array.from({ length: 3 * area }, (_, i) => 1000 * random.uniform(i));
    const labels = Uint8Array.from({ length: area }, (_, i) => random.integer(5000 + i, 20));
    const result = applyAugmentation(
      {
        zoomed: size,
        origin: [0, 0],
        size,
        flipRows: false,
        flipColumns: false,
        quarterTurns: 0,
        gain: [1, 1, 1],
        offset: [0, 0, 0],
        dropped: [false, false, false],
      },
      {
        image: ndarray("float32", [3, rows, columns], pixels),
        label: ndarray("uint8", [rows, columns], labels),
        valid: ndarray("uint8", [rows, columns], new Uint8Array(area).fill(1)),
      },
      255,
    );
    const nested = (data: ArrayLike<number>, start: number) =>
      Array.from(
        { length: rows },
        (_, row) =>
          Array.from({ length: columns }, (_, column) => data[start + row * columns + column]),
      );
    const input = {
      image: [0, 1, 2].map((band) => nested(pixels, band * area)),
      label: nested(labels, 0),
      size,
    };
    const expected = await runPythonJson<{ image: number[]; label: number[] }>("augment.py", [], {
      stdin: new TextEncoder().encode(JSON.stringify(input)),
    });
    assert.deepEqual([...result.label.data], expected.label);
    result.image.data.forEach((value, i) => {
      assert.ok(Math.abs(Number(value) - expected.image[i]!) < 1e-3, `pixel ${i}`);
    });
  });
}
