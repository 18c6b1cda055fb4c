/**
 * What makes a picture a map: a scale bar and a north arrow, as SVG.
 *
 * @module
 */
import { escapeXml } from "../text/mod.ts";

/** Where a picture lies. */
export interface PictureGround {
  /** Metres from one column of the picture to the next. */
  readonly metresPerPixel: number;
  /** Direction of north, in degrees clockwise from the upper edge. */
  readonly north: number;
}

const INK = "#1d1d22";
/** Behind what is drawn on a picture. */
const PLATE = 'fill="#ffffff" fill-opacity="0.82"';
const FONT_SIZE = 11;
/** Share of the picture that a scale bar takes at most. */
const LONGEST_BAR = 0.3;

/**
 * A scale bar in the lower left corner of a box.
 *
 * @param box The picture in units of the drawing.
 * @param metresPerUnit Metres of a unit.
 * @returns An SVG element.
 */
export function scaleBar(
  box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
  metresPerUnit: number,
): string {
  const metres = roundLength(box.width * LONGEST_BAR * metresPerUnit);
  const length = metres / metresPerUnit;
  const label = metres >= 1000 ? `${metres / 1000} km` : `${metres} m`;
  const plate = Math.max(length, label.length * FONT_SIZE * 0.66) + 16;
  const [x, y] = [box.x + 8, box.y + box.height - 8 - 30];
  const half = length / 2;
  return `<g><rect x="${x}" y="${y}" width="${round(plate)}" height="30" rx="3" ${PLATE}/>` +
    `<text x="${x + 8}" y="${
      y + 13
    }" font-family="DejaVu Sans" font-size="${FONT_SIZE}" fill="${INK}">${
      escapeXml(label)
    }</text>` +
    `<rect x="${x + 8}" y="${y + 18}" width="${
      round(length)
    }" height="5" fill="#ffffff" stroke="${INK}"/>` +
    `<rect x="${x + 8}" y="${y + 18}" width="${round(half)}" height="5" fill="${INK}"/></g>`;
}

/**
 * A north arrow in the upper right corner of a box.
 *
 * @param box The picture in units of the drawing.
 * @param north Degrees clockwise from the upper edge.
 * @returns An SVG element.
 */
export function northArrow(
  box: { readonly x: number; readonly y: number; readonly width: number },
  north: number,
): string {
  const [x, y] = [box.x + box.width - 25, box.y + 25];
  const turn = `transform="rotate(${round(north)} ${x} ${y})"`;
  return `<g><circle cx="${x}" cy="${y}" r="17" ${PLATE}/><g ${turn}>` +
    `<path d="M${x} ${y - 4}l5 14l-5 -3.5l-5 3.5z" fill="${INK}"/>` +
    `<text x="${x}" y="${
      y - 5.5
    }" text-anchor="middle" font-family="DejaVu Sans" font-weight="bold" font-size="${
      FONT_SIZE - 1
    }" fill="${INK}">N</text></g></g>`;
}

/** The longest of 1, 2, 5, 10, 20, … metres that is not longer. */
export function roundLength(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most));
  const factor = most / power >= 5 ? 5 : most / power >= 2 ? 2 : 1;
  return power < 1 ? Number((factor * power).toPrecision(1)) : factor * power;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
