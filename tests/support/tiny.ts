/**
 * Pictures and patch streams of a few pixels, written out by hand, for golden command lines:
 *
 *     tiny png truth.png "0 1 1/2 2 255"
 *     tiny stream label="0 1/1 1" pred="0 0/1 1" classes=water,forest > a.tar
 *     tiny stream image="10 20/30 40; 1 2/3 4" bands=B04,B08 dtype=float32 valid="1 1/1 0" > b.tar
 *
 *     swath tile a.tif --labels b.tif | tiny predict | swath stitch -o c.tif
 *     tiny model folder bands=B04,B08 classes=water,forest statistics=yes depth=1
 *
 * `predict` is a network that is always right: a sample's label becomes its `pred`. With a number, it
 * takes so many milliseconds for each sample.
 *
 * `model` is a SegFormer of a few random weights, others with another `seed`; `without` leaves out the parameters that begin so.
 *
 * `tif` is a raster of pixels of 10 m at 600000, 5200000 in UTM zone 33, or where `crs`, `corner` and
 * `pixel` say; `zones` are rings of corners, x and y in turn, in the pixels of that same grid:
 *
 *     tiny tif map.tif "0 0 1/0 1 255" classes=water,forest nodata=255
 *     tiny zones zones.geojson A=0,0,2,0,2,2,0,2 B=1,1,9,1,9,9
 *
 * Rows are separated by `/`, bands by `;`. A stream has one patch; `name` is its scene's.
 */
// Not from mod.ts, which takes more than twice as long to load: cases start this hundreds of times.
import {
  type DataType,
  type NdArray,
  ndarray,
  TYPED_ARRAY_CONSTRUCTORS,
} from "../../lib/array/mod.ts";
import { classesFromNames } from "../../lib/classes/mod.ts";
import { InputError } from "../../lib/errors.ts";
import { encodePng } from "../../lib/image/mod.ts";
import {
  initializeParameter,
  networkFromConfig,
  networkParameters,
  variantConfig,
} from "../../lib/models/mod.ts";
import { makeNormalization } from "../../lib/normalization/mod.ts";
import { createGeoTiff } from "../../lib/raster/mod.ts";
import {
  createStreamWriter,
  readStream,
  type SampleArrays,
  sampleKey,
  STREAM_VERSION,
  type StreamHeader,
  transformStream,
} from "../../lib/stream/mod.ts";
import { EMPTY_MODEL_CARD, saveModel } from "../../lib/weights/mod.ts";

const [kind, ...args] = Deno.args;
if (kind === "png") await writePicture(args[0]!, args[1]!);
else if (kind === "tif") {
  await writeTif(args[0]!, args[1]!, new Map(args.slice(2).map(splitAssignment)));
} else if (kind === "zones") await writeZones(args[0]!, args.slice(1).map(splitAssignment));
else if (kind === "stream") await writeStream(new Map(args.map(splitAssignment)));
else if (kind === "predict") await predict(Number(args[0] ?? 0));
else if (kind === "model") await writeModel(args[0]!, new Map(args.slice(1).map(splitAssignment)));
else {
  throw new Error(
    `tiny png|tif|zones FILE … | tiny stream NAME=VALUE… | tiny predict | tiny model DIR NAME=VALUE…: got ${kind}`,
  );
}

function splitAssignment(assignment: string): [name: string, value: string] {
  const equals = assignment.indexOf("=");
  return [assignment.slice(0, equals), assignment.slice(equals + 1)];
}

async function writePicture(file: string, rows: string): Promise<void> {
  const { shape, data } = plane(rows, "uint8");
  await Deno.writeFile(
    file,
    encodePng(ndarray("uint8", [...shape, 1], data as Uint8Array<ArrayBuffer>)),
  );
}

async function writeTif(
  file: string,
  rows: string,
  values: ReadonlyMap<string, string>,
): Promise<void> {
  const dtype = (values.get("dtype") ?? "uint8") as DataType;
  const planes = rows.split(";").map((band) => plane(band, dtype));
  const [height = 1, width = 1] = planes[0]!.shape;
  const crs = values.get("crs") ?? "EPSG:32633";
  const code = Number(crs.replace("EPSG:", ""));
  const [x = 600000, y = 5200000] = values.get("corner")?.split(",").map(Number) ?? [];
  const pixel = Number(values.get("pixel") ?? 10);
  const geographic = code === 4326;
  const keys = [
    1024,
    0,
    1,
    geographic ? 2 : 1,
    1025,
    0,
    1,
    1,
    geographic ? 2048 : 3072,
    0,
    1,
    code,
  ];
  using writer = await createGeoTiff(file, {
    width,
    height,
    dtype,
    bands: planes.map((_, band) => ({
      name: values.get("bands")?.split(",")[band] ?? String(band + 1),
      scale: 1,
      offset: 0,
    })),
    nodata: values.has("nodata") ? Number(values.get("nodata")) : null,
    georeference: {
      crs: crs === "none" ? null : crs,
      transform: [x, pixel, 0, y, 0, -pixel],
      geoKeys: crs === "none" ? null : { directory: [1, 1, 0, 3, ...keys], doubles: [], ascii: "" },
      pixelIsPoint: false,
    },
    classes: values.has("classes") ? classesFromNames(values.get("classes")!.split(",")) : null,
    overwrite: true,
  });
  await writer.writeRows(stack(planes));
  await writer.finish();
}

