/** Folders of pictures (PNG, JPEG) as data sets. @module */
export * from "./picture_files.ts";
export * from "./picture_fit.ts";
export * from "./picture_labels.ts";
export * from "./picture_processor.ts";
export * from "./picture_size.ts";
export * from "./picture_stream.ts";
export * from "./rgb.ts";
