/** PNG and JPEG as rasters. */
import assert from "node:assert/strict";
import { crc32, deflateSync } from "node:zlib";
import jpeg from "jpeg-js";
import { InputError } from "swath";
import { readWhole, withRaster } from "./support.ts";

/** A PNG of the given chunks; `IHDR` and `IEND` are added. */
function makePng(
  { width, height, depth, colorType, interlace = 0 }: {
    width: number;
    height: number;
    depth: number;
    colorType: number;
    interlace?: number;
  },
  chunks: readonly (readonly [string, Uint8Array])[],
): Uint8Array<ArrayBuffer> {
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  for (const [index, byte] of [depth, colorType, 0, 0, interlace].entries()) {
    header.setUint8(8 + index, byte);
  }
  const parts = [
    ["IHDR", new Uint8Array(header.buffer)] as const,
    ...chunks,
    [
      "IEND",
      new Uint8Array(),
    ] as const,
  ].map(([type, body]) => {
    const chunk = new Uint8Array(12 + body.length);
    const view = new DataView(chunk.buffer);
    view.setUint32(0, body.length);
    chunk.set(new TextEncoder().encode(type), 4);
    chunk.set(body, 8);
    view.setUint32(8 + body.length, crc32(chunk.subarray(4, 8 + body.length)));
    return chunk;
  });
  return Uint8Array.from([
    ...[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    ...parts.flatMap((part) => [...part]),
  ]);
}

const compressed = (...rows: number[][]) =>
  new Uint8Array(deflateSync(Uint8Array.from(rows.flat())));

Deno.test("every filter of PNG is undone", () =>
  withRaster(
    makePng({ width: 3, height: 5, depth: 8, colorType: 0 }, [[
      "IDAT",
      compressed(
        [0, 10, 20, 30],
        [1, 11, 10, 10], // left
        [2, 1, 1, 1], // above
        [3, 10, 10, 10], // average
        [4, 5, 5, 5], // Paeth
      ),
    ]]),
    async (raster) => {
      assert.equal(raster.info.format, "PNG, 8-bit grey");
      const rows = [[10, 20, 30], [11, 21, 31], [12, 22, 32], [16, 29, 40], [21, 34, 45]];
      assert.deepEqual([...(await readWhole(raster)).image.data], rows.flat());
    },
  ));

Deno.test("a palette is one band of numbers with classes, and its clear entry is nodata", () =>
  withRaster(
    makePng({ width: 5, height: 1, depth: 2, colorType: 3 }, [
      ["PLTE", Uint8Array.of(0, 0, 255, 0, 128, 0, 9, 9, 9)],
      ["tRNS", Uint8Array.of(255, 255, 0)],
      ["IDAT", compressed([0, 0b00011000, 0b01000000])],
    ]),
    async (raster) => {
      const { image, valid } = await readWhole(raster);
      assert.deepEqual([...image.data], [0, 1, 2, 0, 1]);
      assert.deepEqual([...valid.data], [1, 1, 0, 1, 1]);
      assert.equal(raster.info.nodata, 2);
      assert.deepEqual(raster.info.classes?.map(({ color }) => color), [
        "#0000ff",
        "#008000",
        "#090909",
      ]);
    },
  ));

Deno.test("16 bits, alpha and a transparent colour", async () => {
  await withRaster(
    makePng({ width: 2, height: 1, depth: 16, colorType: 4 }, [
      ["IDAT", compressed([0, 0x12, 0x34, 0, 0, 0xff, 0xfe, 0, 1])],
    ]),
    async (raster) => {
      assert.equal(raster.info.dtype, "uint16");
      const { image, valid } = await readWhole(raster);
      assert.deepEqual([...image.data], [0x1234, 0xfffe, 0, 1]);
      assert.deepEqual([...valid.data], [0, 1]);
    },
  );
  await withRaster(
    makePng({ width: 2, height: 1, depth: 8, colorType: 2 }, [
      ["tRNS", Uint8Array.of(0, 1, 0, 2, 0, 3)],
      ["IDAT", compressed([0, 1, 2, 3, 1, 2, 4])],
    ]),
    async (raster) => {
      const { image, valid } = await readWhole(raster);
      assert.deepEqual([...image.data], [1, 1, 2, 2, 3, 4]);
      assert.deepEqual([...valid.data], [0, 1]);
    },
  );
});

Deno.test("interlaced images are put together", async () => {
  // Each pixel of the image holds its own number; passes take theirs in turn.
  for (const [width, height] of [[8, 8], [5, 3], [1, 1], [3, 7]] as const) {
    const passes = [
      [0, 0, 8, 8],
      [4, 0, 8, 8],
      [0, 4, 4, 8],
      [2, 0, 4, 4],
      [0, 2, 2, 4],
      [1, 0, 2, 2],
      [0, 1, 1, 2],
    ] as const;
    const rows: number[][] = [];
    for (const [left, top, stepX, stepY] of passes) {
      for (let y = top; y < height; y += stepY) {
        const row: number[] = [];
        for (let x = left; x < width; x += stepX) row.push(y * width + x);
        if (row.length > 0) rows.push([0, ...row]);
      }
    }
    const png = makePng(
      { width, height, depth: 8, colorType: 0, interlace: 1 },
      [["IDAT", compressed(...rows)]],
    );
    await withRaster(png, async (raster) => {
      const { image } = await readWhole(raster);
      assert.deepEqual([...image.data], Array.from({ length: width * height }, (_, i) => i));
    });
  }
});

/** The message with which a file is refused. */
async function refusal(bytes: Uint8Array): Promise<string> {
  try {
    await withRaster(bytes, readWhole);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    assert.ok(!error.message.includes("\n"), error.message);
    return error.message.replace(/^Cannot read "[^"]*": /, "");
  }
  return "it was read";
}

Deno.test("PNGs that claim, lack or contradict are refused", async () => {
  const tiny: [string, Uint8Array] = ["IDAT", compressed([0, 0])];
  assert.match(
    await refusal(makePng({ width: 2 ** 30, height: 2 ** 30, depth: 8, colorType: 0 }, [tiny])),
    /take 1024\.0 PiB, more than the limit of 1\.0 GiB$/,
  );
  assert.match(
    await refusal(makePng({ width: 20000, height: 20000, depth: 8, colorType: 0 }, [tiny])),
    /^\d+ bytes of deflate data cannot hold the 400020000 bytes of the image$/,
  );
  assert.match(
    await refusal(makePng({ width: 1, height: 1, depth: 3, colorType: 0 }, [tiny])),
    /colour type 0 with 3 bits/,
  );
  assert.match(
    await refusal(makePng({ width: 1, height: 1, depth: 8, colorType: 3 }, [tiny])),
    /the palette is missing/,
  );
});

/** A JPEG at full chroma resolution, and its pixels as another decoder sees them. */
function makeJpeg(width: number, height: number) {
  const data = new Uint8Array(width * height * 4);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const x = pixel % width;
    const y = Math.floor(pixel / width);
    data.set([(x * 5) & 0xff, (y * 7) & 0xff, (x + y) & 0xff, 255], pixel * 4);
  }
  const bytes = new Uint8Array(jpeg.encode({ data, width, height }, 90).data);
  return { bytes, decoded: jpeg.decode(bytes, { useTArray: true }).data };
}

