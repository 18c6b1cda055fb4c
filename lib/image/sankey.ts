/**
 * Flows between two times as a drawing: bars of the classes before and after, and bands between them.
 *
 * @module
 */

import { escapeXml } from "../text/mod.ts";

/** A class at the left or at the right. */
export interface SankeyNode {
  /** Its name. */
  readonly name: string;
  /** Its colour, `#rrggbb`. */
  readonly color: string;
}

/** How much goes from one class to another. */
export interface SankeyFlow {
  /** Index of the class at the left. */
  readonly from: number;
  /** Index of the class at the right. */
  readonly to: number;
  /** How much. */
  readonly value: number;
}

/** What is drawn. */
export interface SankeySpec {
  /** The classes. */
  readonly nodes: readonly SankeyNode[];
  /** The flows. */
  readonly flows: readonly SankeyFlow[];
  /** Headings of the two sides. */
  readonly sides: readonly [before: string, after: string];
  /** Headline. */
  readonly title: string;
  /** An amount in words, for the labels. */
  readonly format: (value: number) => string;
}

const WIDTH = 760;
const BAR_WIDTH = 18;
const LABEL_WIDTH = 210;
const TOP = 70;
/** Height of all bars of a side together, without the gaps. */
const BARS_HEIGHT = 420;
const GAP = 10;
/** Least distance of two labels. */
const LINE = 15;
const INK = "#222222";

interface Bar {
  readonly node: number;
  readonly value: number;
  readonly y: number;
  readonly height: number;
}

/**
 * Draw flows.
 *
 * @param spec Classes and flows.
 * @returns SVG on a white ground. Labels carry the amounts, so that nothing hangs on colours alone.
 */
export function drawSankey({ nodes, flows, sides, title, format }: SankeySpec): string {
  const shown = flows.filter(({ value }) => value > 0);
  const whole = shown.reduce((sum, { value }) => sum + value, 0);
  const scale = whole === 0 ? 0 : BARS_HEIGHT / whole;
  const left = barsOf(nodes.length, shown, "from", scale);
  const right = barsOf(nodes.length, shown, "to", scale);
  const height = TOP + BARS_HEIGHT + GAP * Math.max(left.length, right.length) + 20;
  const x0 = LABEL_WIDTH;
  const x1 = WIDTH - LABEL_WIDTH - BAR_WIDTH;
  const bands = bandsOf(left, right, shown, scale).map(({ flow, ya, yb, thickness }) =>
    `<path d="${bandPath(x0 + BAR_WIDTH, ya, x1, yb, thickness)}" fill="${
      nodes[flow.from]!.color
    }" fill-opacity="${flow.from === flow.to ? 0.25 : 0.7}"><title>${
      escapeXml(`${nodes[flow.from]!.name} → ${nodes[flow.to]!.name}: ${format(flow.value)}`)
    }</title></path>`
  );
  const bars = [...left.map((bar) => ({ bar, x: x0 })), ...right.map((bar) => ({ bar, x: x1 }))]
    .map(({ bar, x }) =>
      `<rect x="${x}" y="${number(bar.y)}" width="${BAR_WIDTH}" height="${
        number(Math.max(0.5, bar.height))
      }" fill="${nodes[bar.node]!.color}" stroke="${INK}" stroke-width="0.5"/>`
    );
  const text = (x: number, y: number, anchor: string, content: string, more = "") =>
    `<text x="${x}" y="${number(y)}" text-anchor="${anchor}" ${more}>${escapeXml(content)}</text>`;
  const labels = [
    ...labelPlaces(left).map(({ bar, y }) =>
      text(x0 - 8, y, "end", `${nodes[bar.node]!.name}  ${format(bar.value)}`)
    ),
    ...labelPlaces(right).map(({ bar, y }) =>
      text(x1 + BAR_WIDTH + 8, y, "start", `${nodes[bar.node]!.name}  ${format(bar.value)}`)
    ),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="DejaVu Sans, sans-serif" font-size="12" fill="${INK}">
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
${text(WIDTH / 2, 26, "middle", title, 'font-size="16" font-weight="bold"')}
${text(x0 + BAR_WIDTH, TOP - 14, "end", sides[0], 'font-weight="bold"')}
${text(x1, TOP - 14, "start", sides[1], 'font-weight="bold"')}
${[...bands, ...bars, ...labels].join("\n")}
</svg>
`;
}

/** Bars of a side, from the top. */
function barsOf(
  count: number,
  flows: readonly SankeyFlow[],
  side: "from" | "to",
  scale: number,
): Bar[] {
  const values = new Array<number>(count).fill(0);
  for (const flow of flows) values[flow[side]]! += flow.value;
  let y = TOP;
  return values.flatMap((value, node) => {
    if (value === 0) return [];
    const bar = { node, value, y, height: value * scale };
    y += bar.height + GAP;
    return [bar];
  });
}

/** Where each band leaves and arrives, in the order of the bars of the other side. */
function bandsOf(
  left: readonly Bar[],
  right: readonly Bar[],
  flows: readonly SankeyFlow[],
  scale: number,
) {
  const leave = new Map(left.map(({ node, y }) => [node, y]));
  const arrive = new Map(right.map(({ node, y }) => [node, y]));
  return flows.toSorted((a, b) => a.from - b.from || a.to - b.to).map((flow) => {
    const thickness = flow.value * scale;
    const [ya, yb] = [leave.get(flow.from)!, arrive.get(flow.to)!];
    leave.set(flow.from, ya + thickness);
    arrive.set(flow.to, yb + thickness);
    return { flow, ya, yb, thickness };
  });
}

function bandPath(x0: number, ya: number, x1: number, yb: number, thickness: number): string {
  const middle = (x0 + x1) / 2;
  const curve = (y: number, to: number, x: number) =>
    `C${middle} ${number(y)} ${middle} ${number(to)} ${x} ${number(to)}`;
  return `M${x0} ${number(ya)}${curve(ya, yb, x1)}V${number(yb + thickness)}${
    curve(yb + thickness, ya + thickness, x0)
  }Z`;
}

/** Labels beside the middle of their bars, moved down where they would lie on one another. */
function labelPlaces(bars: readonly Bar[]) {
  let last = -Infinity;
  return bars.map((bar) => {
    const y = Math.max(bar.y + bar.height / 2 + 4, last + LINE);
    last = y;
    return { bar, y };
  });
}

function number(value: number): string {
  return String(Number(value.toFixed(2)));
}
