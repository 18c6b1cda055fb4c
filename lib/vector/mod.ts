/** Vector files: GeoJSON, GeoPackage, FlatGeobuf, Shapefile. @module */
export type { Feature, FeatureReader, FieldInfo, FieldType, FieldValue } from "./feature.ts";
export { openFeatures, type OpenFeaturesOptions } from "./open_features.ts";
export {
  createFeatures,
  type FeatureFileSpec,
  type FeatureWriter,
  VECTOR_FORMATS,
  type VectorFormat,
  vectorFormatOf,
} from "./create_features.ts";
