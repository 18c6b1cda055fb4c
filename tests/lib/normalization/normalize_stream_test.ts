import assert from "node:assert/strict";
import {
  type BandInfo,
  fitStatistics,
  makeNormalization,
  ndarray,
  normalizeStream,
  type Sample,
  type StreamHeader,
  type StreamItem,
} from "../../../mod.ts";

const BANDS: BandInfo[] = [{ name: "B04", scale: 0.0001, offset: 0 }];

function header(changes: Partial<StreamHeader> = {}): StreamItem {
  return {
    type: "header",
    header: {
      swath: 1,
      scene: null,
      grid: null,
      samples: null,
      bands: BANDS,
      dtype: "float32",
      normalization: null,
      classes: null,
      output: null,
      history: ["tile"],
      ...changes,
    },
  };
}

/** A patch of one row; its core leaves out the first `overlap` columns. */
function sample(values: number[], valid: number[] | null = null, overlap = 0): StreamItem {
  const window = { x: 0, y: 0, width: values.length, height: 1 };
  return {
    type: "sample",
    sample: {
      key: "a",
      info: {
        window,
        core: { ...window, x: overlap, width: values.length - overlap },
        position: [0, 0],
        transform: null,
        crs: null,
        validPixels: values.length,
      },
      arrays: {
        image: ndarray("float32", [1, 1, values.length], Float32Array.from(values)),
        ...(valid === null
          ? {}
          : { valid: ndarray("uint8", [1, values.length], Uint8Array.from(valid)) }),
      },
    },
  };
}

const END: StreamItem = { type: "end", end: { samples: 1, skipped: 0 } };

async function* stream(...items: StreamItem[]): AsyncGenerator<StreamItem> {
  yield* items;
}

async function normalized(items: StreamItem[], warnings: string[] = []) {
  const found = await Array.fromAsync(normalizeStream(
    stream(...items),
    ({ bands }) => makeNormalization(bands.map(({ name }) => name), { mean: [1], std: [2] }),
    { history: "normalize", watchesRange: true, onWarning: (message) => warnings.push(message) },
  ));
  const samples = found.flatMap((item): Sample[] => item.type === "sample" ? [item.sample] : []);
  const headers = found.flatMap((item): StreamHeader[] =>
    item.type === "header" ? [item.header] : []
  );
  return { samples, headers, types: found.map(({ type }) => type) };
}

Deno.test("normalizeStream: header and images say what was applied", async () => {
  const { samples, headers, types } = await normalized([header(), sample([3, 5], [1, 0]), END]);
  assert.deepEqual(types, ["header", "sample", "end"]);
  assert.deepEqual([...samples[0]!.arrays.image!.data], [1, 0]);
  assert.deepEqual(headers[0]!.bands, [{ name: "B04", scale: 1, offset: 0 }]);
  assert.deepEqual(headers[0]!.normalization!.mean, [1]);
  assert.deepEqual(headers[0]!.history, ["tile", "normalize"]);
});

Deno.test("normalizeStream: pixels that are not finite become pixels without data", async () => {
  const warnings: string[] = [];
  const { samples } = await normalized([header(), sample([NaN, 5, Infinity]), END], warnings);
  const { info, arrays } = samples[0]!;
  assert.deepEqual([...arrays.valid!.data], [0, 1, 0]);
  assert.deepEqual([...arrays.image!.data], [0, 2, 0]);
  assert.equal(info.validPixels, 1);
  assert.deepEqual(warnings, [
    "pixels that are NaN or infinite in a band, and count as without data: 2",
  ]);
});

Deno.test("normalizeStream: warns of another scale once, at the end", async () => {
  const warnings: string[] = [];
  const items = [header(), sample([50_000]), END, header(), sample([80_000]), END];
  await normalized(items, warnings);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /band B04 reaches 50000, where 7 is usual/);
});

Deno.test("normalizeStream refuses what is normalized already, and streams without images", async () => {
  const normalization = makeNormalization(["B04"], {});
  await assert.rejects(normalized([header({ normalization })]), {
    name: "InputError",
    message: /normalized already/,
    hint: "It was made by: tile",
  });
  await assert.rejects(normalized([header({ dtype: null })]), { message: /have no image/ });
});

Deno.test("fitStatistics counts cores alone, over segments", async () => {
  const statistics = await fitStatistics(
    stream(
      header(),
      sample([1, 2]),
      sample([2, 3, 9], [1, 1, 0], 1),
      END,
      header(),
      sample([6]),
      END,
    ),
  );
  const [summary] = statistics.summaries();
  assert.equal(summary!.count, 4);
  assert.equal(summary!.mean, 3);
  assert.equal(summary!.scale, 0.0001);
});

Deno.test("fitStatistics refuses segments of other bands, and normalized streams", async () => {
  const other = header({ bands: [{ name: "B08", scale: 1, offset: 0 }] });
  await assert.rejects(fitStatistics(stream(header(), sample([1]), END, other)), {
    name: "InputError",
    message:
      "Cannot add up statistics of float32 bands B04*0.0001+0 and statistics of float32 bands B08",
  });
  const normalization = makeNormalization(["B04"], {});
  await assert.rejects(fitStatistics(stream(header({ normalization }))), { name: "InputError" });
});
