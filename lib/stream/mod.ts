/** The patch stream. @module */
export type { ByteReader } from "./byte_source.ts";
export type { ExpectedArray } from "./decode_arrays.ts";
export { decodeNpy, encodeNpy } from "./npy.ts";
export * from "./read_stream.ts";
export * from "./sample.ts";
export * from "./stream_index.ts";
export * from "./transform_stream.ts";
export * from "./write_stream.ts";
