/** Classes, their names and colours. @module */
export * from "./class_list.ts";
export * from "./classes.ts";
export * from "./legend.ts";
export * from "./palette.ts";
export * from "./qgis_style.ts";
export * from "./schemes.ts";
