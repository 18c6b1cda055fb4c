/**
 * Figures for people: a scene, the truth and a map side by side, with titles and a legend.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import type { ClassInfo } from "../classes/mod.ts";
import { encodePng } from "./png.ts";
import { escapeXml } from "../text/mod.ts";
import { northArrow, type PictureGround, scaleBar } from "./map_furniture.ts";
import { renderSvg } from "./svg.ts";

/** One picture of a figure. */
export interface FigurePanel {
  /** Printed above it. */
  readonly title: string;
  /** Shape (H, W, 3 or 4), from `compositeBands` or `colorizeClasses`. */
  readonly picture: NdArray<"uint8">;
  /** Where it lies: it gets a scale bar and a north arrow; neither where left out. */
  readonly ground?: PictureGround;
  /** What its colours stand for, where they are no classes: it gets a colour bar. */
  readonly values?: ValueScale;
}

/** The colours of values. */
export interface ValueScale {
  /** What is shown, such as `NDVI`. */
  readonly label: string;
  /** Value of the first colour. */
  readonly low: number;
  /** Value of the last colour. */
  readonly high: number;
  /** Colours from low to high. */
  readonly colors: readonly string[];
}

/** What a figure shows. */
export interface MapFigureOptions {
  /** Headline; none where left out. */
  readonly title?: string;
  /** A line of smaller print below the headline. */
  readonly subtitle?: string;
  /** Pictures from left to right. */
  readonly panels: readonly FigurePanel[];
  /** Pictures in a row; all of them where left out. */
  readonly columns?: number;
  /** Classes of the legend; no legend where left out. */
  readonly classes?: readonly ClassInfo[];
  /** Units (pixels at scale 1) of the longer side of each panel; 420 where left out. */
  readonly panelSize?: number;
  /** Pixels for each unit; 2 where left out. */
  readonly scale?: number;
}

/** Distances in units. */
const MARGIN = 24;
const GAP = 18;
const FONT = { title: 20, subtitle: 13, panel: 14, legend: 13 } as const;
const LINE = 1.55;
const SWATCH = 14;

/** Mean advance of DejaVu Sans in ems, a little generous: legends must not run into one another. */
const CHARACTER = 0.62;

const INK = "#1d1d22";
const FAINT = "#5f5f68";
/** Shown where a picture has no data. */
const NO_DATA = "#e6e6ea";

/**
 * Draw a figure.
 *
 * @param options Panels, legend and titles.
 * @returns The drawing as SVG, its pictures inside; `scale` says at how many pixels a unit they are kept.
 */
export function drawMapFigure(options: MapFigureOptions): string {
  const { title, subtitle, panels, classes = [], panelSize = 420, scale = 2 } = options;
  const { columns = Math.max(1, panels.length) } = options;
  const rows = Array.from(
    { length: Math.ceil(panels.length / columns) },
    (_, row) => panels.slice(row * columns, (row + 1) * columns),
  );
  const widths = rows.map((row) =>
    row.reduce((sum, { picture }) => sum + fitBox(picture, panelSize).width + GAP, -GAP)
  );
  const width = Math.max(0, ...widths, titleWidth(title ?? "", FONT.title)) + 2 * MARGIN;
  const elements: string[] = [];
  let y = MARGIN;

  if (title !== undefined) {
    y += FONT.title;
    elements.push(text(MARGIN, y, title, FONT.title, `font-weight="bold" fill="${INK}"`));
    y += FONT.title * (LINE - 1);
  }
  if (subtitle !== undefined) {
    y += FONT.subtitle;
    elements.push(text(MARGIN, y, subtitle, FONT.subtitle, `fill="${FAINT}"`));
    y += FONT.subtitle * (LINE - 1);
  }
  if (elements.length > 0) y += GAP / 2;
  for (const [index, row] of rows.entries()) {
    if (index > 0) y += GAP;
    y = drawRow(elements, row, y, { panelSize, scale });
  }
  y += drawLegend(elements, classes, y, width - 2 * MARGIN) + MARGIN;

  const size = `width="${width}" height="${Math.ceil(y)}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}><rect ${size} fill="#ffffff"/>${
    elements.join("")
  }</svg>`;
}

