/**
 * Charts of zones: the shares of their classes as bars, and one figure as a map.
 *
 * @module
 */
import { type ClassInfo, classPalette } from "../classes/mod.ts";
import { InputError } from "../errors.ts";
import { type Geometry, openCrs, polygonsOf } from "../geo/mod.ts";
import type { ChartSpec } from "../image/mod.ts";
import { abbreviateList, nearMiss } from "../text/mod.ts";
import { openFeatures } from "../vector/mod.ts";

/** Zones with the figures that they have as attributes. */
export interface ZoneFigures {
  /** Where they were read from. */
  readonly source: string;
  /** A name, its attributes and its outline for each zone. */
  readonly zones: readonly {
    readonly name: string;
    readonly figures: Readonly<Record<string, unknown>>;
    readonly geometry: Geometry | null;
  }[];
  /** Attributes that are shares of classes, `<class>_share`, and the classes that they are of. */
  readonly shares: readonly (ClassInfo & { readonly attribute: string })[];
  /** True where outlines are in degrees. */
  readonly geographic: boolean;
}

/** Attributes that name a zone, in the order of preference; the first of text otherwise. */
const LABELS = ["name", "nom", "label", "title", "zone", "id"];
/** Shares that are of no class. */
const OTHER_SHARES = ["inside_share", "valid_share"];
const SHARE = /_share$/;
/** Zones up to which a map has their names on it. */
const NAMED_ZONES = 40;

/**
 * Read zones with figures, as `swath stats` writes them.
 *
 * @param path A vector file.
 * @param classes Names and colours of the classes; those of the attributes with default colours where left out.
 * @param label Attribute that names the zones.
 * @throws {InputError} If it cannot be read, or has no zones.
 */
export async function readZoneFigures(
  path: string,
  classes: readonly ClassInfo[] | null = null,
  label?: string,
): Promise<ZoneFigures> {
  using reader = await openFeatures(path);
  const found: {
    id: string | number | null;
    properties: Record<string, unknown>;
    geometry: Geometry | null;
  }[] = [];
  for await (const { id, properties, geometry } of reader.features()) {
    found.push({ id, properties, geometry });
  }
  const attributes = [...new Set(found.flatMap(({ properties }) => Object.keys(properties)))];
  if (found.length === 0) {
    throw new InputError(`Cannot plot ${JSON.stringify(path)} as it has no zones`);
  }
  if (label !== undefined && !attributes.includes(label)) {
    throw noAttribute(path, label, attributes);
  }
  const named = label ??
    LABELS.map((wanted) => attributes.find((name) => name.toLowerCase() === wanted)).find((name) =>
      name !== undefined
    ) ??
    attributes.find((name) =>
      found.every(({ properties }) => typeof properties[name] === "string")
    );
  const shares = attributes.filter((name) => SHARE.test(name) && !OTHER_SHARES.includes(name));
  const colors = classPalette(shares.length);
  return {
    source: path,
    zones: found.map(({ id, properties, geometry }, index) => ({
      name: String((named === undefined ? id : properties[named]) ?? id ?? index + 1),
      figures: properties,
      geometry,
    })),
    shares: shares.map((attribute, index) => {
      const name = attribute.replace(SHARE, "");
      const own = classes?.find((one) => foldLabel(one.name) === foldLabel(name));
      return {
        name: own?.name ?? name.replaceAll("_", " "),
        color: own?.color ?? colors[index]!,
        attribute,
      };
    }),
    geographic: reader.crs !== null && (await openCrs(reader.crs, JSON.stringify(path))).geographic,
  };
}

/**
 * The shares of the classes of every zone as stacked bars; see `drawChart`.
 *
 * @param figures Zones with shares of classes.
 * @throws {InputError} If they have none.
 */
