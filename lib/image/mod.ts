/** Pictures: PNG, SVG to PNG, colours and figures. @module */
export {
  colorizeClasses,
  compositeBands,
  type CompositeOptions,
  percentileLimits,
} from "./colorize.ts";
export {
  drawMapFigure,
  type FigurePanel,
  mapFigure,
  type MapFigureOptions,
  type ValueScale,
} from "./map_figure.ts";
export type { PictureGround } from "./map_furniture.ts";
export { encodePng } from "./png.ts";
export {
  RESIZE_FILTERS,
  type ResizeFilter,
  resizeImage,
  resizeNearest,
  type ResizeOptions,
} from "./resize.ts";
export { colorizeValues, overlayPictures, RAMP_NAMES, rampColors, type RampName } from "./ramp.ts";
export { renderSvg, type RenderSvgOptions, renderSvgPixels } from "./svg.ts";
export { type ChartSpec, drawChart } from "./vega.ts";
export { encodeWebp, MAX_WEBP_SIDE, type WebpOptions } from "./webp.ts";
export { drawSankey, type SankeyFlow, type SankeyNode, type SankeySpec } from "./sankey.ts";
