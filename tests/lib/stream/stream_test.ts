import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type DataType,
  InputError,
  ndarray,
  readStream,
  type Sample,
  type SampleArrays,
  STREAM_FORMATS,
  type StreamFormat,
  type StreamHeader,
  type StreamItem,
} from "swath";
import { arrayArbitrary, chunked, concat, decode, DTYPES, encode, makeSegment } from "./support.ts";

const text = (value: string) => new TextEncoder().encode(value);

/** A segment of independent images with arbitrary arrays. */
function segmentArbitrary(): fc.Arbitrary<StreamItem[]> {
  return fc.record({
    dtype: fc.constantFrom<DataType>(...DTYPES),
    bands: fc.integer({ min: 1, max: 3 }),
    names: fc.uniqueArray(fc.stringMatching(/^[a-zé0-9_-]{1,120}$/), { maxLength: 4 }),
  }).chain(({ dtype, bands, names }) => {
    const header: StreamHeader = {
      swath: 1,
      scene: null,
      grid: null,
      samples: null,
      bands: Array.from({ length: bands }, (_, i) => ({ name: `${i}`, scale: 1, offset: 0 })),
      dtype,
      normalization: null,
      classes: null,
      output: { stride: 4, kind: "logits", model: "m" },
      history: [],
    };
    const samples = names.map((name) => sampleArbitrary(`images/${name}`, bands, dtype));
    return fc.tuple(...samples).map((list): StreamItem[] => [
      { type: "header", header },
      ...list.map((sample): StreamItem => ({ type: "sample", sample })),
      { type: "end", end: { samples: list.length, skipped: 0 } },
    ]);
  });
}

function sampleArbitrary(key: string, bands: number, dtype: DataType): fc.Arbitrary<Sample> {
  return fc.record({
    width: fc.integer({ min: 1, max: 9 }),
    height: fc.integer({ min: 1, max: 9 }),
    names: fc.subarray(["image", "label", "valid", "logits", "pred", "confidence"] as const),
  }).chain(({ width, height, names }) => {
    const all = {
      image: arrayArbitrary([bands, height, width], dtype),
      label: arrayArbitrary([height, width], "uint8"),
      valid: arrayArbitrary([height, width], "uint8"),
      logits: arrayArbitrary([5, Math.ceil(height / 4), Math.ceil(width / 4)], "float32"),
      pred: arrayArbitrary([height, width], "uint8"),
      confidence: arrayArbitrary([height, width], "float32"),
    };
    const chosen = Object.fromEntries(names.map((name) => [name, all[name]]));
    return fc.record(chosen).map((arrays): Sample => ({
      key,
      info: {
        window: { x: 0, y: 0, width, height },
        core: { x: 0, y: 0, width, height },
        position: [0, 0],
        transform: null,
        crs: null,
        validPixels: width * height,
      },
      arrays: { ...arrays } as SampleArrays,
    }));
  });
}

const rejects = (bytes: Uint8Array, message: RegExp, source?: string) =>
  assert.rejects(
    Array.fromAsync(
      readStream(new Blob([new Uint8Array(bytes)]).stream(), { ...(source ? { source } : {}) }),
    ),
    (error) => {
      assert(error instanceof InputError, String(error));
      assert.match(error.message, message);
      return true;
    },
  );