/** Pictures side by side with their titles, from `y` on; returns where they end. */
function drawRow(
  elements: string[],
  panels: readonly FigurePanel[],
  y: number,
  { panelSize, scale }: Required<Pick<MapFigureOptions, "panelSize" | "scale">>,
): number {
  const boxes = panels.map(({ picture }) => fitBox(picture, panelSize));
  y += FONT.panel;
  const top = y + FONT.panel * (LINE - 1);
  let x = MARGIN;
  panels.forEach((panel, index) => {
    const box = { x, y: top, ...boxes[index]! };
    const title = shortened(panel.title, box.width, FONT.panel);
    elements.push(text(x, y, title, FONT.panel, `fill="${INK}"`));
    elements.push(drawPanel(panel.picture, box, scale));
    if (panel.ground !== undefined) {
      const { metresPerPixel, north } = panel.ground;
      elements.push(scaleBar(box, metresPerPixel * panel.picture.shape[1]! / box.width));
      elements.push(northArrow(box, north));
    }
    x += box.width + GAP;
  });
  const colorBars = panels.map(({ values }, index) => {
    if (values === undefined) return 0;
    const left = MARGIN + boxes.slice(0, index).reduce((sum, box) => sum + box.width + GAP, 0);
    const box = { x: left, y: top + boxes[index]!.height, width: boxes[index]!.width };
    return drawColorBar(elements, values, box);
  });
  return top + Math.max(0, ...boxes.map(({ height }, index) => height + colorBars[index]!));
}

/**
 * Draw a figure as pixels; see {@linkcode drawMapFigure}.
 *
 * @param options Panels, legend and titles.
 * @returns The bytes of a PNG file; the same input gives the same bytes.
 *
 * @example
 * ```ts
 * import { colorizeClasses, classesFromNames, mapFigure, ndarray } from "swath";
 *
 * const classes = classesFromNames(["water", "forest"]);
 * const labels = ndarray("uint8", [2, 2], Uint8Array.of(0, 1, 1, 255));
 * const png = await mapFigure({
 *   panels: [{ title: "truth", picture: colorizeClasses(labels, classes) }],
 *   classes,
 * });
 * if (png.length < 1000) throw new Error("no figure");
 * ```
 */
export async function mapFigure(options: MapFigureOptions): Promise<Uint8Array<ArrayBuffer>> {
  return await renderSvg(drawMapFigure(options), { scale: options.scale ?? 2 });
}

interface Box {
  readonly width: number;
  readonly height: number;
}

interface Place {
  readonly x: number;
  readonly y: number;
}

function fitBox(picture: NdArray, panelSize: number): Box {
  const [height, width] = picture.shape;
  const zoom = panelSize / Math.max(height!, width!);
  return {
    width: Math.max(1, Math.round(width! * zoom)),
    height: Math.max(1, Math.round(height! * zoom)),
  };
}

function drawPanel(picture: NdArray<"uint8">, box: Box & Place, scale: number) {
  const [, width] = picture.shape;
  const factor = Math.max(1, Math.floor(width! / (box.width * scale)));
  const png = encodePng(shrink(picture, factor)).toBase64();
  const place = `x="${box.x}" y="${box.y}" width="${box.width}" height="${box.height}"`;
  // Enlarged pixels stay squares.
  const rendering = width! < box.width * scale ? ' image-rendering="optimizeSpeed"' : "";
  return `<rect ${place} fill="${NO_DATA}"/>` +
    `<image ${place} preserveAspectRatio="none"${rendering} href="data:image/png;base64,${png}"/>`;
}

