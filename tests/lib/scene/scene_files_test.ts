import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import {
  createGeoTiff,
  type DataType,
  InputError,
  ndarray,
  openSceneFiles,
  type OpenSceneFilesOptions,
  type RasterReader,
  type RasterSpec,
} from "swath";
import { readWhole, withFolder } from "../raster/support.ts";

/** Write a raster whose pixels are a function of band, column and row. */
async function write(
  path: string,
  spec: Partial<RasterSpec> & { readonly pixel?: number; readonly corner?: [number, number] },
  value: (band: number, x: number, y: number) => number = () => 1,
): Promise<void> {
  const { pixel = 10, corner = [0, 600], ...rest } = spec;
  const full: RasterSpec = {
    width: 600 / pixel,
    height: 600 / pixel,
    dtype: "uint16",
    bands: [{ name: "1", scale: 1, offset: 0 }],
    nodata: 0,
    georeference: {
      crs: "EPSG:32633",
      transform: [corner[0], pixel, 0, corner[1], 0, -pixel],
      geoKeys: { directory: [1, 1, 0, 1, 3072, 0, 1, 32633], doubles: [], ascii: "" },
      pixelIsPoint: false,
    },
    classes: null,
    ...rest,
  };
  const { width, height, bands } = full;
  const rows = ndarray<DataType>(full.dtype, [bands.length, height, width]);
  const data = rows.data as Float64Array;
  for (let i = 0; i < data.length; i++) {
    const y = Math.floor(i / width) % height;
    data[i] = value(Math.floor(i / (width * height)), i % width, y);
  }
  using writer = await createGeoTiff(path, full);
  await writer.writeRows(rows);
  await writer.finish();
}

async function withScene(
  sources: readonly string[],
  work: (scene: RasterReader) => Promise<void> | void,
  options: OpenSceneFilesOptions = {},
): Promise<void> {
  const scene = await openSceneFiles(sources, options);
  try {
    await work(scene);
  } finally {
    scene.close();
  }
}

const bandNames = ({ info }: RasterReader) => info.bands.map(({ name }) => name).join(" ");

async function refuses(sources: readonly string[], message: RegExp, hint?: RegExp): Promise<void> {
  await assert.rejects(openSceneFiles(sources), (error) => {
    assert(error instanceof InputError, String(error));
    assert.match(error.message, message);
    if (hint !== undefined) assert.match(error.hint ?? "", hint);
    return true;
  });
}

Deno.test("a coarser band is interpolated between the middles of its pixels", async () => {
  await withFolder(async (folder) => {
    const paths = ["B02", "B05"].map((name) => join(folder, `${name}.tif`));
    await write(paths[0]!, {}, (_, x, y) => 1 + 100 * y + x);
    // A plane, which bilinear interpolation gives back exactly inside.
    await write(paths[1]!, { pixel: 20 }, (_, x, y) => 100 + 80 * x + 8 * y);
    await withScene(paths, async (scene) => {
      const { image, valid } = await readWhole(scene);
      assert.equal(scene.info.width, 60);
      assert(valid.data.every((has) => has === 1));
      const at = (band: number, x: number, y: number) => image.data[(band * 60 + y) * 60 + x];
      for (let y = 0; y < 60; y++) {
        for (let x = 0; x < 60; x++) {
          assert.equal(at(0, x, y), 1 + 100 * y + x);
          // Beyond the middles of the outermost pixels there is nothing to interpolate with.
          const [u, v] = [x, y].map((i) => Math.min(29, Math.max(0, (i + 0.5) / 2 - 0.5)));
          assert.equal(at(1, x, y), 100 + 80 * u! + 8 * v!);
        }
      }
    });
  });
});

