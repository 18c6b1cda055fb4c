/**
 * Which normalization the options of `swath normalize` ask for.
 *
 * @module
 */
import {
  adaptScale,
  type BandInfo,
  BandStatistics,
  checkBands,
  makeNormalization,
  type Normalization,
  normalizationFromPercentiles,
  normalizationFromPreprocessor,
  normalizationFromStatistics,
  openModel,
  readTextFile,
  type StreamHeader,
  type StreamItem,
} from "../../mod.ts";
import { CommandError } from "../errors.ts";
import type { CommandIo } from "../io.ts";
import { factorOf, watchDivisors } from "../scale.ts";

/** Options that say what to apply. */
export interface NormalizationChoice {
  /** File of statistics, or a model. */
  readonly stats?: string | undefined;
  readonly percentile?: readonly [low: number, high: number] | undefined;
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
  /** Divisors of the stored numbers. */
  readonly scale?: readonly number[] | undefined;
  readonly offset?: readonly number[] | undefined;
}

/** What to do with each segment. */
export interface ChosenNormalization {
  /** The normalization of a segment, whose bands have been checked. */
  choose(header: StreamHeader): Normalization;
  /** False where mean and std do not say what the values are like. */
  readonly watchesRange: boolean;
}

/** Find out what to apply, before the stream is read. */
export async function chooseNormalization(
  choice: NormalizationChoice,
  io: CommandIo,
): Promise<ChosenNormalization> {
  const { stats, percentile, mean, std, scale, offset } = choice;
  watchDivisors(scale, io);
  if (percentile !== undefined && stats === undefined) {
    throw new CommandError(
      "--percentile needs --stats FILE",
      "Fit statistics first: swath tile SCENE… | swath normalize --fit -o stats.json",
    );
  }
  if (stats !== undefined) {
    const load = await loadStatistics(stats, percentile, io);
    return {
      watchesRange: true,
      choose: (header) => fitToBands(load(header.bands), header.bands, choice),
    };
  }
  if ([mean, std, scale, offset].every((values) => values === undefined)) {
    throw new CommandError(
      "Missing what to normalize with: --stats, --mean and --std, or --scale",
      "infer applies a model's own statistics to a raw stream; --fit writes statistics of a stream",
    );
  }
  return {
    watchesRange: mean !== undefined && std !== undefined,
    choose: ({ bands }) =>
      makeNormalization(bands.map(({ name }) => name), {
        scale: bands.map((band) => band.scale),
        offset: bands.map((band) => band.offset),
        ...(mean === undefined ? {} : { mean }),
        ...(std === undefined ? {} : { std }),
      }),
  };
}

/** State the scale and offset of the bands where options do, instead of what the scene says. */
export async function* scaleBands(
  items: AsyncIterable<StreamItem>,
  { scale, offset }: NormalizationChoice,
): AsyncGenerator<StreamItem, void, undefined> {
  for await (const item of items) {
    if (item.type !== "header") {
      yield item;
      continue;
    }
    const names = item.header.bands.map(({ name }) => name);
    const stated = makeNormalization(names, {
      ...(scale === undefined ? {} : { scale: scale.map(factorOf) }),
      ...(offset === undefined ? {} : { offset }),
    });
    const bands = item.header.bands.map((band, index) => ({
      name: band.name,
      scale: scale === undefined ? band.scale : stated.scale[index]!,
      offset: offset === undefined ? band.offset : stated.offset[index]!,
    }));
    yield { ...item, header: { ...item.header, bands } };
  }
}

/** The normalization of a file of statistics or of a model, for bands that it may not name itself. */
async function loadStatistics(
  source: string,
  percentile: readonly [low: number, high: number] | undefined,
  io: CommandIo,
): Promise<(bands: readonly BandInfo[]) => Normalization> {
  if (!source.endsWith(".json")) {
    if (percentile !== undefined) {
      throw new CommandError(
        `--percentile needs a file of statistics: "${source}" is a model`,
        "A model carries no percentiles; fit statistics with `swath normalize --fit`",
      );
    }
    return await loadModel(source);
  }
  const text = await readTextFile(source);
  const statistics = BandStatistics.parse(text, source);
  const { normalization, constantBands } = percentile === undefined
    ? normalizationFromStatistics(statistics)
    : normalizationFromPercentiles(statistics, ...percentile);
  for (const band of constantBands) {
    io.warn(`band ${band} is constant in "${source}": its std of 0 becomes 1`);
  }
  return () => normalization;
}

async function loadModel(source: string): Promise<(bands: readonly BandInfo[]) => Normalization> {
  using model = await openModel(source);
  const { card, preprocessor } = model;
  const { normalization } = card;
  if (normalization !== null) return () => normalization;
  if (preprocessor === null) {
    throw new CommandError(
      `Model "${source}" carries no statistics`,
      "Fit them to the scenes that it was trained on: swath tile SCENE… | swath normalize --fit",
    );
  }
  return (bands) => {
    const names = card.bands ?? bands.map(({ name }) => name);
    return normalizationFromPreprocessor(preprocessor, names, `${source}/preprocessor_config.json`);
  };
}

/** Check that statistics are for these bands on this scale; a scale stated by options wins. */
function fitToBands(
  statistics: Normalization,
  bands: readonly BandInfo[],
  { stats, scale, offset }: NormalizationChoice,
): Normalization {
  const names = bands.map(({ name }) => name);
  const owners = { wants: `"${stats}"` };
  checkBands(statistics.bands, names, owners);
  if (scale === undefined && offset === undefined) {
    return { ...adaptScale(statistics, bands, owners), bands: names };
  }
  // What neither the options nor the scene states is as in the statistics.
  return {
    ...statistics,
    bands: names,
    scale: bands.map((band, index) =>
      scale === undefined && band.scale === 1 ? statistics.scale[index]! : band.scale
    ),
    offset: bands.map((band, index) =>
      offset === undefined && band.offset === 0 ? statistics.offset[index]! : band.offset
    ),
  };
}
