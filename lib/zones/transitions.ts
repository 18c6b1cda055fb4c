/**
 * What became of what: two class maps of the same pixels, before and after.
 *
 * @module
 */
import { type ClassInfo, IGNORE_LABEL } from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import { openCrs, pixelAreas } from "../geo/mod.ts";
import { type NdArray, ndarray } from "../array/mod.ts";
import type { RasterReader } from "../raster/mod.ts";
import { checkLabelRaster, type RowSink } from "../tiling/mod.ts";
import { ClassCounter, type ClassCounts } from "./class_counts.ts";
import type { PlacedZone, PlacedZones } from "./placed_zones.ts";
import { classCodes, eachStrip, stripRowsFor } from "./strips.ts";

/** Classes of maps are below this, so that a pair of them is one number. */
const MOST_CLASSES = 256;

/** Pixels that were of one class and are of another, or of the same. */
export interface Transition {
  /** Class before. */
  readonly from: number;
  /** Class after. */
  readonly to: number;
  /** Pixels, each by the share that the zone covers. */
  readonly pixels: number;
  /** Square metres; pixels where the map does not say where it lies. */
  readonly area: number;
}

/** Transitions of a zone, or of the whole map. */
export interface ZoneTransitions {
  /** The zone; null for the whole map. */
  readonly zone: PlacedZone | null;
  /** Pixels that have a class before and after. */
  readonly pixels: number;
  /** Square metres of these. */
  readonly area: number;
  /** Pixels that lack a class before or after. */
  readonly missing: number;
  /** What is there, by class before and then by class after. */
  readonly transitions: readonly Transition[];
}

/** What a class lost and won. */
export interface ClassChange {
  /** Number of the class. */
  readonly class: number;
  /** Its area before, in the unit of the transitions. */
  readonly before: number;
  /** Its area after. */
  readonly after: number;
  /** What it was before and is no more. */
  readonly loss: number;
  /** What it is and was not before. */
  readonly gain: number;
}

/** Options of {@linkcode countTransitions}. */
export interface TransitionOptions {
  /** Zones to count in, laid over the maps; the whole map where left out. */
  readonly placed?: PlacedZones;
  /** CRS of the maps, where they have none. */
  readonly crs?: string;
  /** Called with the rows done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Check that two maps can be compared, and agree on their classes.
 *
 * @param before The earlier map.
 * @param after The later map.
 * @returns Classes of both; null where neither names them.
 * @throws {InputError} If they do not lie on one another, or name their classes differently.
 */
export function commonClasses(
  { info: before }: RasterReader,
  { info: after }: RasterReader,
): readonly ClassInfo[] | null {
  checkLabelRaster(before, after, { labels: "The pixels of", ofScene: "that of the map before" });
  const [one, other] = [before.classes, after.classes];
  if (one === null || other === null) return one ?? other;
  for (let number = 0; number < Math.min(one.length, other.length); number++) {
    const [a, b] = [one[number]!.name, other[number]!.name];
    if (a !== b && a !== "" && b !== "") {
      throw new InputError(
        `Cannot compare "${before.source}" and "${after.source}": class ${number} is ${a} before and ${b} after`,
        { hint: "If the numbers mean the same all the same, name them: --classes NAMES" },
      );
    }
  }
  return one.length >= other.length ? one : other;
}

/**
 * Count what became of what.
 *
 * @param before The earlier map.
 * @param after The later map, of the same pixels.
 * @param options Zones, and progress.
 * @returns Transitions of each zone, or of the whole map.
 * @throws {InputError} If a map is damaged, or holds what is no class below 256.
 */
export async function countTransitions(
  before: RasterReader,
  after: RasterReader,
  options: TransitionOptions = {},
): Promise<ZoneTransitions[]> {
  const { placed, onProgress } = options;
  const { width, height, georeference: { transform, crs: own }, block } = before.info;
  const crs = own ?? options.crs;
  const known = crs !== undefined && transform !== null;
  const areas = placed?.pixelAreas ??
    (known ? await pixelAreas(await openCrs(crs), transform, height) : 1);
  const counter = new ClassCounter(areas);
  const seen = new SeenPairs();
  const blockRows = Math.max(block.height, after.info.block.height);
  const stripRows = placed?.stripRows ?? stripRowsFor(width, blockRows, 2);
  await eachStrip(before, stripRows, async (y, rows) => {
    const { codes, valid } = await pairCodes(before, after, y, rows);
    seen.number(codes, valid);
    if (placed === undefined) {
      counter.add(wholeRows(y, rows, width), codes, valid, y, width);
    } else {
      for (const runs of placed.runs.take(y / stripRows)) {
        counter.add(runs, codes, valid, y, width);
      }
    }
  }, onProgress);
  if (placed === undefined) return [summarize(null, counter.counts(0), seen)];
  return placed.zones.map((zone, i) => summarize(zone, counter.counts(i), seen));
}

/** All pixels of a strip as one zone. */
function wholeRows(top: number, rows: number, width: number) {
  const fields = new Uint32Array(4 * rows);
  for (let row = 0; row < rows; row++) fields.set([0, top + row, 0, width], 4 * row);
  return { count: rows, fields, shares: new Float64Array(rows).fill(1) };
}

/** Pairs of classes as numbers, and where both maps have data. */
async function pairCodes(before: RasterReader, after: RasterReader, y: number, height: number) {
  const window = { x: 0, y, width: before.info.width, height };
  const [one, other] = await Promise.all([before.read(window, [0]), after.read(window, [0])]);
  const from = classCodes(one.image, one.valid.data, before.info.source);
  const to = classCodes(other.image, other.valid.data, after.info.source);
  const codes = new Uint16Array(from.length);
  const valid = new Uint8Array(from.length);
  for (let i = 0; i < codes.length; i++) {
    if (one.valid.data[i] === 0 || other.valid.data[i] === 0) continue;
    if (from[i]! >= MOST_CLASSES || to[i]! >= MOST_CLASSES) {
      const [info, value] = from[i]! >= MOST_CLASSES ? [before.info, from[i]] : [after.info, to[i]];
      throw new InputError(
        `Cannot compare the classes of ${
          JSON.stringify(info.source)
        }: it holds ${value}, and classes are below ${MOST_CLASSES}`,
      );
    }
    codes[i] = from[i]! * MOST_CLASSES + to[i]!;
    valid[i] = 1;
  }
  return { codes, valid };
}

/** Pairs of classes in the order in which they come, so that zones keep no room for the others. */
class SeenPairs {
  readonly #numbers = new Int32Array(MOST_CLASSES ** 2).fill(-1);
  /** The pairs by their number. */
  readonly pairs: number[] = [];

