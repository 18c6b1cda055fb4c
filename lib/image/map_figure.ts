/**
 * Figures for people: a scene, the truth and a map side by side, with titles and a legend.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";
import type { ClassInfo } from "../classes/mod.ts";
import { encodePng } from "./png.ts";
import { escapeXml, renderSvg } from "./svg.ts";

/** One picture of a figure. */
export interface FigurePanel {
  /** Printed above it. */
  readonly title: string;
  /** Shape (H, W, 3 or 4), from `compositeBands` or `colorizeClasses`. */
  readonly picture: NdArray<"uint8">;
}

/** What a figure shows. */
export interface MapFigureOptions {
  /** Headline; none where left out. */
  readonly title?: string;
  /** A line of smaller print below the headline. */
  readonly subtitle?: string;
  /** Pictures from left to right. */
  readonly panels: readonly FigurePanel[];
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
  const { title, subtitle, panels, classes = [], panelSize = 420, scale = 2 } = options;
  const boxes = panels.map(({ picture }) => fitBox(picture, panelSize));
  const inner = boxes.reduce((sum, { width }) => sum + width, GAP * Math.max(0, boxes.length - 1));
  const width = Math.max(inner, titleWidth(title ?? "", FONT.title)) + 2 * MARGIN;
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
  y += FONT.panel;
  let x = MARGIN;
  panels.forEach((panel, index) => {
    const box = boxes[index]!;
    elements.push(text(x, y, panel.title, FONT.panel, `fill="${INK}"`));
    elements.push(drawPanel(panel.picture, x, y + FONT.panel * (LINE - 1), box, scale));
    x += box.width + GAP;
  });
  y += FONT.panel * (LINE - 1) + Math.max(0, ...boxes.map(({ height }) => height));
  y += drawLegend(elements, classes, y, width - 2 * MARGIN) + MARGIN;

  const size = `width="${width}" height="${Math.ceil(y)}"`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" ${size}><rect ${size} fill="#ffffff"/>${
    elements.join("")
  }</svg>`;
  return await renderSvg(svg, { scale });
}

interface Box {
  readonly width: number;
  readonly height: number;
}

function fitBox(picture: NdArray, panelSize: number): Box {
  const [height, width] = picture.shape;
  const zoom = panelSize / Math.max(height!, width!);
  return {
    width: Math.max(1, Math.round(width! * zoom)),
    height: Math.max(1, Math.round(height! * zoom)),
  };
}

function drawPanel(picture: NdArray<"uint8">, x: number, y: number, box: Box, scale: number) {
  const [, width] = picture.shape;
  const factor = Math.max(1, Math.floor(width! / (box.width * scale)));
  const png = encodePng(shrink(picture, factor)).toBase64();
  const place = `x="${x}" y="${y}" width="${box.width}" height="${box.height}"`;
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

/** Swatches with names in as many lines as they need; returns the height. */
function drawLegend(
  elements: string[],
  classes: readonly ClassInfo[],
  top: number,
  width: number,
): number {
  if (classes.length === 0) return 0;
  const line = FONT.legend * 1.8;
  let x = 0;
  let y = top + GAP;
  for (const { name, color } of classes) {
    const advance = SWATCH + 7 + titleWidth(name, FONT.legend) + 14;
    if (x > 0 && x + advance - 14 > width) {
      x = 0;
      y += line;
    }
    elements.push(
      `<rect x="${MARGIN + x}" y="${y}" width="${SWATCH}" height="${SWATCH}" rx="2" fill="${
        escapeXml(color)
      }"/>`,
      text(MARGIN + x + SWATCH + 7, y + SWATCH - 2.5, name, FONT.legend, `fill="${INK}"`),
    );
    x += advance;
  }
  return y + line - top;
}

function titleWidth(content: string, size: number): number {
  return Math.ceil([...content].length * size * CHARACTER);
}

function text(x: number, y: number, content: string, size: number, style: string): string {
  return `<text x="${x}" y="${y}" font-family="DejaVu Sans" font-size="${size}" ${style}>${
    escapeXml(content)
  }</text>`;
}
