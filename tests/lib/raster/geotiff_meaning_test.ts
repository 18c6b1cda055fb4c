/** What a GeoTIFF says about its pixels: where they lie, what they are called, which have data. */
import assert from "node:assert/strict";
import { InputError, openRaster } from "swath";
import { makeTiff, type TagValue, type TiffSpec } from "./make_tiff.ts";
import { readWhole, withRaster } from "./support.ts";

const TAGS = {
  newSubfileType: 254,
  photometric: 262,
  colorMap: 320,
  extraSamples: 338,
  pixelScale: 33550,
  tiepoint: 33922,
  transformation: 34264,
  geoKeys: 34735,
  geoAscii: 34737,
  metadata: 42112,
  nodata: 42113,
} as const;

/** A small image of bytes with some tags. */
function small(
  tags: Readonly<Record<number, TagValue>>,
  more: Partial<TiffSpec> = {},
): TiffSpec {
  return {
    width: 3,
    height: 2,
    bands: 1,
    bits: 8,
    samples: [0, 1, 2, 3, 4, 255],
    tags,
    ...more,
  };
}

const utm33 = (rasterType: number): TagValue => ({
  short: [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, rasterType, 3072, 0, 1, 32633],
});

Deno.test("pixel scale and tiepoint", () =>
  withRaster(
    makeTiff(small({
      [TAGS.pixelScale]: { double: [10, 20, 0] },
      [TAGS.tiepoint]: { double: [1, 2, 0, 500010, 5100000, 0] },
      [TAGS.geoKeys]: utm33(1),
      [TAGS.geoAscii]: { text: "WGS 84 / UTM zone 33N|" },
    })),
    ({ info }) => {
      assert.deepEqual(info.georeference.transform, [500000, 10, 0, 5100040, 0, -20]);
      assert.equal(info.georeference.crs, "EPSG:32633");
      assert.equal(info.georeference.pixelIsPoint, false);
      assert.equal(info.georeference.geoKeys?.ascii, "WGS 84 / UTM zone 33N|");
      assert.equal(info.georeference.geoKeys?.directory.length, 16);
      assert.match(info.format, /^GeoTIFF, strips of 2 rows, uncompressed$/);
      return Promise.resolve();
    },
  ));

Deno.test("pixel-is-point moves by half a pixel", () =>
  withRaster(
    makeTiff(small({
      [TAGS.pixelScale]: { double: [10, 10, 0] },
      [TAGS.tiepoint]: { double: [0, 0, 0, 500005, 5100035, 0] },
      [TAGS.geoKeys]: utm33(2),
    })),
    ({ info }) => {
      assert.deepEqual(info.georeference.transform, [500000, 10, 0, 5100040, 0, -10]);
      assert.equal(info.georeference.pixelIsPoint, true);
      return Promise.resolve();
    },
  ));

Deno.test("a rotated transformation, and control points that are none", async () => {
  const matrix = [8, 6, 0, 500000, 6, -8, 0, 5100000, 0, 0, 0, 0, 0, 0, 0, 1];
  await withRaster(makeTiff(small({ [TAGS.transformation]: { double: matrix } })), ({ info }) => {
    assert.deepEqual(info.georeference.transform, [500000, 8, 6, 5100000, 6, -8]);
    return Promise.resolve();
  });
  const points = [0, 0, 0, 1, 2, 0, 3, 0, 0, 4, 2, 0, 3, 2, 0, 4, 0, 0];
  await withRaster(makeTiff(small({ [TAGS.tiepoint]: { double: points } })), ({ info }) => {
    assert.equal(info.georeference.transform, null);
    return Promise.resolve();
  });
});

Deno.test("geographic codes count where no projection is named, user-defined ones never", async () => {
  const crsOf = (keys: number[]) =>
    withRaster(
      makeTiff(small({ [TAGS.geoKeys]: { short: [1, 1, 0, keys.length / 4, ...keys] } })),
      ({ info }) => Promise.resolve(info.georeference.crs),
    );
  assert.equal(await crsOf([1024, 0, 1, 2, 2048, 0, 1, 4326]), "EPSG:4326");
  assert.equal(await crsOf([1024, 0, 1, 1, 2048, 0, 1, 4326, 3072, 0, 1, 32767]), null);
  assert.equal(await crsOf([1024, 0, 1, 1, 2048, 0, 1, 4326, 3072, 0, 1, 2154]), "EPSG:2154");
});