  /** Put numbers in the place of pairs. */
  number(codes: Uint16Array, valid: Uint8Array): void {
    for (let i = 0; i < codes.length; i++) {
      if (valid[i] === 0) continue;
      const pair = codes[i]!;
      if (this.#numbers[pair] === -1) {
        this.#numbers[pair] = this.pairs.length;
        this.pairs.push(pair);
      }
      codes[i] = this.#numbers[pair]!;
    }
  }
}

function summarize(
  zone: PlacedZone | null,
  counts: ClassCounts,
  { pairs }: SeenPairs,
): ZoneTransitions {
  const transitions: Transition[] = [];
  let [pixels, area] = [0, 0];
  counts.pixels.forEach((count, number) => {
    if (count === 0) return;
    const ground = counts.area[number]!;
    transitions.push({
      from: Math.floor(pairs[number]! / MOST_CLASSES),
      to: pairs[number]! % MOST_CLASSES,
      pixels: count,
      area: ground,
    });
    pixels += count;
    area += ground;
  });
  transitions.sort((a, b) => a.from - b.from || a.to - b.to);
  return { zone, pixels, area, missing: counts.missingPixels, transitions };
}

/**
 * What each class lost and won.
 *
 * @param transitions Transitions of a zone.
 * @returns By number of the class, for those that are there before or after.
 */
export function classChanges(transitions: readonly Transition[]): ClassChange[] {
  const changes = new Map<number, { before: number; after: number; loss: number; gain: number }>();
  const entry = (number: number) => {
    const found = changes.get(number) ?? { before: 0, after: 0, loss: 0, gain: 0 };
    changes.set(number, found);
    return found;
  };
  for (const { from, to, area } of transitions) {
    entry(from).before += area;
    entry(to).after += area;
    if (from !== to) {
      entry(from).loss += area;
      entry(to).gain += area;
    }
  }
  return [...changes].map(([number, change]) => ({ class: number, ...change }))
    .sort((a, b) => a.class - b.class);
}

/** Numbers of a change map: 0 is what stayed, the others are transitions. */
export interface ChangeLegend {
  /** Names and colours in order of number. */
  readonly classes: readonly ClassInfo[];
  /** Number of each pair of classes, at class before × 256 + class after. */
  readonly numbers: Uint8Array;
}

/** Numbers for transitions; one more stands for all that are rarer. */
const MOST_TRANSITIONS = 252;
const UNCHANGED_COLOR = "#d9d9d9";
const OTHER_COLOR = "#000000";

/**
 * Number the transitions of a map, the largest first.
 *
 * @param transitions Transitions of the whole map.
 * @param classes Names and colours; null where there are none.
 * @returns The legend: each transition has the colour of the class after.
 */
export function changeLegend(
  transitions: readonly Transition[],
  classes: readonly ClassInfo[] | null,
): ChangeLegend {
  const name = (number: number) => classes?.[number]?.name || String(number);
  const changed = transitions.filter(({ from, to }) => from !== to)
    .toSorted((a, b) => b.pixels - a.pixels || a.from - b.from || a.to - b.to);
  const shown = changed.slice(0, MOST_TRANSITIONS);
  const entries: ClassInfo[] = [{ name: "unchanged", color: UNCHANGED_COLOR }];
  const numbers = new Uint8Array(MOST_CLASSES ** 2);
  for (const { from, to } of shown) {
    numbers[from * MOST_CLASSES + to] = entries.length;
    entries.push({
      name: `${name(from)} → ${name(to)}`,
      color: classes?.[to]?.color ?? OTHER_COLOR,
    });
  }
  if (changed.length > shown.length) {
    for (const { from, to } of changed.slice(MOST_TRANSITIONS)) {
      numbers[from * MOST_CLASSES + to] = entries.length;
    }
    entries.push({ name: "other changes", color: OTHER_COLOR });
  }
  return { classes: entries, numbers };
}

/**
 * Write the change map: a number for each transition, 255 where a map has no data.
 *
 * @param before The earlier map.
 * @param after The later map.
 * @param legend Numbers of the transitions.
 * @param sink Takes the rows.
 * @param onProgress Called with the rows done.
 */
export async function writeChangeMap(
  before: RasterReader,
  after: RasterReader,
  { numbers }: ChangeLegend,
  sink: RowSink,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  const { width, block } = before.info;
  const stripRows = stripRowsFor(width, Math.max(block.height, after.info.block.height), 2);
  await eachStrip(before, stripRows, async (y, rows) => {
    const { codes, valid } = await pairCodes(before, after, y, rows);
    const map: NdArray<"uint8"> = ndarray("uint8", [1, rows, width]);
    for (let i = 0; i < codes.length; i++) {
      map.data[i] = valid[i] === 0 ? IGNORE_LABEL : numbers[codes[i]!]!;
    }
    await sink.writeRows(map);
  }, onProgress);
}
