/** The decoders in WebAssembly against zlib and a plain reading of the specification. */
import assert from "node:assert/strict";
import { constants, deflateSync, inflateSync } from "node:zlib";
import {
  decodeTiffLzw,
  inflateZlib,
  separateWords16,
} from "../../../lib/raster/kernels/kernels.ts";
import { RasterFault } from "../../../lib/raster/read_fault.ts";
import { randomStream } from "swath";
import { encodeLzw } from "./make_tiff.ts";
import { type Bytes, contents } from "./stream_contents.ts";

const equal = (found: Bytes | null, wanted: Bytes, what: string) => {
  assert.ok(found !== null, `${what}: left to zlib`);
  assert.equal(found.length, wanted.length, what);
  assert.ok(found.every((byte, index) => byte === wanted[index]), what);
};

Deno.test("the kernels are what their source compiles to", async () => {
  const compiled = await new Deno.Command(Deno.execPath(), {
    args: ["task", "kernels", "--check"],
    stderr: "piped",
  }).output();
  assert.ok(compiled.success, new TextDecoder().decode(compiled.stderr));
});

Deno.test("zlib streams of every level and strategy are inflated", () => {
  const strategies = [
    "Z_DEFAULT_STRATEGY",
    "Z_FILTERED",
    "Z_HUFFMAN_ONLY",
    "Z_RLE",
    "Z_FIXED",
  ] as const;
  for (const [name, plain] of contents()) {
    for (const level of [0, 1, 4, 6, 9]) {
      for (const strategy of strategies) {
        const stream = new Uint8Array(deflateSync(plain, { level, strategy: constants[strategy] }));
        equal(inflateZlib(stream, plain.length), plain, `${name}, level ${level}, ${strategy}`);
      }
    }
  }
});

Deno.test("inflating stops at the expected size, and short streams stay short", () => {
  for (const [name, plain] of contents()) {
    const stream = new Uint8Array(deflateSync(plain));
    for (const expected of [1, plain.length >> 1, plain.length - 1].filter((size) => size > 0)) {
      equal(
        inflateZlib(stream, expected)?.slice() ?? null,
        plain.subarray(0, expected),
        `${name}, ${expected}`,
      );
    }
    equal(inflateZlib(stream, plain.length + 100), plain, `${name}, more expected`);
  }
});

Deno.test("damaged zlib streams are never inflated to something else", () => {
  const plain = contents().get("small differences")!.slice(0, 600);
  const streams = [
    deflateSync(plain),
    deflateSync(plain, { strategy: constants.Z_FIXED }),
    deflateSync(plain, { level: 0 }),
  ].map((stream) => new Uint8Array(stream));
  const check = (bytes: Bytes, what: string) => {
    const found = inflateZlib(bytes, plain.length);
    // More output than there is room for is cut off, whatever follows.
    if (
      found === null || found.length === plain.length && found.every((byte, i) => byte === plain[i])
    ) return;
    let wanted: Uint8Array;
    try {
      wanted = inflateSync(bytes, { maxOutputLength: 1 << 20 });
    } catch (error) {
      const { code } = error as { code?: string };
      // zlib reads on to a fault behind what is expected.
      assert.equal(found.length, plain.length, `${what}: ${code}`);
      return;
    }
    equal(found, new Uint8Array(wanted).subarray(0, plain.length), what);
  };
  for (const [number, stream] of streams.entries()) {
    for (let length = 0; length < stream.length; length++) {
      assert.equal(
        inflateZlib(stream.subarray(0, length), plain.length),
        null,
        `${number}: cut at ${length}`,
      );
    }
    for (let at = 0; at < stream.length; at++) {
      for (const flip of [1, 16, 128, 255]) {
        const bytes = stream.slice();
        bytes[at]! ^= flip;
        check(bytes, `stream ${number}, byte ${at}, ${flip}`);
      }
    }
  }
});

Deno.test("LZW is decoded, also past the end of the table", () => {
  for (const [name, plain] of contents()) {
    const code = encodeLzw(plain);
    equal(decodeTiffLzw(code, plain.length), plain, name);
    equal(decodeTiffLzw(code, plain.length >> 1), plain.subarray(0, plain.length >> 1), name);
    for (const cut of [0, 1, 2, code.length >> 1]) {
      const found = decodeTiffLzw(code.subarray(0, cut), plain.length);
      equal(found, plain.subarray(0, found.length), `${name}, cut at ${cut}`);
    }
  }
  // The clear code, then one that is not in the table: 100000000 100000010.
  assert.throws(() => decodeTiffLzw(Uint8Array.of(0x80, 0x40, 0x80), 10), RasterFault);
});

Deno.test("words are separated, summed, and searched for nodata", () => {
  const { integer } = randomStream(2, "words");
  for (const samples of [1, 2, 3, 7, 8, 9, 14, 16, 17]) {
    for (const width of [1, 7, 8, 9, 31]) {
      for (const differences of [false, true]) {
        for (const nodata of [null, 0, 65535, 3]) {
          const rows = 3;
          const pixels = Uint16Array.from(
            { length: rows * width * samples },
            (_, index) => integer(index, 50) === 0 ? (nodata ?? 0) : integer(index, 65536),
          );
          const planes = new Uint16Array(pixels.length);
          const holes = new Uint8Array(rows * width);
          const stored = pixels.slice();
          for (let row = 0; row < rows; row++) {
            for (let x = width - 1; x >= 0; x--) {
              for (let sample = 0; sample < samples; sample++) {
                const at = (row * width + x) * samples + sample;
                planes[(sample * rows + row) * width + x] = pixels[at]!;
                if (pixels[at] === nodata) holes[row * width + x] = 255;
                if (differences && x > 0) stored[at]! -= pixels[at - samples]!;
              }
            }
          }
          const found = separateWords16(
            new Uint8Array(stored.buffer),
            { rows, width, samples },
            differences,
            nodata,
          );
          const what = `${samples} samples, width ${width}, ${differences}, ${nodata}`;
          equal(found.planes, new Uint8Array(planes.buffer), what);
          if (holes.some((hole) => hole !== 0)) equal(found.holes, holes, what);
          else assert.equal(found.holes, null, what);
        }
      }
    }
  }
});