Deno.test("JPEG agrees with another decoder within its rounding", async () => {
  for (const [width, height] of [[1, 1], [8, 8], [37, 53], [64, 16]] as const) {
    const { bytes, decoded } = makeJpeg(width, height);
    await withRaster(bytes, async (raster) => {
      assert.equal(raster.info.format, "JPEG, RGB");
      const { image } = await readWhole(raster);
      assert.deepEqual(image.shape, [3, height, width]);
      for (let pixel = 0; pixel < width * height; pixel++) {
        for (let band = 0; band < 3; band++) {
          const difference = Number(image.data[band * width * height + pixel]) -
            decoded[pixel * 4 + band]!;
          assert.ok(Math.abs(difference) <= 4, `off by ${difference}`);
        }
      }
    });
  }
});

Deno.test("damaged pictures are read or refused, and nothing else", async () => {
  const png = makePng({ width: 4, height: 2, depth: 8, colorType: 2 }, [
    ["IDAT", compressed([1, ...new Array(12).fill(3)], [4, ...new Array(12).fill(9)])],
  ]);
  const { bytes: jpg } = makeJpeg(9, 9);
  for (const [bytes, every] of [[png, 1], [jpg, 7]] as const) {
    for (let at = 0; at < bytes.length; at += every) {
      const copy = bytes.slice();
      copy[at] = copy[at]! ^ 0x55;
      await refusal(copy);
      await refusal(bytes.slice(0, at));
    }
  }
});