Deno.test("any window of a stack is that part of the whole", async () => {
  await withFolder(async (folder) => {
    const files = [["B02", 10], ["B05", 20], ["B01", 60], ["SCL", 20]] as const;
    for (const [index, [name, pixel]] of files.entries()) {
      await write(
        join(folder, `${name}.tif`),
        { pixel, dtype: name === "SCL" ? "uint8" : "uint16" },
        (_, x, y) => (7 * x + 13 * y * (index + 1)) % 97 < 3 ? 0 : 1 + (x * y + 31 * x) % 200,
      );
    }
    await withScene([folder], async (scene) => {
      assert.equal(bandNames(scene), "B01 B02 B05 SCL");
      const whole = await readWhole(scene);
      assert.equal(new Set(whole.valid.data).size, 2);
      await fc.assert(
        fc.asyncProperty(
          fc.record({
            x: fc.integer({ min: -5, max: 60 }),
            y: fc.integer({ min: -5, max: 60 }),
            width: fc.integer({ min: 1, max: 40 }),
            height: fc.integer({ min: 1, max: 40 }),
          }),
          async (window) => {
            const part = await scene.read(window);
            for (let i = 0; i < window.width * window.height; i++) {
              const x = window.x + i % window.width;
              const y = window.y + Math.floor(i / window.width);
              const inside = x >= 0 && y >= 0 && x < 60 && y < 60;
              const has = inside ? whole.valid.data[y * 60 + x]! : 0;
              assert.equal(part.valid.data[i], has);
              for (let band = 0; has === 1 && band < 4; band++) {
                assert.equal(
                  part.image.data[band * window.width * window.height + i],
                  whole.image.data[(band * 60 + y) * 60 + x],
                );
              }
            }
          },
        ),
        { numRuns: 60 },
      );
    }, { bands: ["SCL"] });
  });
});

Deno.test("bands are called by descriptions, by Sentinel-2's names, or by what tells files apart", async () => {
  await withFolder(async (folder) => {
    const named = async (files: readonly (readonly [file: string, description: string])[]) => {
      const paths = files.map(([file]) => join(folder, file));
      for (const [index, [, name]] of files.entries()) {
        await write(paths[index]!, { bands: [{ name, scale: 1, offset: 0 }], overwrite: true });
      }
      let names = "";
      await withScene(paths, (scene) => void (names = bandNames(scene)));
      return names;
    };
    assert.equal(
      await named([
        ["T33UVP_20200101T100000_B12_20m.tif", "1"],
        ["T33UVP_20200101T100000_B8A_20m.tif", "B8A, central wavelength 865 nm"],
        ["T33UVP_20200101T100000_B02_10m.tif", "1"],
      ]),
      "B02 B8A B12",
    );
    assert.equal(await named([["a_red_2020.tif", "1"], ["a_nir_2020.tif", "1"]]), "red nir");
    assert.equal(await named([["x1.tif", "swir"], ["x2.tif", "1"]]), "swir x2");
    assert.equal(await named([["LC08_SR_B4.tif", "1"], ["LC08_SR_B5.tif", "1"]]), "B4 B5");
  });
});

Deno.test("a product has each band once, the finest, and its offset since baseline 04.00", async () => {
  await withFolder(async (folder) => {
    const product = join(folder, "S2A_MSIL2A_20220801_N0400_T33UVP.SAFE");
    const images = join(product, "GRANULE/L2A_T33UVP/IMG_DATA");
    const stem = "T33UVP_20220801T100000";
    for (
      const [pixel, bands] of [[10, ["B02"]], [20, ["B02", "B8A", "SCL"]], [60, [
        "B02",
        "B01",
      ]]] as const
    ) {
      await Deno.mkdir(join(images, `R${pixel}m`), { recursive: true });
      for (const name of bands) {
        await write(join(images, `R${pixel}m/${stem}_${name}_${pixel}m.tif`), { pixel });
      }
    }
    await Deno.mkdir(join(product, "GRANULE/L2A_T33UVP/QI_DATA"));
    await write(join(product, "GRANULE/L2A_T33UVP/QI_DATA/MSK_CLDPRB_20m.tif"), { pixel: 20 });
    await Deno.writeTextFile(
      join(product, "MTD_MSIL2A.xml"),
      `<n1:Level-2A_User_Product><BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE>
      <BOA_ADD_OFFSET band_id="0">-1000</BOA_ADD_OFFSET>
      <BOA_ADD_OFFSET band_id="1">-1000</BOA_ADD_OFFSET>
      <BOA_ADD_OFFSET band_id="8">-500</BOA_ADD_OFFSET></n1:Level-2A_User_Product>`,
    );
    await withScene([product], ({ info }) => {
      assert.equal(info.width, 60);
      assert.deepEqual(info.bands, [
        { name: "B01", scale: 1e-4, offset: -0.1 },
        { name: "B02", scale: 1e-4, offset: -0.1 },
        { name: "B8A", scale: 1e-4, offset: -0.05 },
      ]);
    });
    await withScene([product], (scene) => assert.equal(bandNames(scene), "B01 B02 B8A SCL"), {
      bands: ["SCL"],
    });
    // Files of the product given one by one are found to belong to it as well.
    const [b02, b8a] = [["B02", 10], ["B8A", 20]].map(([name, pixel]) =>
      join(images, `R${pixel}m/${stem}_${name}_${pixel}m.tif`)
    );
    await withScene([b02!, b8a!], ({ info }) => assert.equal(info.bands[1]!.offset, -0.05));
  });
});