/** Averages of squares of pixels: a picture is made smaller before it is drawn, not by the drawing. */
function shrink(picture: NdArray<"uint8">, factor: number): NdArray<"uint8"> {
  if (factor === 1) return picture;
  const [height, width, channels] = picture.shape as [number, number, number];
  const rows = Math.max(1, Math.floor(height / factor));
  const columns = Math.max(1, Math.floor(width / factor));
  const small = ndarray("uint8", [rows, columns, channels]);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        let count = 0;
        for (let y = row * factor; y < Math.min(height, (row + 1) * factor); y++) {
          for (let x = column * factor; x < Math.min(width, (column + 1) * factor); x++) {
            sum += picture.data[(y * width + x) * channels + channel]!;
            count++;
          }
        }
        small.data[(row * columns + column) * channels + channel] = Math.round(sum / count);
      }
    }
  }
  return small;
}

/** A ramp with the values of its ends and middle below a panel; returns the height. */
function drawColorBar(
  elements: string[],
  { label, low, high, colors }: ValueScale,
  { x, y, width }: Place & { readonly width: number },
): number {
  const [top, height] = [y + GAP / 2 + FONT.legend, 10];
  const every = Math.max(1, Math.floor(colors.length / 64));
  const chosen = colors.filter((_, index) => index % every === 0 || index === colors.length - 1);
  const step = width / chosen.length;
  elements.push(
    text(x, top - 3, shortened(label, width, FONT.legend), FONT.legend, `fill="${INK}"`),
  );
  chosen.forEach((color, index) =>
    elements.push(
      `<rect x="${(x + index * step).toFixed(2)}" y="${top + 3}" width="${
        (step + 0.6).toFixed(2)
      }" height="${height}" fill="${escapeXml(color)}"/>`,
    )
  );
  const tick = (at: number, anchor: string, value: number) =>
    elements.push(
      text(
        at,
        top + height + 17,
        readable(value),
        FONT.subtitle,
        `fill="${FAINT}" text-anchor="${anchor}"`,
      ),
    );
  tick(x, "start", low);
  tick(x + width / 2, "middle", (low + high) / 2);
  tick(x + width, "end", high);
  return top + height + 22 - y;
}

function readable(value: number): string {
  return Number(value.toPrecision(3)).toString();
}

/** Text that fits into so many units. */
function shortened(content: string, width: number, size: number): string {
  const most = Math.max(3, Math.floor(width / (size * CHARACTER)));
  const characters = [...content];
  return characters.length <= most ? content : `${characters.slice(0, most - 1).join("")}…`;
}

/** Swatches with names, in columns of one width; returns the height. */
function drawLegend(
  elements: string[],
  classes: readonly ClassInfo[],
  top: number,
  width: number,
): number {
  if (classes.length === 0) return 0;
  const line = FONT.legend * 1.8;
  const advances = classes.map(({ name }) => SWATCH + 7 + titleWidth(name, FONT.legend) + 14);
  const column = Math.min(width, Math.max(...advances));
  const columns = Math.max(1, Math.floor((width + 14) / column));
  classes.forEach(({ name, color }, index) => {
    const x = MARGIN + (index % columns) * column;
    const y = top + GAP + Math.floor(index / columns) * line;
    const label = shortened(name, column - SWATCH - 7, FONT.legend);
    elements.push(
      `<rect x="${x}" y="${y}" width="${SWATCH}" height="${SWATCH}" rx="2" fill="${
        escapeXml(color)
      }" stroke="${INK}" stroke-opacity="0.35" stroke-width="0.75"/>`,
      text(x + SWATCH + 7, y + SWATCH - 2.5, label, FONT.legend, `fill="${INK}"`),
    );
  });
  return GAP + Math.ceil(classes.length / columns) * line;
}

function titleWidth(content: string, size: number): number {
  return Math.ceil([...content].length * size * CHARACTER);
}

function text(x: number, y: number, content: string, size: number, style: string): string {
  return `<text x="${x}" y="${y}" font-family="DejaVu Sans" font-size="${size}" ${style}>${
    escapeXml(content)
  }</text>`;
}
