/**
 * Whether the shards of a data set go together, and whether two data sets are separate.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { InputError } from "../errors.ts";
import { abbreviateList } from "../text/mod.ts";
import type { CommonHeader, DataSet, DataSetReader, LabelCounts, Shard } from "./data_set.ts";
import { gapBetween, neighbourhood, type Place } from "./neighbours.ts";

/**
 * What all segments agree on.
 *
 * @throws {InputError} If they do not; it names both files and what differs.
 */
export function commonHeader(shards: readonly Shard[]): CommonHeader {
  const headers = shards.flatMap(({ path, index }) =>
    index.headers.map((header) => ({ path, header }))
  );
  const first = headers[0]!;
  for (const { path, header } of headers) checkAgreement(first.header, first.path, header, path);
  const { bands, dtype, normalization, classes } = first.header;
  return { bands, dtype, normalization, classes };
}

/** Refuse samples that go by the same name. */
export function checkKeys(shards: readonly Shard[]): void {
  const paths = new Map<string, string>();
  for (const { path, index } of shards) {
    for (const { key } of index.samples) {
      const other = paths.get(key);
      if (other !== undefined) {
        const where = other === path
          ? `twice in ${JSON.stringify(path)}`
          : `in ${JSON.stringify(other)} and in ${JSON.stringify(path)}`;
        throw new InputError(`Cannot use sample "${key}" as it comes ${where}`, {
          hint: "Scenes of one data set need names of their own, and each shard may be given once",
        });
      }
      paths.set(key, path);
    }
  }
}

/** SHA-256 over the keys, and the lengths and checksums of the arrays. */
export function fingerprintOf(shards: readonly Shard[]): string {
  const hash = createHash("sha256");
  for (const { index } of shards) {
    for (const { key, arrays } of index.samples) {
      const contents = Object.entries(arrays)
        .map(([name, { length, expected }]) => [name, length, expected?.crc32 ?? null]);
      hash.update(JSON.stringify([key, contents]));
    }
  }
  return hash.digest("hex");
}

/**
 * Count the labels of a data set, where there is data.
 *
 * @returns Pixels with each label from 0 to 255.
 * @throws {InputError} If a sample has no image or label, or a label that no class has; it names the
 * sample, the label and its place.
 */
export async function countLabels(
  set: DataSet,
  reader: DataSetReader,
  classCount: number,
  ignoreIndex: number,
): Promise<LabelCounts> {
  const labelCounts = Array<number>(256).fill(0);
  const labelAreas = Array<number>(256).fill(0);
  for (const [sample, { shard, number }] of set.samples.entries()) {
    const { path, index } = set.shards[shard]!;
    const { key, arrays: places } = index.samples[number]!;
    for (const name of ["image", "label"] as const) {
      if (places[name] !== undefined) continue;
      throw new InputError(
        `Cannot train on sample "${key}" of ${JSON.stringify(path)} as it has no ${name}`,
        name === "label" ? { hint: "Give labels: swath tile SCENE --labels TRUTH" } : {},
      );
    }
    const { label, valid } = (await reader.read(sample, ["label", "valid"])).arrays;
    const labels = label!.data as Uint8Array;
    const mask = valid?.data as Uint8Array | undefined;
    const counts = new Float64Array(256);
    for (let i = 0; i < labels.length; i++) {
      if (mask !== undefined && mask[i] === 0) continue;
      const value = labels[i]!;
      if (value >= classCount && value !== ignoreIndex) {
        const width = label!.shape[1]!;
        throw new InputError(
          `Cannot train on label ${value} at row ${Math.floor(i / width)}, column ${
            i % width
          } of sample "${key}" in ${JSON.stringify(path)}: expected 0 to ${
            classCount - 1
          }, or ${ignoreIndex} for pixels to leave out`,
        );
      }
      counts[value]!++;
    }
    const area = counts.reduce(
      (sum, count, value) => value < classCount && value !== ignoreIndex ? sum + count : sum,
      0,
    );
    counts.forEach((count, value) => {
      labelCounts[value]! += count;
      if (count > 0) labelAreas[value]! += area;
    });
  }
  return { labelCounts, labelAreas };
}