export function sharesChart(figures: ZoneFigures): ChartSpec {
  const rows = zoneShares(figures);
  const present = figures.shares.filter(({ name }) => rows.some((row) => row.class === name));
  return {
    width: 560,
    height: { step: 26 },
    data: { values: rows },
    layer: [
      {
        mark: { type: "bar", stroke: "white", strokeWidth: 1 },
        encoding: {
          y: { field: "zone", type: "nominal", sort: null, title: null, axis: { labelLimit: 220 } },
          x: {
            field: "from",
            type: "quantitative",
            title: "share",
            axis: { format: ".0%" },
            scale: { domain: [0, 1] },
          },
          x2: { field: "to" },
          color: {
            field: "class",
            type: "nominal",
            sort: null,
            title: null,
            scale: {
              domain: present.map(({ name }) => name),
              range: present.map(({ color }) => color),
            },
            legend: {
              orient: "bottom",
              columns: 4,
              symbolStrokeColor: "#1d1d22",
              symbolStrokeWidth: 0.5,
              labelLimit: 200,
            },
          },
        },
      },
      {
        // Shares are told apart without colours by their place and number.
        transform: [{ filter: "datum.to - datum.from >= 0.07" }, {
          calculate: "(datum.from + datum.to) / 2",
          as: "middle",
        }],
        mark: { type: "text", fontSize: 10 },
        encoding: {
          y: { field: "zone", type: "nominal", sort: null },
          x: { field: "middle", type: "quantitative" },
          text: { field: "label" },
          color: { condition: { test: "datum.dark", value: "white" }, value: "#1d1d22" },
        },
      },
    ],
    config: { view: { stroke: null } },
  };
}

/** A part of the bar of a zone. */
export interface ZoneShare {
  /** Name of the zone. */
  readonly zone: string;
  /** Name of the class. */
  readonly class: string;
  /** Where the part begins, from 0 to 1. */
  readonly from: number;
  /** Where it ends. */
  readonly to: number;
  /** Percent, as text. */
  readonly label: string;
  /** True if text on its colour is to be light. */
  readonly dark: boolean;
}

/**
 * The parts of the bars of all zones.
 *
 * @param figures Zones with shares of classes.
 * @throws {InputError} If they have none.
 */
export function zoneShares({ source, zones, shares }: ZoneFigures): ZoneShare[] {
  if (shares.length === 0) {
    throw new InputError(
      `Cannot plot shares of ${JSON.stringify(source)} as no attribute is called <class>_share`,
      { hint: "swath stats MAP --zones FILE -o zones.geojson writes them" },
    );
  }
  return zones.flatMap(({ name, figures }) => {
    let from = 0;
    return shares.flatMap(({ name: className, color, attribute }): ZoneShare[] => {
      const share = Number(figures[attribute] ?? 0);
      if (!(share > 0)) return [];
      const [start, to] = [from, from + share];
      from = to;
      const label = `${(100 * share).toFixed(0)}`;
      return [{ zone: name, class: className, from: start, to, label, dark: isDark(color) }];
    });
  });
}

/**
 * One figure of the zones as a map of colours; see `drawChart`.
 *
 * @param figures Zones with outlines.
 * @param attribute Which figure.
 * @throws {InputError} If no zone has it, or it is no number, or there are no outlines.
 */
