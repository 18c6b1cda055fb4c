/** The patch stream. @module */
export type { ByteReader } from "./byte_source.ts";
export { decodeNpy, encodeNpy } from "./npy.ts";
export * from "./read_stream.ts";
export * from "./sample.ts";
export * from "./transform_stream.ts";
export * from "./write_stream.ts";