Deno.test("neighbours are one scene, the first that has data wins, and each may be bands apart", async () => {
  await withFolder(async (folder) => {
    for (const [tile, left, base] of [["west", 0, 100], ["east", 500, 200]] as const) {
      const corner: [number, number] = [left, 600];
      await Deno.mkdir(join(folder, tile));
      await write(join(folder, tile, "B02.tif"), { corner }, (_, x) => x < 2 ? 0 : base);
      await write(join(folder, tile, "B05.tif"), { corner, pixel: 20 }, () => base + 1);
    }
    const sources = ["west", "east"].map((name) => join(folder, name));
    await withScene(sources, async (scene) => {
      assert.equal(scene.info.width, 110);
      assert.equal(bandNames(scene), "B02 B05");
      const { image, valid } = await scene.read({ x: 0, y: 0, width: 110, height: 1 }, [1, 0]);
      assert.deepEqual(
        Array.from({ length: 110 }, (_, x) => valid.data[x]),
        Array.from({ length: 110 }, (_, x) => x < 2 ? 0 : 1),
      );
      assert.equal(image.data[59], 101);
      assert.equal(image.data[60], 201);
      assert.equal(image.data[110 + 60], 200);
      assert(scene.traffic.requests > 0);
    });
  });
});

Deno.test("files that do not make one scene are refused, and two of them named", async () => {
  await withFolder(async (folder) => {
    const path = (name: string) => join(folder, name);
    await write(path("B02.tif"), {});
    await write(path("other_B02.tif"), {});
    await refuses([path("B02.tif"), path("other_B02.tif")], /which file band B02 is in: both ".*"/);
    await refuses([path("B02.tif"), path("B02.tif")], /into one scene twice/);
    await write(path("B03.tif"), { corner: [5, 600] });
    await write(path("far_B02.tif"), { corner: [6005, 600] });
    await refuses([path("B02.tif"), path("far_B02.tif")], /their pixel grid differ/);
    await write(path("far_B03.tif"), { corner: [6000, 600] });
    await refuses([path("B02.tif"), path("far_B03.tif")], /their bands differ: B03, .* B02/);
    await write(path("B04.tif"), {
      georeference: {
        crs: null,
        transform: [0, 0, 10, 600, -10, 0],
        geoKeys: null,
        pixelIsPoint: false,
      },
    });
    await refuses([path("B02.tif"), path("B04.tif")], /their (pixels are turned|CRS differ)/);
    await Deno.mkdir(path("empty"));
    await refuses([path("empty")], /there are no rasters in this folder/);
    await Deno.mkdir(path("jp2"));
    await Deno.writeFile(path("jp2/T33_B02_10m.jp2"), new Uint8Array(20));
    await refuses([path("jp2")], /JPEG 2000 is not supported/, /gdal_translate T33_B02_10m.jp2/);
  });
});
