/**
 * GeoJSON (RFC 7946): collections, single features and geometries, newline-delimited, text sequences.
 *
 * @module
 */
import { WGS84 } from "../geo/mod.ts";
import { type Feature, type FeatureReader, type FieldValue, VectorFault } from "./feature.ts";
import { geometryFromJson, isGeometryType } from "./geojson_geometry.ts";
import { type JsonPiece, jsonPieces, parseJson } from "./json_elements.ts";

/** Gives the bytes of the file from its start, each time it is called. */
export type OpenChunks = () => AsyncIterable<Uint8Array>;

/**
 * Open a GeoJSON file.
 *
 * It is gone through once at first: the member `crs`, which older files have, may follow the features.
 *
 * @param path The file as it was named.
 * @param chunks Its bytes.
 * @throws {VectorFault} If it is no GeoJSON, or its CRS is one that cannot be told.
 */
export async function openGeoJson(path: string, chunks: OpenChunks): Promise<FeatureReader> {
  let crs: string | null = WGS84;
  let [count, objects] = [0, 0];
  let members = new Map<string, string>();
  for await (const piece of jsonPieces(chunks())) {
    if (piece.type === "element") count++;
    else if (piece.type === "member") {
      if (piece.key === "crs") crs = crsMember(piece.text);
      if (piece.key === "type") members.set(piece.key, piece.text);
      else members.set(piece.key, "");
    } else {
      if (!piece.isObject) {
        throw new VectorFault(
          "it is no GeoJSON object: expected GeoJSON, GeoPackage, FlatGeobuf or a shapefile",
        );
      }
      if (kindOf(members) !== "collection") count++;
      members = new Map();
      objects++;
    }
  }
  if (objects === 0) throw new VectorFault("it is empty");
  return {
    path,
    format: objects > 1 ? "newline-delimited GeoJSON" : "GeoJSON",
    layer: null,
    crs,
    fields: null,
    count,
    idField: null,
    features: () => readFeatures(jsonPieces(chunks())),
    close() {},
    [Symbol.dispose]() {},
  };
}

async function* readFeatures(
  pieces: AsyncIterable<JsonPiece>,
): AsyncGenerator<Feature, void, undefined> {
  let members = new Map<string, string>();
  let number = 0;
  for await (const piece of pieces) {
    if (piece.type === "element") {
      number++;
      const value = parseJson(piece.text, `feature ${number}`);
      yield featureFrom(value, number);
    } else if (piece.type === "member") {
      members.set(piece.key, piece.text);
    } else {
      const kind = kindOf(members);
      if (kind !== "collection") {
        number++;
        const value = Object.fromEntries(
          [...members].map(([key, text]) => [key, parseJson(text, `member "${key}"`)]),
        );
        yield kind === "feature"
          ? featureFrom(value, number)
          : featureFrom({ type: "Feature", geometry: value }, number);
      }
      members = new Map();
    }
  }
}

/** What a top-level object is. */
function kindOf(members: ReadonlyMap<string, string>): "collection" | "feature" | "geometry" {
  const type = parseJson(members.get("type") ?? "null", 'member "type"');
  if (type === "FeatureCollection") return "collection";
  if (type === "Feature") return "feature";
  if (isGeometryType(type)) return "geometry";
  if (type === "Topology") {
    throw new VectorFault("it is TopoJSON, which is not read", {
      hint: "Turn it into GeoJSON first: topo2geo LAYER=zones.geojson < topology.json",
    });
  }
  throw new VectorFault(
    `it is JSON, but no GeoJSON: its type is ${
      type === null ? "missing" : JSON.stringify(type)
    }, expected FeatureCollection, Feature or a geometry`,
  );
}

function featureFrom(value: unknown, number: number): Feature {
  if (typeof value !== "object" || value === null) {
    throw new VectorFault(`feature ${number} is ${JSON.stringify(value)}, not an object`);
  }
  const { type, id, geometry, properties } = value as Record<string, unknown>;
  if (type !== "Feature") {
    throw new VectorFault(
      `feature ${number} is of type ${JSON.stringify(type) ?? "undefined"}, expected "Feature"`,
    );
  }
  return {
    id: typeof id === "string" || typeof id === "number" ? id : null,
    geometry: geometryFromJson(geometry, `feature ${number}`),
    properties: typeof properties === "object" && properties !== null
      ? properties as Record<string, FieldValue>
      : {},
  };
}

/** CRS of GeoJSON before RFC 7946 (2008 specification, section 3). */
function crsMember(text: string): string | null {
  const crs = parseJson(text, 'member "crs"') as
    | { readonly type?: unknown; readonly properties?: { readonly name?: unknown } }
    | null;
  if (crs === null) return null;
  if (crs.type === "name" && typeof crs.properties?.name === "string") return crs.properties.name;
  throw new VectorFault(
    `its CRS is given as ${JSON.stringify(crs.type) ?? "nothing"}: expected {"type": "name"}`,
  );
}
