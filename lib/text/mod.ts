/** Text for people: near misses, short lists, amounts of data, indented JSON, flat XML. @module */
export * from "./abbreviate.ts";
export * from "./format_bytes.ts";
export * from "./format_json.ts";
export * from "./near_miss.ts";
export * from "./xml.ts";