export function choroplethChart(figures: ZoneFigures, attribute: string): ChartSpec {
  const { source, zones, geographic } = figures;
  const attributes = [...new Set(zones.flatMap((zone) => Object.keys(zone.figures)))];
  if (!attributes.includes(attribute)) throw noAttribute(source, attribute, attributes);
  if (!zones.some((zone) => typeof zone.figures[attribute] === "number")) {
    throw new InputError(
      `Cannot plot ${JSON.stringify(attribute)} of ${JSON.stringify(source)} as it is no number`,
    );
  }
  const outlines = zones.map(({ geometry }) => geometry === null ? [] : polygonsOf(geometry));
  const positions = outlines.flat(3);
  if (positions.length === 0) {
    throw new InputError(
      `Cannot draw ${JSON.stringify(source)} as a map as its zones have no outlines`,
    );
  }
  const ys = positions.map(([, y]) => y!);
  const [south, north] = [min(ys), max(ys)];
  // Degrees of longitude are shorter than those of latitude.
  const stretch = geographic ? Math.cos((south + north) / 2 * Math.PI / 180) : 1;
  const xs = positions.map(([x]) => x! * stretch);
  const shape = (max(xs) - min(xs)) / Math.max(1e-12, north - south);
  const [width, height] = shape > 1 ? [560, 560 / shape] : [560 * shape, 560];
  const features = zones.map(({ name, figures: own }, index) => {
    const value = own[attribute];
    return {
      type: "Feature",
      geometry: {
        type: "MultiPolygon",
        coordinates: outlines[index]!.map((rings) =>
          rings.map((ring) => ring.map(([x, y]) => [x! * stretch, y!]))
        ),
      },
      properties: {
        name,
        value: typeof value === "number" ? value : null,
        label: typeof value === "number" ? format(value, attribute) : "–",
        middle: middleOf(outlines[index]!),
      },
    };
  });
  const values = features.flatMap(({ properties: { value } }) => value === null ? [] : [value]);
  const limit = (min(values) + max(values)) / 2;
  const projection = { type: "identity", reflectY: true };
  const label = (field: string, dy: number) => ({
    mark: { type: "text", fontSize: 10.5, dy },
    encoding: {
      longitude: { field: "properties.middle[0]", type: "quantitative" },
      latitude: { field: "properties.middle[1]", type: "quantitative" },
      text: { field: `properties.${field}` },
      color: {
        condition: {
          test: `isNumber(datum.properties.value) && datum.properties.value > ${limit}`,
          value: "white",
        },
        value: "#1d1d22",
      },
    },
  });
  const withStretch = features.map((feature) => ({
    ...feature,
    properties: {
      ...feature.properties,
      middle: [feature.properties.middle[0] * stretch, feature.properties.middle[1]],
    },
  }));
  return {
    width,
    height,
    projection,
    // Zones without an outline have no place.
    data: { values: withStretch.filter((_, index) => outlines[index]!.length > 0) },
    layer: [
      {
        mark: { type: "geoshape", stroke: "#1d1d22", strokeWidth: 0.8 },
        encoding: {
          color: {
            field: "properties.value",
            type: "quantitative",
            title: attribute,
            scale: { scheme: "blues" },
            legend: { ...(SHARE.test(attribute) ? { format: ".0%" } : {}), titleLimit: 220 },
            condition: { test: "!isNumber(datum.properties.value)", value: "#eeeeee" },
          },
        },
      },
      ...(zones.length > NAMED_ZONES ? [] : [label("name", -6), label("label", 7)]),
    ],
    config: { view: { stroke: null } },
  };
}

function format(value: number, attribute: string): string {
  return SHARE.test(attribute)
    ? `${(100 * value).toFixed(1)} %`
    : Number(value.toPrecision(3)).toString();
}

/** The middle of the largest outline's box. */
function middleOf(
  polygons: readonly (readonly (readonly (readonly number[])[])[])[],
): [number, number] {
  let best: [number, number] = [0, 0];
  let largest = -1;
  for (const [outer] of polygons) {
    const xs = outer!.map(([x]) => x!);
    const ys = outer!.map(([, y]) => y!);
    const size = (max(xs) - min(xs)) * (max(ys) - min(ys));
    if (size <= largest) continue;
    largest = size;
    best = [(max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2];
  }
  return best;
}

function min(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Infinity);
}

function max(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), -Infinity);
}

function noAttribute(path: string, name: string, attributes: readonly string[]): InputError {
  const near = nearMiss(name, attributes);
  return new InputError(
    `Cannot plot ${JSON.stringify(name)} of ${
      JSON.stringify(path)
    } as no zone has it: expected one of ${abbreviateList(attributes, 20)}`,
    near === null ? {} : { hint: `Did you mean "${near}"?` },
  );
}

function foldLabel(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "_");
}

function isDark(color: string): boolean {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16)) as [
    number,
    number,
    number,
  ];
  return 0.299 * r + 0.587 * g + 0.114 * b < 130;
}
