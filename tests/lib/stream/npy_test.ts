import assert from "node:assert/strict";
import fc from "fast-check";
import { bytesOf, decodeNpy, encodeNpy, InputError, type NdArray, ndarray } from "swath";
import { arrayArbitrary, concat } from "./support.ts";

/** A file with the given header text, as NumPy lays it out. */
function npyFile(header: string, data: Uint8Array, major = 1): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(header);
  const prefix = major === 1 ? [text.length & 0xff, text.length >> 8] : [
    text.length & 0xff,
    (text.length >> 8) & 0xff,
    (text.length >> 16) & 0xff,
    text.length >> 24,
  ];
  return concat(
    new Uint8Array([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, major, 0, ...prefix]),
    text,
    data,
  );
}

function assertSame(actual: NdArray, expected: NdArray): void {
  assert.equal(actual.dtype, expected.dtype);
  assert.deepEqual(actual.shape, expected.shape);
  assert.deepEqual(bytesOf(actual), bytesOf(expected));
}

Deno.test("any array survives encoding", () => {
  const shapes = fc.array(fc.nat(4), { maxLength: 4 });
  fc.assert(fc.property(shapes.chain((shape) => arrayArbitrary(shape)), (array) => {
    assertSame(decodeNpy(encodeNpy(array)), array);
  }));
});

Deno.test("the header is NumPy's to the byte", () => {
  // From numpy 2.4: np.save(f, np.zeros((14, 512, 512), np.uint16))
  const expected = "\x93NUMPY\x01\0v\0" +
    "{'descr': '<u2', 'fortran_order': False, 'shape': (14, 512, 512), }".padEnd(117) + "\n";
  const bytes = encodeNpy(ndarray("uint16", [14, 512, 512])).subarray(0, 128);
  assert.equal(String.fromCharCode(...bytes), expected);
});

Deno.test("elements are decoded in place, or copied where they are not aligned", () => {
  const array = ndarray("float64", [3], new Float64Array([1, 2, 3]));
  const bytes = encodeNpy(array);
  assert.equal(decodeNpy(bytes).data.buffer, bytes.buffer);
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  assertSame(decodeNpy(shifted.subarray(1)), array);
});

Deno.test("big-endian elements are turned round, and the input is left alone", () => {
  const bytes = npyFile(
    "{'descr': '>u2', 'fortran_order': False, 'shape': (2,), }\n",
    new Uint8Array([1, 2, 3, 4]),
  );
  const before = bytes.slice();
  assertSame(decodeNpy(bytes), ndarray("uint16", [2], new Uint16Array([0x102, 0x304])));
  assert.deepEqual(bytes, before);
});

Deno.test("Fortran order becomes C order", () => {
  // np.asfortranarray(np.arange(24, dtype=np.uint8).reshape(2, 3, 4)).tobytes("A")
  const fortran = [
    0,
    12,
    4,
    16,
    8,
    20,
    1,
    13,
    5,
    17,
    9,
    21,
    2,
    14,
    6,
    18,
    10,
    22,
    3,
    15,
    7,
    19,
    11,
    23,
  ];
  const bytes = npyFile(
    "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4), }",
    new Uint8Array(fortran),
  );
  assertSame(
    decodeNpy(bytes),
    ndarray("uint8", [2, 3, 4], Uint8Array.from({ length: 24 }, (_, i) => i)),
  );
});

Deno.test("format 2.0 and 3.0, other quotes and orders of keys are read", () => {
  for (const major of [2, 3]) {
    const bytes = npyFile(
      `{"shape":(2,1),"fortran_order":False,"descr":"<i2"}`,
      new Uint8Array([1, 0, 255, 255]),
      major,
    );
    assertSame(decodeNpy(bytes), ndarray("int16", [2, 1], new Int16Array([1, -1])));
  }
});

Deno.test("hostile and foreign files are refused before anything is allocated", () => {
  const header = (descr: string, shape: string) =>
    `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }`;
  const none = new Uint8Array();
  const cases: [Uint8Array<ArrayBuffer>, RegExp][] = [
    [new Uint8Array(3), /does not start/],
    [npyFile(header("'<u2'", "(1000000, 1000000)"), none), /should hold 2000000000000 bytes/],
    [npyFile(header("'<u2'", "(99999999999, 99999999999)"), none), /shape .* cannot be read/],
    [npyFile(header("'<u2'", "(-1,)"), none), /shape .* cannot be read/],
    [npyFile(header("'<u2'", "(1e9,)"), none), /shape .* cannot be read/],
    [npyFile(header("'|O'", "(1,)"), none), /type '\|O' are not supported/],
    [npyFile(header("'<c8'", "(1,)"), none), /not supported/],
    [npyFile(header("[('a', '<u2')]", "(1,)"), none), /header cannot be read/],
    [npyFile("__import__('os')", none), /header cannot be read/],
    [
      npyFile(header("'<u2'", "(1,)"), new Uint8Array(3)),
      /should hold 2 bytes of elements: found 3/,
    ],
    [npyFile(" ".repeat(20_000), none), /too long/],
    [npyFile(header("'<u2'", "(1,)"), none).slice(0, 20), /ends inside its header/],
    [npyFile("", none, 7), /format 7.0/],
  ];
  for (const [bytes, message] of cases) {
    assert.throws(() => decodeNpy(bytes), (error) => {
      assert(error instanceof InputError);
      assert.match(error.message, message);
      return true;
    });
  }
});
