/** Decoding in WebAssembly: what runs over every byte of a scene. */
export { inflate } from "./inflate";
export { decodeLzw } from "./lzw";
export { separate16 } from "./planes";

/** First byte behind the tables, where the caller's areas start. */
export function areas(): usize {
  return __heap_base;
}