Deno.test("damaged georeference leaves the pixels readable", () =>
  withRaster(
    makeTiff(small({ [TAGS.geoKeys]: { short: [1, 1, 0, 9000, 1024, 0, 1, 1] } })),
    async (raster) => {
      assert.equal(raster.info.georeference.geoKeys, null);
      assert.equal(raster.info.georeference.crs, null);
      assert.deepEqual([...(await readWhole(raster)).image.data], [0, 1, 2, 3, 4, 255]);
    },
  ));

Deno.test("band descriptions, scales, offsets and class names from GDAL's metadata", () =>
  withRaster(
    makeTiff(small({
      [TAGS.metadata]: {
        text: `<GDALMetadata>
  <Item name="DESCRIPTION" sample="0" role="description">B04 &lt;red&gt; &#x41;&amp;</Item>
  <Item name="OFFSET" sample="0" role="offset">-0.1</Item>
  <Item name="SCALE" sample="0" role="scale">0.0001</Item>
  <Item name="CLASS_NAMES">["water", "forest"]</Item>
  <Item name="AREA_OR_POINT">Area</Item>
</GDALMetadata>`,
      },
    })),
    ({ info }) => {
      assert.deepEqual(info.bands, [{ name: "B04 <red> A&", scale: 0.0001, offset: -0.1 }]);
      assert.deepEqual(info.classes?.map(({ name }) => name), ["water", "forest"]);
      return Promise.resolve();
    },
  ));

Deno.test("the sidecar .aux.xml overrides the file", () =>
  withRaster(
    makeTiff(small({ [TAGS.nodata]: { text: "0" } })),
    ({ info }) => {
      assert.equal(info.bands[0]?.name, "land cover");
      assert.equal(info.nodata, 255);
      assert.deepEqual(info.classes, [{ name: "sea & ice", color: "#0000ff" }, {
        name: "land",
        color: "#00ff00",
      }]);
      return Promise.resolve();
    },
    {
      sidecars: {
        ".aux.xml": `<PAMDataset><PAMRasterBand band="1"><Description>land cover</Description>
          <NoDataValue>2.55000000000000E+02</NoDataValue>
          <CategoryNames><Category>sea &amp; ice</Category><Category>land</Category></CategoryNames>
          <ColorTable><Entry c1="0" c2="0" c3="255" c4="255"/><Entry c1="0" c2="255" c3="0" c4="255"/>
          </ColorTable></PAMRasterBand></PAMDataset>`,
      },
    },
  ));

Deno.test("a colour map gives classes their colours", () => {
  const map = new Array(768).fill(0);
  map[1] = 65535;
  map[256 + 2] = 0x8080;
  return withRaster(
    makeTiff(small({ [TAGS.photometric]: { short: [3] }, [TAGS.colorMap]: { short: map } })),
    ({ info }) => {
      assert.deepEqual(info.classes, [
        { name: "0", color: "#000000" },
        { name: "1", color: "#ff0000" },
        { name: "2", color: "#008000" },
      ]);
      return Promise.resolve();
    },
  );
});

for (
  const [text, nodata, valid] of [
    ["4", 4, [1, 1, 1, 1, 0, 1]],
    ["255 ", 255, [1, 1, 1, 1, 1, 0]],
    ["256", null, [1, 1, 1, 1, 1, 1]],
    ["-1", null, [1, 1, 1, 1, 1, 1]],
    ["1.5", null, [1, 1, 1, 1, 1, 1]],
    ["nan", null, [1, 1, 1, 1, 1, 1]],
    ["1e400", null, [1, 1, 1, 1, 1, 1]],
    ["", null, [1, 1, 1, 1, 1, 1]],
    ["none", null, [1, 1, 1, 1, 1, 1]],
  ] as const
) {
  Deno.test(`nodata "${text}" among bytes`, () =>
    withRaster(makeTiff(small({ [TAGS.nodata]: { text } })), async (raster) => {
      assert.equal(raster.info.nodata, nodata);
      assert.deepEqual([...(await readWhole(raster)).valid.data], valid);
    }));
}