/** Zones by their names, in the pixels of the grid that `tiny tif` has by default. */
async function writeZones(file: string, zones: readonly [string, string][]): Promise<void> {
  const features = zones.map(([name, corners], index) => {
    const numbers = corners.split(",").map(Number);
    const ring = Array.from({ length: numbers.length / 2 }, (_, i) => [
      600000 + 10 * numbers[2 * i]!,
      5200000 - 10 * numbers[2 * i + 1]!,
    ]);
    return {
      type: "Feature",
      properties: { name, number: index + 1 },
      geometry: corners === "" ? null : { type: "Polygon", coordinates: [[...ring, ring[0]]] },
    };
  });
  const crs = { type: "name", properties: { name: "urn:ogc:def:crs:EPSG::32633" } };
  await Deno.writeTextFile(file, JSON.stringify({ type: "FeatureCollection", crs, features }));
}

async function writeStream(values: ReadonlyMap<string, string>): Promise<void> {
  const dtype = (values.get("dtype") ?? "uint16") as DataType;
  const image = values.get("image");
  const arrays: SampleArrays = {
    ...(image === undefined
      ? {}
      : { image: stack(image.split(";").map((rows) => plane(rows, dtype))) }),
    ...Object.fromEntries(
      (["label", "valid", "pred"] as const).flatMap((name) => {
        const rows = values.get(name);
        return rows === undefined ? [] : [[name, plane(rows, "uint8")]];
      }),
    ),
  };
  const [height = 1, width = 1] = Object.values(arrays)[0]!.shape.slice(-2);
  const window = { x: 0, y: 0, width, height };
  const name = values.get("name") ?? "a";
  const scale = Number(values.get("scale") ?? 1);
  const offset = Number(values.get("offset") ?? 0);
  const header: StreamHeader = {
    swath: STREAM_VERSION,
    scene: {
      name,
      source: `${name}.tif`,
      width,
      height,
      georeference: { crs: null, transform: null, geoKeys: null, pixelIsPoint: false },
    },
    grid: { width, height, columns: 1, rows: 1, overlap: 0 },
    samples: 1,
    bands: (values.get("bands")?.split(",") ?? []).map((name) => ({ name, scale, offset })),
    dtype: image === undefined ? null : dtype,
    normalization: null,
    classes: values.has("classes") ? classesFromNames(values.get("classes")!.split(",")) : null,
    output: null,
    history: ["tiny"],
  };
  const info = {
    window,
    core: window,
    position: [0, 0] as const,
    transform: null,
    crs: null,
    validPixels: width * height,
  };
  const writer = createStreamWriter({ write: writeOutput });
  await writer.write({ type: "header", header });
  await writer.write({ type: "sample", sample: { key: sampleKey(name, window), info, arrays } });
  await writer.write({ type: "end", end: { samples: 1, skipped: 0 } });
  await writer.close();
}

async function writeModel(directory: string, values: ReadonlyMap<string, string>): Promise<void> {
  const bands = values.get("bands")!.split(",");
  const classes = classesFromNames(values.get("classes")!.split(","));
  const config = {
    ...variantConfig("b0", { bands: bands.length, classes: classes.length }),
    depths: [1, 1, 1, 1],
    hidden_sizes: [4, 8, 8, 8],
    num_attention_heads: [1, 1, 1, 1],
    decoder_hidden_size: 8,
    ...(values.has("type") && { model_type: values.get("type") }),
    ...(values.has("task") && { architectures: [values.get("task")] }),
  };
  const missing = values.get("without");
  const seed = Number(values.get("seed") ?? 1);
  const parameters = networkParameters(networkFromConfig({ ...config, model_type: "segformer" }))
    .filter(({ name }) => missing === undefined || !name.startsWith(missing));
  await saveModel(directory, {
    config,
    card: {
      ...EMPTY_MODEL_CARD,
      bands,
      classes,
      normalization: values.get("statistics") === "no" ? null : makeNormalization(bands, {
        scale: (values.get("scale") ?? "1").split(",").map(Number),
        mean: [10],
        std: [10],
      }),
    },
    tensors: new Map(parameters.map((spec) => [spec.name, initializeParameter(spec, seed)])),
  });
}

async function predict(milliseconds: number): Promise<void> {
  const predicted = transformStream(readStream(Deno.stdin), (header) => ({
    header: { ...header, dtype: null },
    async transform([sample]) {
      if (milliseconds > 0) await new Promise((resolve) => setTimeout(resolve, milliseconds));
      const { label, valid } = sample!.arrays;
      return [{ ...sample!, arrays: { valid: valid!, pred: label! } }];
    },
  }));
  const writer = createStreamWriter({ write: writeOutput });
  try {
    for await (const item of predicted) await writer.write(item);
    await writer.close();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    // deno-lint-ignore no-console
    console.error(`tiny predict: ${error.message}`);
    Deno.exit(2);
  }
}

async function writeOutput(bytes: Uint8Array): Promise<void> {
  try {
    for (let written = 0; written < bytes.length;) {
      written += await Deno.stdout.write(bytes.subarray(written));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    Deno.exit(0);
  }
}

/** Shape (H, W). */
function plane(rows: string, dtype: DataType): NdArray {
  const numbers = rows.trim().split("/").map((row) => row.trim().split(/\s+/).map(Number));
  const array = ndarray(dtype, [numbers.length, numbers[0]!.length]);
  numbers.flat().forEach((value, index) => array.data[index] = value);
  return array;
}

/** Shape (C, H, W). */
function stack(planes: readonly NdArray[]): NdArray {
  const { dtype, shape, data: { length } } = planes[0]!;
  const data = new TYPED_ARRAY_CONSTRUCTORS[dtype](planes.length * length);
  planes.forEach((plane, band) =>
    plane.data.forEach((value: number | bigint, index: number) => {
      data[band * length + index] = value;
    })
  );
  return ndarray(dtype, [planes.length, ...shape], data);
}
