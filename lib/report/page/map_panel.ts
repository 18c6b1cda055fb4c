/// <reference lib="dom" />
/**
 * The map with its tools, its legend, and what it says of the place that is pointed at.
 *
 * @module
 */
import type { PageClass, PageZones, ReportData } from "../report_data.ts";
import { areaFormat, choice, formatShare, html, section, significant } from "./dom.ts";
import { type MapPlace, MapView } from "./map_view.ts";
import { bytesOfElement, TilePainter, TileSource } from "./tiles.ts";

/** Colours of confidence, from low to high: cividis (Nuñez, Anderton and Renslow, 2018). */
const CONFIDENCE_COLORS = ["#00204d", "#31446b", "#666970", "#958f78", "#cbba69", "#ffea46"];
/** Units that a scale bar takes at most. */
const LONGEST_BAR = 130;

/** The map and what others may do with it. */
export interface MapPanel {
  readonly element: HTMLElement;
  readonly view: MapView;
}

/** Make the map. */
export function mapPanel(
  data: ReportData,
  onZone: (zone: number | null) => void,
): MapPanel | null {
  const { map, classes, zones } = data;
  if (map === null) return null;
  const canvas = html("canvas", {
    id: "map-canvas",
    tabindex: 0,
    role: "application",
    "aria-label": "Map. Arrow keys move it, plus and minus zoom, 0 shows all of it" +
      (zones === null ? "." : ", Enter chooses the zone in the middle, Escape none."),
    "aria-describedby": "map-readout",
  });
  const readout = html("output", { id: "map-readout", "aria-live": "polite" });
  const bar = html("div", { class: "scale-bar", "aria-hidden": true }, html("span"), html("i"));
  let pointed: MapPlace | null = null;
  const loaded = () => {
    view.redraw();
    // What was not known of the place before may be now.
    if (pointed !== null) point(pointed);
  };
  const painters = map.layers.map(({ pyramid }) =>
    new TilePainter(new TileSource(pyramid, loaded))
  );
  const confidence = map.confidence === null
    ? null
    : new TilePainter(new TileSource(map.confidence, loaded));
  if (confidence !== null) confidence.palette = confidencePalette();
  let shown = 0;
  const hidden = new Set<number>();

  const point = (place: MapPlace | null) => {
    pointed = place;
    readout.replaceChildren(...describePlace(place));
    readout.hidden = place === null;
  };
  const describePlace = (place: MapPlace | null): Node[] => {
    if (place === null) return [];
    const [x, y] = [place.x / map.width, place.y / map.height];
    const lines: Node[] = map.layers.map(({ name }, index) => {
      const value = painters[index]!.source.valueAt(x, y);
      const info = value === undefined ? undefined : classes[value];
      const label = value === undefined ? "…" : info?.name ?? "no data";
      return html(
        "span",
        { class: "line" },
        html("i", { class: "swatch", style: `background:${info?.color ?? "transparent"}` }),
        map.layers.length > 1 ? `${name}: ${label}` : label,
      );
    });
    const percent = confidence?.source.valueAt(x, y);
    if (percent !== undefined && percent <= 100) {
      lines.push(html("span", { class: "line faint" }, `confidence ${percent} %`));
    }
    const zone = zones === null || !view.showZones ? null : view.zoneAt(place);
    if (zone !== null) {
      lines.push(html("span", { class: "line faint" }, zoneName(zones!, zone)));
    }
    lines.push(html("span", { class: "line faint" }, coordinates(map.transform, place)));
    return lines;
  };
  const moved = () => drawScaleBar(bar, map.metres, view.zoom);

  const view = new MapView(
    canvas,
    { width: map.width, height: map.height, zones: zones?.zones ?? [] },
    { onPoint: point, onZone, onMove: moved },
  );
  if (map.scene !== null) loadScene(view, map.scene.blob, map.scene.type);

  const legend = legendList(data, hidden, () => paint());
  const paint = () => {
    const isConfidence = shown >= map.layers.length;
    painters.forEach((painter) => painter.palette = classPaletteOf(classes, hidden));
    view.painter = isConfidence ? confidence : painters[shown]!;
    legend.update(isConfidence ? null : shown);
    view.redraw();
  };

  const names = [
    ...map.layers.map(({ name }) => name),
    ...(confidence === null ? [] : ["Confidence"]),
  ];
  const tools = html("div", { class: "tools" });
  if (names.length > 1) {
    tools.append(choice("Show", "map-layer", names, (index) => {
      shown = index;
      paint();
    }));
  }
  if (map.scene !== null) tools.append(opacitySlider(view));
  if (zones !== null) tools.append(zoneSwitch(view));
  const button = (id: string, label: string, text: string, action: () => void) => {
    const element = html("button", { type: "button", id, "aria-label": label, title: label }, text);
    element.addEventListener("click", action);
    return element;
  };
  const zoomButtons = html(
    "div",
    { class: "zoom", role: "group", "aria-label": "Zoom" },
    button("zoom-in", "Zoom in", "+", () => view.zoomBy(1.6)),
    button("zoom-out", "Zoom out", "−", () => view.zoomBy(1 / 1.6)),
    button("zoom-fit", "Show all", "⤢", () => view.fit()),
  );
  const north = html("div", { class: "north", "aria-hidden": true }, "▲", html("b", {}, "N"));
  north.style.rotate = `${northOf(map.transform)}deg`;
  north.hidden = map.transform === null;
  readout.hidden = true;
  const stage = html("div", { class: "stage" }, canvas, zoomButtons, north, bar, readout);
  const notes = [map.scene === null ? "" : `Scene: ${map.scene.caption}.`, map.resolution];
  const element = section(
    "map",
    "Map",
    tools,
    html("div", { class: "map-grid" }, stage, legend.element),
    html("p", { class: "note" }, notes.filter((note) => note !== "").join(" ")),
  );
  paint();
  return { element, view };
}