for (
  const [text, value] of [
    ["nan", NaN],
    ["-inf", -Infinity],
    ["-3.4028234663852886e+38", -3.4028234663852886e38],
    ["-3.4028235e+38", -3.4028234663852886e38],
    ["-9999", -9999],
    ["0.1", Math.fround(0.1)],
  ] as const
) {
  Deno.test(`nodata "${text}" among floats, where NaN and infinity never are data`, () => {
    const floats = Float32Array.of(1, value, NaN, Infinity, -Infinity, 2);
    const spec: TiffSpec = {
      width: 6,
      height: 1,
      bands: 1,
      bits: 32,
      sampleFormat: 3,
      samples: [...new Uint32Array(floats.buffer)],
      tags: { [TAGS.nodata]: { text } },
    };
    return withRaster(makeTiff(spec), async (raster) => {
      assert.equal(raster.info.nodata, value);
      assert.deepEqual([...(await readWhole(raster)).valid.data], [1, 0, 0, 0, 0, 1]);
    });
  });
}

Deno.test("nodata of 64-bit integers is exact", () =>
  withRaster(
    makeTiff({
      width: 3,
      height: 1,
      bands: 1,
      bits: 64,
      sampleFormat: 2,
      samples: [-9223372036854775808n, -9223372036854775807n, 5n],
      tags: { [TAGS.nodata]: { text: "-9223372036854775808" } },
    }),
    async (raster) => assert.deepEqual([...(await readWhole(raster)).valid.data], [0, 1, 1]),
  ));

Deno.test("nodata in any of the bands read counts", () =>
  withRaster(
    makeTiff(small({ [TAGS.nodata]: { text: "0" } }, {
      width: 3,
      height: 1,
      bands: 2,
      samples: [0, 1, 2, 5, 0, 7],
    })),
    async (raster) => {
      assert.deepEqual([...(await readWhole(raster)).valid.data], [0, 0, 1]);
      const window = { x: 0, y: 0, width: 3, height: 1 };
      assert.deepEqual([...(await raster.read(window, [1])).valid.data], [1, 0, 1]);
    },
  ));

Deno.test("all zeros are data unless the file says otherwise", () =>
  withRaster(
    makeTiff(small({}, { samples: [0, 0, 0, 0, 0, 0] })),
    async (raster) =>
      assert.deepEqual([...(await readWhole(raster)).valid.data], [1, 1, 1, 1, 1, 1]),
  ));

Deno.test("alpha 0 is not valid, whichever bands are read", () =>
  withRaster(
    makeTiff(small({ [TAGS.extraSamples]: { short: [2] } }, {
      width: 3,
      height: 1,
      bands: 2,
      samples: [9, 8, 7, 0, 255, 1],
      planar: true,
    })),
    async (raster) => {
      const { image, valid } = await raster.read({ x: 0, y: 0, width: 3, height: 1 }, [0]);
      assert.deepEqual([...image.data], [9, 8, 7]);
      assert.deepEqual([...valid.data], [0, 1, 1]);
    },
  ));

/** A mask of one bit, as GDAL writes it. */
const mask = (subfileType: number, samples: readonly number[], size: {
  width: number;
  height: number;
}): TiffSpec => ({
  ...size,
  bands: 1,
  bits: 1,
  samples,
  codec: "deflate",
  tags: { [TAGS.newSubfileType]: { long: [subfileType] }, [TAGS.photometric]: { short: [4] } },
});