for (const format of STREAM_FORMATS) {
  Deno.test(`${format}: any samples survive any chunking of the bytes`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(segmentArbitrary(), { minLength: 1, maxLength: 2 }),
        fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 8 }),
        async (segments, chunks) => {
          const items = segments.flat();
          assert.deepEqual(await decode(await encode(items, format), chunks), items);
        },
      ),
      { numRuns: 40 },
    );
  });

  Deno.test(`${format}: a byte reader gives what a stream gives`, async () => {
    const items = makeSegment();
    const bytes = await encode(items, format);
    let offset = 0;
    const read = (buffer: Uint8Array) => {
      const part = bytes.subarray(offset, offset + Math.min(buffer.length, 1000));
      buffer.set(part);
      offset += part.length;
      return Promise.resolve(part.length === 0 ? null : part.length);
    };
    assert.deepEqual(await Array.fromAsync(readStream({ read })), items);
  });

  Deno.test(`${format}: the same samples give the same bytes`, async () => {
    assert.deepEqual(await encode(makeSegment(), format), await encode(makeSegment(), format));
  });

  Deno.test(`${format}: concatenated streams are a stream`, async () => {
    const [a, b] = [makeSegment({ scene: "a" }), makeSegment({ scene: "b", rows: 1 })];
    const bytes = concat(await encode(a, format), await encode(b, format));
    assert.deepEqual(await decode(bytes), [...a, ...b]);
  });

  Deno.test(`${format}: every truncation is detected`, async () => {
    const bytes = await encode([...smallSegment("a"), ...smallSegment("b")], format);
    for (let length = 0; length < bytes.length; length++) {
      await rejects(bytes.subarray(0, length), /is cut short|No samples received/);
    }
  });

  Deno.test(`${format}: every flipped byte is detected`, async () => {
    const bytes = await encode(smallSegment("a"), format);
    for (let position = 0; position < bytes.length; position++) {
      for (const flip of [0x01, 0x20, 0xff]) {
        const altered = bytes.slice();
        altered[position]! ^= flip;
        await assert.rejects(
          decode(altered),
          InputError,
          `byte ${position} of ${bytes.length}, ${bytes[position]} to ${altered[position]}`,
        );
      }
    }
  });

  Deno.test(`${format}: samples missing, repeated or in another order are refused`, async () => {
    const [header, a, b, c, d, end] = makeSegment() as [
      StreamItem,
      StreamItem,
      StreamItem,
      StreamItem,
      StreamItem,
      StreamItem,
    ];
    const encoded = new Map<StreamItem, Uint8Array>();
    const whole = await encode([header, a, b, c, d, end], format);
    const cuts = await boundaries([header, a, b, c, d, end], format);
    [header, a, b, c, d, end].forEach((item, i) =>
      encoded.set(item, whole.slice(cuts[i], cuts[i + 1]))
    );
    const tail = whole.slice(cuts[6]);
    const assemble = (...items: StreamItem[]) =>
      concat(...items.map((item) => encoded.get(item)!), tail);
    assert.deepEqual(assemble(header, a, b, c, d, end), whole);
    await rejects(assemble(header, a, b, d, end), /end mark counts 4, 3 came.*3 samples came/);
    await rejects(assemble(header, a, c, b, d, end), /"scene\/000000_000004" is out of order/);
    await rejects(assemble(header, a, b, b, c, d, end), /"scene\/000000_000004.* twice/);
    await rejects(assemble(header, a, b, a, c, d, end), /"scene\/000000_000000" is out of order/);
    await rejects(assemble(header, a, b, c, d), /cut short before its end mark.*4 samples came/);
    await rejects(assemble(header, a, header, b, c, d, end), /new header comes before the end/);
    await rejects(assemble(a, b, c, d, end), /does not start with "_stream.json"/);
    await rejects(assemble(header, a, b, c, d, end, d), /follows its end mark/);
    await rejects(assemble(header, end), /end mark counts 4, 0 came.*no samples came/);
  });
}

/** Where each item's bytes start, and where the last one's end. */
async function boundaries(items: StreamItem[], format: StreamFormat): Promise<number[]> {
  const { createStreamWriter } = await import("swath");
  let length = 0;
  const writer = createStreamWriter({
    write: (bytes) => Promise.resolve(void (length += bytes.length)),
  }, { format });
  const starts = [0];
  for (const item of items) {
    await writer.write(item);
    starts.push(length);
  }
  return starts;
}

/** Two tiny samples, so that every byte can be tried. */
function smallSegment(scene: string): StreamItem[] {
  return makeSegment({ scene, rows: 1, columns: 2, size: 1, bands: 1 });
}

Deno.test("what is not a patch stream is named", async () => {
  await rejects(text(""), /^No samples received: standard input is empty$/);
  await rejects(
    text("hello world\n"),
    /^Standard input is not a patch stream: it looks like text$/,
  );
  await rejects(
    text("II*\0\x08\0\0\0"),
    /^"a.tif" is not a patch stream: it looks like a TIFF/,
    '"a.tif"',
  );
  await rejects(new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10]), /looks like a PNG/);
  await rejects(new Uint8Array([0x1f, 0x8b, 8, 0]), /looks like gzip/);
  await rejects(text("<!doctype html><p>"), /looks like an HTML page/);
  await rejects(text("{"), /is cut short inside line 1/);
  await rejects(text('{"a": 1}\n'), /line 1, where .* has its header, has type null/);
  await rejects(text('{"a":\n1}\n'), /line 1, where .* has its header, is not valid JSON/);
  await rejects(text('{"type":"header","swath":2}\n'), /version 2 .* this swath reads version 1/);
  await rejects(text('{"type":"header"}\n'), /states no version/);
  await rejects(new Uint8Array(1024), /without "_stream.json"/);
});

Deno.test("absurd headers are refused before anything is allocated", async () => {
  const [header] = makeSegment();
  assert(header?.type === "header");
  const variant = (change: object) =>
    text(JSON.stringify({ type: "header", ...header.header, ...change }) + "\n");
  await rejects(variant({ samples: 1e12 }), /header is not valid at "samples"/);
  await rejects(variant({ samples: 5 }), /announces 5 samples in a grid of 2x2/);
  await rejects(
    variant({ grid: { width: 4, height: 4, columns: 1e6, rows: 1e6, overlap: 0 } }),
    /cuts a scene of 8x8 into 1000000x1000000 patches/,
  );
  await rejects(variant({ bands: 3 }), /header is not valid at "bands": expected Array, found 3/);
  const tar = await encode(makeSegment());
  for (const size of ["77777777777\0", "\x80\0\0\0\0\0\x01\0\0\0\0\0"]) {
    const altered = tar.slice();
    const start = findHeader(altered, "scene/000000_000000.image.npy");
    for (let i = 0; i < 12; i++) altered[start + 124 + i] = size.charCodeAt(i);
    fixChecksum(altered, start);
    await rejects(altered, /"scene\/000000_000000.image.npy" claims \d+ bytes: at most/);
  }
});

