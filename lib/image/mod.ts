/** Pictures: PNG, SVG to PNG, colours and figures. @module */
export { colorizeClasses, compositeBands, type CompositeOptions } from "./colorize.ts";
export { type FigurePanel, mapFigure, type MapFigureOptions } from "./map_figure.ts";
export { encodePng } from "./png.ts";
export { RESIZE_FILTERS, type ResizeFilter, resizeImage, type ResizeOptions } from "./resize.ts";
export { renderSvg, type RenderSvgOptions } from "./svg.ts";
export { type ChartSpec, drawChart } from "./vega.ts";