/**
 * Check that validation data is not training data.
 *
 * @param train Data to train on.
 * @param val Data to validate on.
 * @returns How many pairs of samples, one of each, share pixels of the same scene: a reason to warn.
 * @throws {InputError} If a sample is in both, or bands, element type, normalization or classes
 * differ.
 */
export function checkSeparate(train: DataSet, val: DataSet): number {
  checkAgreement(train.header, train.shards[0]!.path, val.header, val.shards[0]!.path);
  const trainPlaces = placesOf(train);
  const valPlaces = placesOf(val);
  const paths = new Map(trainPlaces.map(({ key, path }) => [key, path]));
  const shared = valPlaces.filter(({ key }) => paths.has(key));
  if (shared.length > 0) {
    const { key, path } = shared[0]!;
    const share = shared.length === valPlaces.length ? "all" : `${shared.length} of`;
    throw new InputError(
      `Cannot validate on the data that is trained on: ${share} ${valPlaces.length} validation samples are training samples too, such as "${key}" in ${
        JSON.stringify(path)
      } and ${JSON.stringify(paths.get(key))}`,
      { hint: "Divide the samples with: swath split" },
    );
  }
  const neighbours = neighbourhood([...trainPlaces, ...valPlaces], 0);
  return valPlaces.reduce((overlaps, place) => {
    const near = [...neighbours(place)].map((index) => trainPlaces[index]);
    return overlaps +
      near.filter((other) => other !== undefined && gapBetween(place.window, other.window) < 0)
        .length;
  }, 0);
}

/** Where the samples of a data set lie. Dates of the same ground may be compared, so planes are scenes. */
function placesOf(set: DataSet): (Place & { readonly path: string })[] {
  return set.shards.flatMap(({ path, index }) =>
    index.samples.map(({ key, info, segment }) => {
      const scene = index.headers[segment]!.scene;
      const plane = scene === null ? `sample ${key}` : `scene ${scene.name}`;
      return { key, plane, window: info.window, path };
    })
  );
}

/** Refuse headers that differ. */
function checkAgreement(
  a: CommonHeader,
  pathA: string,
  b: CommonHeader,
  pathB: string,
): void {
  const difference = differenceOf(a, b);
  if (difference === null) return;
  const [what, inA, inB] = difference;
  const where = pathA === pathB
    ? `within ${JSON.stringify(pathA)}`
    : `of ${JSON.stringify(pathA)} and ${JSON.stringify(pathB)}`;
  throw new InputError(`Cannot use samples ${where} together as ${what} differ: ${inA} and ${inB}`);
}

/** What differs, and what it is on either side. */
function differenceOf(a: CommonHeader, b: CommonHeader): [string, string, string] | null {
  const bands = (header: CommonHeader) => header.bands.map(({ name }) => name);
  const classes = (header: CommonHeader) => header.classes?.map(({ name }) => name) ?? null;
  const list = (names: readonly string[] | null) =>
    names === null ? "none" : `${names.length} (${abbreviateList(names)})`;
  if (bands(a).join("\n") !== bands(b).join("\n")) {
    return ["bands", list(bands(a)), list(bands(b))];
  }
  if (a.dtype !== b.dtype) {
    return ["element types", a.dtype ?? "no image", b.dtype ?? "no image"];
  }
  const statistics = ({ normalization }: CommonHeader) => {
    if (normalization === null) return "none";
    const { mean, std, clip } = normalization;
    return `mean ${mean.join(", ")}; std ${std.join(", ")}; clip ${clip?.join(" to ") ?? "none"}`;
  };
  if (statistics(a) !== statistics(b)) return ["normalizations", statistics(a), statistics(b)];
  // Stored numbers must mean the same; what is normalized has left its scale behind.
  const scaling = ({ bands, normalization }: CommonHeader) =>
    (normalization === null ? bands : []).map(({ scale, offset }) => `${scale} and ${offset}`);
  const band = scaling(a).findIndex((text, index) => text !== scaling(b)[index]);
  if (band >= 0) {
    const name = a.bands[band]!.name;
    return [`scale and offset of band ${name}`, scaling(a)[band]!, scaling(b)[band]!];
  }
  if (classes(a)?.join("\n") !== classes(b)?.join("\n")) {
    return ["classes", list(classes(a)), list(classes(b))];
  }
  return null;
}