/** Every copy of a JSON value with one value inside it replaced. */
function* replacements(value: unknown, substitute: unknown): Generator<unknown> {
  yield substitute;
  if (value === null || typeof value !== "object") return;
  for (const [key, inner] of Object.entries(value)) {
    for (const changed of replacements(inner, substitute)) {
      const copy: Record<string, unknown> = JSON.parse(JSON.stringify(value));
      copy[key] = changed;
      yield copy;
    }
  }
}

Deno.test("any value of the JSON replaced by any other is refused or read, and never crashes", async () => {
  const whole = await encode(makeSegment({ rows: 1, columns: 1, size: 1 }), "ndjson");
  const lines = new TextDecoder().decode(whole).trimEnd().split("\n");
  let refused = 0;
  for (const [number, line] of lines.entries()) {
    for (const substitute of [null, "x", -1, 0.5, 1e300, 2 ** 31, [], {}, [null], true]) {
      for (const changed of replacements(JSON.parse(line), substitute)) {
        const altered = lines.with(number, JSON.stringify(changed)).join("\n") + "\n";
        try {
          await decode(text(altered));
        } catch (error) {
          assert(error instanceof InputError, `${altered}\n${String(error)}`);
          refused++;
        }
      }
    }
  }
  assert(refused > 1000);
});

/** Offset of the tar header of a member. */
function findHeader(bytes: Uint8Array, name: string): number {
  for (let start = 0; start < bytes.length; start += 512) {
    if (String.fromCharCode(...bytes.subarray(start, start + name.length)) === name) return start;
  }
  throw new Error(`no member ${name}`);
}

function fixChecksum(bytes: Uint8Array, start: number): void {
  bytes.fill(0x20, start + 148, start + 156);
  const sum = bytes.subarray(start, start + 512).reduce((total, byte) => total + byte, 0);
  const field = `${sum.toString(8).padStart(6, "0")}\0 `;
  for (let i = 0; i < 8; i++) bytes[start + 148 + i] = field.charCodeAt(i);
}

Deno.test("arrays that are not what the header says are refused", async () => {
  const variants: [(sample: Sample) => Sample, RegExp][] = [
    [
      (s) => ({ ...s, arrays: { image: ndarray("uint16", [3, 4, 4]) } }),
      /"scene\/000000_000000" has image of shape 3x4x4: expected 2x4x4/,
    ],
    [
      (s) => ({ ...s, arrays: { image: ndarray("float32", [2, 4, 4]) } }),
      /has image of type float32: expected uint16/,
    ],
    [
      (s) => ({ ...s, arrays: { label: ndarray("int32", [4, 4]) } }),
      /has label of type int32: expected uint8/,
    ],
    [(s) => ({ ...s, key: "scene/other" }), /should be called "scene\/000000_000000"/],
    [
      (s) => ({ ...s, info: { ...s.info, core: { x: 0, y: 0, width: 5, height: 4 } } }),
      /answers for pixels outside itself/,
    ],
    [
      (s) => ({ ...s, info: { ...s.info, position: [2, 0] } }),
      /at row 2, column 0 of a grid of 2x2/,
    ],
  ];
  for (const [change, message] of variants) {
    const items = makeSegment();
    items[1] = { type: "sample", sample: change((items[1] as { sample: Sample }).sample) };
    await rejects(await encode(items), message);
    await rejects(await encode(items, "ndjson"), message);
  }
});

Deno.test("an end mark without counts is enough for a hand-written filter", async () => {
  const lines = new TextDecoder().decode(await encode(makeSegment(), "ndjson")).trimEnd().split(
    "\n",
  );
  const kept = lines.filter((_, i) => i !== 2).map((line) => {
    const item = JSON.parse(line);
    if (item.type === "end") return '{"type":"end"}';
    return JSON.stringify(item, null, 1).replaceAll("\n", " ");
  });
  const items = await decode(text(kept.join("\n") + "\n"));
  assert.deepEqual(items.at(-1), { type: "end", end: { samples: 3, skipped: 1 } });
});

Deno.test("a consumer that stops early cancels the stream it reads", async () => {
  const bytes = await encode(makeSegment());
  let cancelled = false;
  const inner = chunked(bytes, [512]).getReader();
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      controller.enqueue((await inner.read()).value!);
    },
    cancel: () => void (cancelled = true),
  });
  for await (const item of readStream(stream)) if (item.type === "sample") break;
  assert(cancelled);
});