Deno.test("internal masks and overviews", () => {
  const overview: TiffSpec = {
    ...small({ [TAGS.newSubfileType]: { long: [1] } }),
    width: 2,
    height: 1,
    samples: [7, 8],
  };
  const file = makeTiff([
    small({
      [TAGS.pixelScale]: { double: [10, 10, 0] },
      [TAGS.tiepoint]: { double: [0, 0, 0, 0, 0, 0] },
    }),
    mask(4, [1, 0, 1, 1, 1, 0], { width: 3, height: 2 }),
    overview,
    mask(5, [0, 1], { width: 2, height: 1 }),
  ]);
  return withRaster(file, async (raster) => {
    assert.deepEqual([...(await readWhole(raster)).valid.data], [1, 0, 1, 1, 1, 0]);
    assert.deepEqual(raster.info.overviews, [{ width: 2, height: 1 }]);
    await withRaster(file, async (smaller) => {
      assert.deepEqual(smaller.info.georeference.transform, [0, 15, 0, 0, 0, -20]);
      const { image, valid } = await readWhole(smaller);
      assert.deepEqual([...image.data], [7, 8]);
      assert.deepEqual([...valid.data], [0, 1]);
    }, { overview: 0 });
    await assert.rejects(
      withRaster(file, readWhole, { overview: 1 }),
      /Cannot read overview 1 of ".*": it has 0 \(2x1\)$/,
    );
  });
});

Deno.test("sidecar masks and overviews", async () => {
  const overview: TiffSpec = {
    ...small({ [TAGS.newSubfileType]: { long: [1] } }),
    width: 2,
    height: 1,
    samples: [7, 8],
  };
  await withRaster(makeTiff(small({})), async (raster) => {
    assert.deepEqual([...(await readWhole(raster)).valid.data], [0, 1, 1, 1, 0, 1]);
    assert.deepEqual(raster.info.overviews, [{ width: 2, height: 1 }]);
  }, {
    sidecars: {
      ".msk": makeTiff(small({}, { samples: [0, 255, 255, 255, 0, 255] })),
      ".ovr": makeTiff(overview),
    },
  });
});

Deno.test("blocks that are not stored are nodata, or 0 without one", async () => {
  const sparse = (tags: Readonly<Record<number, TagValue>>) =>
    makeTiff(small(tags, { rowsPerStrip: 1, sparse: [1] }));
  await withRaster(sparse({ [TAGS.nodata]: { text: "9" } }), async (raster) => {
    const { image, valid } = await readWhole(raster);
    assert.deepEqual([...image.data], [0, 1, 2, 9, 9, 9]);
    assert.deepEqual([...valid.data], [1, 1, 1, 0, 0, 0]);
  });
  await withRaster(sparse({}), async (raster) => {
    const { image, valid } = await readWhole(raster);
    assert.deepEqual([...image.data], [0, 1, 2, 0, 0, 0]);
    assert.deepEqual([...valid.data], [1, 1, 1, 1, 1, 1]);
  });
});

/** The message with which a file is refused, on opening or on reading. */
async function refusal(bytes: Uint8Array, maxMemory?: number): Promise<string> {
  try {
    await withRaster(bytes, readWhole, maxMemory === undefined ? {} : { maxMemory });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return error.message.replace(/^Cannot read "[^"]*": /, "");
  }
  return "it was read";
}

Deno.test("what is not supported is named", async () => {
  const compressed = (number: number) => makeTiff(small({ 259: { short: [number] } }));
  assert.equal(await refusal(compressed(50002)), "unsupported compression 50002 (JPEG XL)");
  assert.equal(await refusal(compressed(34925)), "unsupported compression 34925 (LZMA)");
  assert.equal(await refusal(compressed(6)), "unsupported compression 6 (old-style JPEG)");
  assert.equal(await refusal(compressed(2)), "unsupported compression 2 (CCITT RLE)");
  assert.equal(
    await refusal(compressed(12345)),
    "unsupported compression 12345 (not a known number)",
  );
  assert.equal(
    await refusal(makeTiff(small({ 339: { short: [5] } }, { bits: 32 }))),
    "unsupported: complex numbers",
  );
  assert.equal(
    await refusal(makeTiff(small({ 258: { short: [8, 16] } }, {
      bands: 2,
      samples: new Array(12).fill(0),
    }))),
    "unsupported: bands of different types (BitsPerSample is 8 for band 1 and 16 for band 2)",
  );
  assert.equal(
    await refusal(makeTiff(small({}, { codec: "deflate", predictor: 3 }))),
    "predictor 3 is for floating point numbers, but samples are integers",
  );
});