/** The classes with their areas, each of which can be hidden. */
function legendList(
  { classes, map }: ReportData,
  hidden: Set<number>,
  onChange: () => void,
): { readonly element: HTMLElement; update(layer: number | null): void } {
  const present = classes.map((_, index) => index).filter((index) =>
    map!.layers.some(({ counts }) => (counts[index] ?? 0) > 0)
  );
  const boxes = new Map<number, HTMLInputElement>();
  const figures = new Map<number, { readonly text: HTMLElement; readonly bar: HTMLElement }>();
  const change = (apply: () => void) => {
    apply();
    for (const [index, box] of boxes) {
      if (box.checked) hidden.delete(index);
      else hidden.add(index);
    }
    onChange();
  };
  const items = present.map((index) => {
    const { name, color } = classes[index]!;
    const box = html("input", { type: "checkbox", checked: true, "data-class": index });
    box.checked = true;
    box.addEventListener("change", () => change(() => {}));
    boxes.set(index, box);
    const figure = { text: html("span", { class: "figure" }), bar: html("i", { class: "bar" }) };
    figure.bar.style.background = color;
    figures.set(index, figure);
    const only = html(
      "button",
      { type: "button", class: "only", "aria-label": `Only ${name}` },
      "only",
    );
    only.addEventListener("click", () =>
      change(() => {
        for (const [other, otherBox] of boxes) otherBox.checked = other === index;
      }));
    return html(
      "li",
      {},
      html(
        "label",
        {},
        box,
        html("i", { class: "swatch", style: `background:${color}` }),
        html("span", { class: "name" }, name),
        figure.text,
        figure.bar,
      ),
      only,
    );
  });
  const all = html("button", { type: "button", id: "legend-all" }, "All");
  const none = html("button", { type: "button", id: "legend-none" }, "None");
  const setAll = (checked: boolean) => change(() => boxes.forEach((box) => box.checked = checked));
  all.addEventListener("click", () => setAll(true));
  none.addEventListener("click", () => setAll(false));
  const total = html("p", { class: "note" });
  const list = html("ul", { class: "classes" }, ...items);
  const ramp = html(
    "div",
    { class: "ramp" },
    html("i", { style: `background:linear-gradient(90deg, ${CONFIDENCE_COLORS.join(", ")})` }),
    html("span", {}, "0 %"),
    html("span", {}, "confidence"),
    html("span", {}, "100 %"),
  );
  const element = html(
    "aside",
    { class: "legend", "aria-label": "Legend" },
    html("div", { class: "legend-head" }, html("h3", {}, "Classes"), all, none),
    list,
    ramp,
    total,
  );
  return {
    element,
    update(layer) {
      ramp.hidden = layer !== null;
      list.classList.toggle("is-off", layer === null);
      const { counts, areas, missing } = map!.layers[layer ?? 0]!;
      const sum = counts.reduce((a, b) => a + b, 0);
      const largest = Math.max(1, ...counts);
      const mapped = areas === null ? 0 : areas.reduce((a, b) => a + b, 0);
      const formatArea = areaFormat(mapped);
      for (const [index, { text, bar }] of figures) {
        const count = counts[index] ?? 0;
        const share = formatShare(sum === 0 ? 0 : count / sum);
        text.textContent = areas === null ? share : `${formatArea(areas[index] ?? 0)} · ${share}`;
        bar.style.width = `${100 * count / largest}%`;
      }
      const area = areas === null ? "" : `${formatArea(mapped)} mapped. `;
      const without = missing === 0
        ? ""
        : `No data: ${formatShare(missing / (missing + sum))} of the pixels.`;
      total.textContent = area + without;
    },
  };
}

