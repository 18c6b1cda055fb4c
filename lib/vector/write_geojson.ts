/**
 * GeoJSON as RFC 7946 wants it: WGS 84, outer rings counter-clockwise, a feature a line.
 *
 * @module
 */
import type { AtomicFile } from "../files/mod.ts";
import { type Geometry, type Ring, signedDoubleArea } from "../geo/mod.ts";
import type { FeatureSink, LayerSpec } from "./feature_sink.ts";

/** Decimals of a degree: 0.1 mm. */
const DECIMALS = 9;

/**
 * Begin a GeoJSON file.
 *
 * @param file Where it goes.
 * @param spec What it holds; coordinates are longitude and latitude already.
 */
export async function createGeoJson(
  file: AtomicFile,
  { name, fields }: LayerSpec,
): Promise<FeatureSink> {
  const encoder = new TextEncoder();
  const write = (text: string) => file.write(encoder.encode(text));
  let first = true;
  await write(`{"type":"FeatureCollection","name":${JSON.stringify(name)},"features":[\n`);
  return {
    async write({ geometry, properties }) {
      const feature = {
        type: "Feature",
        properties: Object.fromEntries(fields.map(({ name }) => [name, properties[name] ?? null])),
        geometry: geometry === null ? null : rightHanded(geometry),
      };
      await write(`${first ? "" : ",\n"}${JSON.stringify(feature, rounded)}`);
      first = false;
    },
    finish: () => write("\n]}\n"),
  };
}

function rightHanded(geometry: Geometry): Geometry {
  switch (geometry.type) {
    case "Polygon":
      return { type: "Polygon", coordinates: turned(geometry.coordinates) };
    case "MultiPolygon":
      return { type: "MultiPolygon", coordinates: geometry.coordinates.map(turned) };
    case "GeometryCollection":
      return { type: "GeometryCollection", geometries: geometry.geometries.map(rightHanded) };
    default:
      return geometry;
  }
}

function turned(rings: readonly Ring[]): Ring[] {
  return rings.map((ring, i) =>
    signedDoubleArea(ring) < 0 === (i === 0) ? ring.toReversed() : ring
  );
}

/** Coordinates without digits that say nothing; attributes as they are. */
function rounded(this: unknown, _key: string, value: unknown): unknown {
  return typeof value === "number" && Array.isArray(this) ? Number(value.toFixed(DECIMALS)) : value;
}
