/** The system's decompressors against the runtime's; ignored where there are none. */
import assert from "node:assert/strict";
import {
  constants,
  deflateSync,
  inflateSync,
  zstdCompressSync,
  zstdDecompressSync,
} from "node:zlib";
import { decompressZstd, inflate } from "../../../lib/raster/decode/native_codecs.ts";
import { systemInflate, systemZstd } from "../../../lib/raster/decode/system_codecs.ts";
import { type Bytes, contents } from "./stream_contents.ts";

const codecs = [
  {
    name: "libdeflate",
    system: systemInflate(),
    compress: (plain: Bytes) => new Uint8Array(deflateSync(plain)),
    decompress: (bytes: Bytes) => inflateSync(bytes, { maxOutputLength: 1 << 20 }),
    /** The codec as images are read with it. */
    read: inflate,
  },
  {
    name: "libzstd",
    system: systemZstd(),
    // As files have it whose writer asked for checksums.
    compress: (plain: Bytes) =>
      new Uint8Array(zstdCompressSync(plain, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })),
    decompress: (bytes: Bytes) => zstdDecompressSync(bytes, { maxOutputLength: 1 << 20 }),
    read: decompressZstd,
  },
];

for (const { name, system, compress, decompress, read } of codecs) {
  const ignore = system === null;
  const run = (bytes: Bytes, room: number) => {
    const target = new Uint8Array(room);
    const size = system!(bytes, target);
    return size === null ? null : target.subarray(0, size);
  };

  Deno.test({
    name: `${name}: streams of all kinds are what they were`,
    ignore,
    fn: () => {
      for (const [content, plain] of contents()) {
        const stream = compress(plain);
        assert.deepEqual(run(stream, plain.length), plain, content);
        assert.deepEqual(run(stream, plain.length + 100), plain, `${content}, more room`);
        assert.equal(run(stream, plain.length - 1), null, `${content}, too long`);
      }
    },
  });

  Deno.test({
    name: `${name}: damaged streams are refused, or read as by the runtime`,
    ignore,
    fn: () => {
      const plain = contents().get("small differences")!.slice(0, 600);
      const stream = compress(plain);
      for (let length = 1; length < stream.length; length++) {
        assert.equal(run(stream.subarray(0, length), plain.length), null, `cut at ${length}`);
      }
      for (let at = 0; at < stream.length; at++) {
        for (const flip of [1, 16, 128, 255]) {
          const bytes = stream.slice();
          bytes[at]! ^= flip;
          const found = run(bytes, plain.length);
          if (found === null) continue;
          let wanted: Uint8Array;
          try {
            wanted = decompress(bytes);
          } catch {
            // The runtime refuses what does not matter, as a window that is never used; the checksum is right.
            wanted = plain;
          }
          assert.deepEqual(found, new Uint8Array(wanted), `byte ${at}, ${flip}`);
        }
      }
    },
  });

  Deno.test(`${name}: with it or without, images get what is expected of a stream`, async () => {
    for (const [content, plain] of contents()) {
      const stream = compress(plain);
      const half = Math.ceil(plain.length / 2);
      assert.deepEqual((await read(stream, plain.length)).slice(), plain, content);
      assert.deepEqual(
        (await read(stream, half)).slice(),
        plain.slice(0, half),
        `${content}, half`,
      );
      // The runtime gives what there is of a stream of Zstandard that is cut off.
      let start: Bytes;
      try {
        start = await read(stream.subarray(0, stream.length - 6), plain.length);
      } catch (error) {
        assert.equal((error as Error).name, "RasterFault", content);
        continue;
      }
      assert.deepEqual(start.slice(), plain.slice(0, start.length), `${content}, cut off`);
    }
  });
}

const PLAIN: Bytes = Uint8Array.from({ length: 3000 }, (_, i) => 7 * i & 255);

/** A frame of one block that is not compressed, by RFC 8878: with a window, and with its size or without. */
function frameOf(windowDescriptor: number, saysSize: boolean): Bytes {
  const size = PLAIN.length - 256;
  const block = PLAIN.length << 3 | 1;
  return Uint8Array.of(
    ...[0x28, 0xb5, 0x2f, 0xfd, saysSize ? 0x40 : 0, windowDescriptor],
    ...(saysSize ? [size & 255, size >> 8] : []),
    ...[block & 255, block >> 8 & 255, block >> 16],
    ...PLAIN,
  );
}

// What GDAL 3.6.2 does with each as the strip of a file.
const WINDOWS = [
  { name: "2^27", descriptor: 17 << 3, saysSize: true, isRead: true },
  { name: "2^27", descriptor: 17 << 3, saysSize: false, isRead: true },
  { name: "2^27 + 2^24", descriptor: 17 << 3 | 1, saysSize: true, isRead: true },
  { name: "2^27 + 2^24", descriptor: 17 << 3 | 1, saysSize: false, isRead: false },
  { name: "2^31", descriptor: 21 << 3, saysSize: true, isRead: true },
  { name: "2^31", descriptor: 21 << 3, saysSize: false, isRead: false },
];

Deno.test("Zstandard: frames of large windows are read and refused as by GDAL, in the same words", async () => {
  for (const { name, descriptor, saysSize, isRead } of WINDOWS) {
    const what = `${name}, ${saysSize ? "with" : "without"} its size`;
    const frame = frameOf(descriptor, saysSize);
    if (isRead) {
      assert.deepEqual((await decompressZstd(frame, PLAIN.length)).slice(), PLAIN, what);
      // What follows a frame is no part of the block, whatever it is.
      const two = Uint8Array.of(...frame, ...frame);
      assert.equal((await decompressZstd(two, 2 * PLAIN.length)).length, PLAIN.length, what);
      continue;
    }
    const expected = {
      name: "RasterFault",
      message:
        "ZSTD data is damaged (Zstd decompress error: Frame requires too much memory for decoding)",
    };
    await assert.rejects(async () => await decompressZstd(frame, PLAIN.length), expected, what);
  }
});

Deno.test("the same without the system's libraries", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", "--no-check", "-A", "--deny-ffi", "--filter", "/Zstandard|images get/"],
      new URL(import.meta.url).pathname,
    ],
    stdout: "null",
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
});