Deno.test("claims are refused before memory is taken", async () => {
  const started = performance.now();
  const memory = Deno.memoryUsage().rss;
  const huge = small({ 256: { long: [0x7fffffff] }, 257: { long: [1100] }, 278: { long: [1100] } });
  assert.match(await refusal(makeTiff(huge)), /^its 2147483647x1100 pixels need 2\.1 TiB/);
  assert.match(
    await refusal(makeTiff(small({ 256: { long: [2 ** 31] } }))),
    /^ImageWidth is 2147483648: expected 1 to 2147483647$/,
  );
  assert.match(
    await refusal(makeTiff({ ...huge, codec: "deflate" })),
    /takes 2\.1 TiB when decoded, more than the limit of 256\.0 MiB$/,
  );
  assert.match(
    await refusal(makeTiff({
      ...small({ 256: { long: [10000] }, 257: { long: [10000] }, 278: { long: [10000] } }),
      codec: "deflate",
    })),
    /cannot hold the 100000000 bytes of the image$/,
  );
  assert.match(
    await refusal(makeTiff(small({})), 64),
    /^each of its blocks|^it was read/,
  );
  assert.ok(performance.now() - started < 1000);
  assert.ok(Deno.memoryUsage().rss - memory < 100e6);
});

Deno.test("windows and bands that make no sense are refused", () =>
  withRaster(makeTiff(small({})), async (raster) => {
    const window = { x: 0, y: 0, width: 3, height: 2 };
    await assert.rejects(raster.read(window, [1]), /Cannot read band 2 of ".*": it has 1 bands/);
    await assert.rejects(raster.read({ ...window, width: 0 }), /a size of at least 1x1/);
    await assert.rejects(raster.read({ ...window, x: 0.5 }), /expected whole numbers/);
    await assert.rejects(
      raster.read({ ...window, width: 1e6, height: 1e6 }),
      /more than the limit/,
    );
    await assert.rejects(
      withRaster(makeTiff(small({})), readWhole, { overview: 0 }),
      /Cannot read overview 0 of ".*": it has none/,
    );
  }));

Deno.test("a file that cannot be opened says why", async () => {
  await assert.rejects(
    openRaster("missing.tif"),
    /^InputError: Cannot read "missing.tif": no such/,
  );
  await assert.rejects(openRaster("lib"), /Cannot read "lib": it is a directory/);
  await assert.rejects(openRaster("/dev/zero"), /it is a pipe or device/);
  const said = async (content: string | Uint8Array) =>
    await refusal(typeof content === "string" ? new TextEncoder().encode(content) : content);
  assert.match(await said(""), /^it is empty, not a raster/);
  assert.match(
    await said("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"),
    /^it is a Git LFS pointer \(run `git lfs pull` to get the file\)/,
  );
  assert.match(await said("<!DOCTYPE html><html><body>404"), /^it is an HTML page/);
  assert.match(await said("<?xml version='1.0'?><Error/>"), /^it is an XML file/);
  assert.match(await said("<VRTDataset></VRTDataset>"), /^it is a GDAL VRT/);
  assert.match(await said("PK\u0003\u0004....."), /^it is a zip archive/);
  assert.match(await said("%PDF-1.7"), /^it is a PDF/);
  assert.match(await said("x,y\n1,2\n"), /^it is a text file/);
  assert.match(await said('{"type": "FeatureCollection"}'), /^it is a JSON file/);
  assert.match(await said("\u0000\u0001\u0002"), /^it is of an unknown format/);
  assert.match(await said("II"), /too few for the header of a TIFF/);
  assert.match(await said(Uint8Array.of(0x49, 0x49, 44, 0, 8, 0, 0, 0)), /its version is 44/);
});

Deno.test("directories that loop, are missing or lie outside end at once", async () => {
  const file = makeTiff(small({}));
  const view = new DataView(file.buffer);
  const first = view.getUint32(4, true);
  const link = first + 2 + 12 * view.getUint16(first, true);
  view.setUint32(link, first, true);
  assert.match(await refusal(file), /^its directories form a loop/);
  view.setUint32(link, 1e9, true);
  assert.match(await refusal(file), /^the offset of a directory, 1000000000, is past the end/);
  view.setUint32(4, 0, true);
  assert.match(await refusal(file), /^it has no image/);
  view.setUint32(4, first, true);
  view.setUint16(first, 65535, true);
  assert.match(await refusal(file), /claims 65535 entries: at most 4096 are read/);
});