function opacitySlider(view: MapView): HTMLElement {
  const percent = Math.round(view.opacity * 100);
  const value = html("output", {}, `${percent} %`);
  const slider = html("input", {
    type: "range",
    id: "map-opacity",
    min: 0,
    max: 100,
    value: percent,
  });
  slider.addEventListener("input", () => {
    view.opacity = slider.valueAsNumber / 100;
    value.textContent = `${slider.value} %`;
    view.redraw();
  });
  return html(
    "label",
    { class: "field" },
    html("span", {}, "Opacity over the scene"),
    slider,
    value,
  );
}

function zoneSwitch(view: MapView): HTMLElement {
  const box = html("input", { type: "checkbox", id: "map-zones" });
  box.checked = true;
  box.addEventListener("change", () => {
    view.showZones = box.checked;
    view.redraw();
  });
  return html("label", { class: "field" }, box, html("span", {}, "Zones"));
}

function loadScene(view: MapView, blob: string, type: string): void {
  const image = new Image();
  image.addEventListener("load", () => {
    view.setScene(image);
    URL.revokeObjectURL(image.src);
  });
  image.src = URL.createObjectURL(new Blob([bytesOfElement(blob)], { type }));
}

type Rgba = readonly [number, number, number, number];

function classPaletteOf(classes: readonly PageClass[], hidden: ReadonlySet<number>): Rgba[] {
  return classes.map(({ color }, index) => rgba(color, hidden.has(index) ? 0 : 255));
}

function confidencePalette(): Rgba[] {
  const stops = CONFIDENCE_COLORS.map((color) => rgba(color, 255));
  return Array.from({ length: 101 }, (_, percent) => {
    const at = percent / 100 * (stops.length - 1);
    const [low, part] = [Math.min(stops.length - 2, Math.floor(at)), at % 1];
    const [from, to] = [stops[low]!, stops[low + 1]!];
    const share = percent === 100 ? 1 : part;
    const mixed = from.map((value, channel) => Math.round(value + (to[channel]! - value) * share));
    return mixed as unknown as Rgba;
  });
}

function rgba(color: string, alpha: number): Rgba {
  const channel = (at: number) => Number.parseInt(color.slice(at, at + 2), 16);
  return [channel(1), channel(3), channel(5), alpha];
}

function coordinates(transform: readonly number[] | null, { x, y }: MapPlace): string {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  if (transform === null) return `column ${column}, row ${row}`;
  const [x0, a, b, y0, d, e] = transform as [number, number, number, number, number, number];
  const digits = Math.abs(a) < 0.01 ? 5 : 0;
  return `${(x0 + a * x + b * y).toFixed(digits)}, ${(y0 + d * x + e * y).toFixed(digits)}`;
}

/** Degrees clockwise from the upper edge to north. */
function northOf(transform: readonly number[] | null): number {
  if (transform === null) return 0;
  const [, a, b, , d, e] = transform as [number, number, number, number, number, number];
  const determinant = a * e - b * d;
  return Math.atan2(-b / determinant, -a / determinant) * 180 / Math.PI;
}

function drawScaleBar(bar: HTMLElement, metres: number | null, zoom: number): void {
  bar.hidden = metres === null;
  if (metres === null) return;
  const most = LONGEST_BAR * metres / zoom;
  const power = 10 ** Math.floor(Math.log10(most));
  const length = (most / power >= 5 ? 5 : most / power >= 2 ? 2 : 1) * power;
  bar.firstElementChild!.textContent = length >= 1000
    ? `${significant(length / 1000)} km`
    : `${significant(length)} m`;
  (bar.lastElementChild as HTMLElement).style.width = `${length * zoom / metres}px`;
}

/** Name of a zone. */
export function zoneName(zones: PageZones, zone: number): string {
  return String(zones.zones[zone]!.cells[zones.label] ?? zone + 1);
}
