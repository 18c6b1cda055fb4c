import assert from "node:assert/strict";
import { InputError, type NdArray, ndarray, type RasterReader, sieveRaster } from "swath";

/** A map from a drawing: a digit is a class, a dot no data. */
function mapOf(drawing: string, blockRows = 1): RasterReader {
  const lines = drawing.trim().split(/\s+/);
  const width = lines[0]!.length;
  return {
    info: {
      source: "map.tif",
      width,
      height: lines.length,
      dtype: "uint8",
      bands: [{ name: "class", scale: 1, offset: 0 }],
      block: { width, height: blockRows },
    } as unknown as RasterReader["info"],
    checksum: null,
    traffic: { requests: 0, bytes: 0 },
    close() {},
    read({ y, height }) {
      const image = ndarray("uint8", [1, height, width]);
      const valid = ndarray("uint8", [height, width]);
      lines.slice(y, y + height).forEach((line, row) =>
        [...line].forEach((letter, x) => {
          const i = row * width + x;
          valid.data[i] = letter === "." ? 0 : 1;
          image.data[i] = letter === "." ? 255 : Number(letter);
        })
      );
      return Promise.resolve({ image, valid });
    },
  };
}

async function sieve(drawing: string, threshold: number, connectivity: 4 | 8 = 4) {
  const lines: string[] = [];
  const sink = {
    writeRows({ shape, data }: NdArray) {
      const [, rows, width] = shape as [number, number, number];
      for (let y = 0; y < rows; y++) {
        const line = [...data.subarray(y * width, (y + 1) * width)] as number[];
        lines.push(line.map((value) => value === 255 ? "." : value).join(""));
      }
      return Promise.resolve();
    },
  };
  const report = await sieveRaster(mapOf(drawing), sink, 255, { threshold, connectivity });
  return { map: lines.join(" "), ...report };
}

Deno.test("sieve: a small region takes the class of its largest neighbour", async () => {
  const { map, ...report } = await sieve("00011 02011 00011 33311", 3);
  assert.equal(map, "00011 00011 00011 33311");
  assert.deepEqual(report, { regions: 4, dropped: 1, kept: 0, pixels: 1 });
});

Deno.test("sieve: through a small neighbour to a large one", async () => {
  // 2 (1 pixel) lies in 1 (8 pixels), which lies in 0.
  const drawing = "00000 01110 01210 01110 00000";
  assert.equal((await sieve(drawing, 9)).map, "00000 00000 00000 00000 00000");
  assert.equal((await sieve(drawing, 8)).map, "00000 01110 01110 01110 00000");
});

Deno.test("sieve: corners join regions where eight neighbours are asked for", async () => {
  const drawing = "1000 0100 0010 0001";
  assert.equal((await sieve(drawing, 4, 8)).map, "1000 0100 0010 0001");
  const four = await sieve(drawing, 4, 4);
  assert.equal(four.map, "0000 0000 0000 0000");
  assert.equal(four.regions, 6);
});

Deno.test("sieve: no data stays, and is no neighbour; what has no large neighbour stays", async () => {
  const { map, kept } = await sieve("1.000 ..000 22000", 5);
  assert.equal(map, "1.000 ..000 00000");
  assert.equal(kept, 1);
});

Deno.test("sieve: regions that come together further down", async () => {
  const { map, regions } = await sieve("10101 10101 11111", 6);
  assert.equal(regions, 3);
  assert.equal(map, "11111 11111 11111");
});

Deno.test("sieve: a map of other numbers is refused", async () => {
  const reader = mapOf("0");
  const info = { ...reader.info, dtype: "float32" as const };
  await assert.rejects(
    () =>
      sieveRaster({ ...reader, info }, { writeRows: () => Promise.resolve() }, 255, {
        threshold: 2,
      }),
    new InputError(
      'Cannot sieve "map.tif" as it has 1 bands of float32: expected 1 band of classes in 8 bits',
    ),
  );
});
