/// <reference lib="dom" />
/**
 * The map: scene, classes and zones on a canvas that is moved by pointer, wheel, fingers and keys.
 *
 * Places are in pixels of the map at its full resolution.
 *
 * @module
 */
import type { PageZone } from "../report_data.ts";
import type { TilePainter } from "./tiles.ts";

/** What a map shows. */
export interface MapContents {
  readonly width: number;
  readonly height: number;
  readonly zones: readonly PageZone[];
}

/** A place on the map. */
export interface MapPlace {
  readonly x: number;
  readonly y: number;
}

/** What a map tells. */
export interface MapEvents {
  /** The pointer, or the middle where keys move the map, is there; null where it is not on the map. */
  onPoint(place: MapPlace | null): void;
  /** A zone was chosen; null for none. */
  onZone(zone: number | null): void;
  /** The map was moved. */
  onMove(): void;
}

/** Pixels of the screen that a pixel of the map has at most. */
const LARGEST_ZOOM = 48;
const WHEEL_STEP = 1.0015;
const KEY_STEP = 1.5;
/** Share of the view that an arrow key moves by. */
const KEY_MOVE = 0.15;
/** Distance in which a press is a click and no drag. */
const CLICK_DISTANCE = 5;

/** A map that can be moved. */
export class MapView {
  readonly canvas: HTMLCanvasElement;
  opacity = 0.75;
  showZones = true;
  /** What is painted over the scene. */
  painter: TilePainter | null = null;
  readonly #contents: MapContents;
  #scene: HTMLImageElement | null = null;
  readonly #events: MapEvents;
  readonly #layer = document.createElement("canvas");
  readonly #pointers = new Map<number, { x: number; y: number }>();
  readonly #bounds: readonly (readonly [number, number, number, number])[];
  #center: MapPlace;
  #zoom = 0;
  #zone: number | null = null;
  #hovered: number | null = null;
  #isByKeys = false;
  #travelled = 0;
  #frame = 0;

  constructor(canvas: HTMLCanvasElement, contents: MapContents, events: MapEvents) {
    this.canvas = canvas;
    this.#contents = contents;
    this.#events = events;
    this.#center = { x: contents.width / 2, y: contents.height / 2 };
    this.#bounds = contents.zones.map(({ rings }) => ringBounds(rings));
    this.#listen();
    new ResizeObserver(() => this.#resize()).observe(canvas);
  }

  /** Pixels of the screen for each pixel of the map. */
  get zoom(): number {
    return this.#zoom;
  }

  /** The place in the middle. */
  get center(): MapPlace {
    return this.#center;
  }

  /** Draw when the screen is ready for it. */
  redraw(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  /** Show a picture below, stretched over the map. */
  setScene(scene: HTMLImageElement): void {
    this.#scene = scene;
    this.redraw();
  }

  /** Show all of the map. */
  fit(): void {
    const { width, height } = this.#contents;
    this.#show(0, 0, width, height);
  }

  /** Zoom about a place. */
  zoomBy(factor: number, about: MapPlace = this.#center): void {
    const zoom = this.#limited(this.#zoom * factor);
    const part = this.#zoom / zoom;
    this.#center = {
      x: about.x + (this.#center.x - about.x) * part,
      y: about.y + (this.#center.y - about.y) * part,
    };
    this.#zoom = zoom;
    this.#moved();
  }

  /** Mark a zone and show it. */
  showZone(zone: number | null): void {
    this.#zone = zone;
    const bounds = zone === null ? undefined : this.#bounds[zone];
    if (bounds !== undefined && bounds[0] < bounds[2]) this.#show(...bounds);
    this.redraw();
  }

  /** Mark a zone while it is pointed at elsewhere. */
  hoverZone(zone: number | null): void {
    if (this.#hovered === zone) return;
    this.#hovered = zone;
    this.redraw();
  }

  /** The zone at a place, the smallest of several. */
  zoneAt({ x, y }: MapPlace): number | null {
    let found: number | null = null;
    this.#contents.zones.forEach(({ rings }, index) => {
      const [left, top, right, bottom] = this.#bounds[index]!;
      if (x < left || x > right || y < top || y > bottom || !isInside(rings, x, y)) return;
      const size = (right - left) * (bottom - top);
      const [l, t, r, b] = found === null ? [0, 0, Infinity, Infinity] : this.#bounds[found]!;
      if (size < (r - l) * (b - t)) found = index;
    });
    return found;
  }

  #show(left: number, top: number, right: number, bottom: number): void {
    const { clientWidth, clientHeight } = this.canvas;
    this.#center = { x: (left + right) / 2, y: (top + bottom) / 2 };
    this.#zoom = this.#limited(
      0.96 * Math.min(clientWidth / (right - left), clientHeight / (bottom - top)),
    );
    this.#moved();
  }

  /** A zoom that neither loses the map nor enlarges pixels without end. */
  #limited(zoom: number): number {
    const { width, height } = this.#contents;
    const { clientWidth, clientHeight } = this.canvas;
    const all = Math.min(clientWidth / width, clientHeight / height) || 1;
    return Math.min(Math.max(zoom, all * 0.5), Math.max(LARGEST_ZOOM, all));
  }

  #moved(): void {
    const { width, height } = this.#contents;
    this.#center = {
      x: Math.min(width, Math.max(0, this.#center.x)),
      y: Math.min(height, Math.max(0, this.#center.y)),
    };
    this.#events.onMove();
    if (this.#isByKeys) this.#events.onPoint(this.#center);
    this.redraw();
  }

  #resize(): void {
    const ratio = globalThis.devicePixelRatio || 1;
    const width = Math.round(this.canvas.clientWidth * ratio);
    const height = Math.round(this.canvas.clientHeight * ratio);
    if (width === 0 || height === 0) return;
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    if (this.#zoom === 0) this.fit();
    else this.#moved();
  }

  #place(event: { readonly clientX: number; readonly clientY: number }): MapPlace {
    const box = this.canvas.getBoundingClientRect();
    return {
      x: this.#center.x + (event.clientX - box.left - box.width / 2) / this.#zoom,
      y: this.#center.y + (event.clientY - box.top - box.height / 2) / this.#zoom,
    };
  }

  #point(place: MapPlace): void {
    const { width, height } = this.#contents;
    const isOnMap = place.x >= 0 && place.y >= 0 && place.x < width && place.y < height;
    this.#events.onPoint(isOnMap ? place : null);
    this.hoverZone(isOnMap && this.showZones ? this.zoneAt(place) : null);
  }

  #listen(): void {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      this.#travelled = this.#pointers.size > 1 ? Infinity : 0;
      this.#byKeys(false);
    });
    canvas.addEventListener("pointermove", (event) => this.#drag(event));
    const release = (event: PointerEvent) => {
      const isClick = this.#pointers.delete(event.pointerId) && this.#travelled < CLICK_DISTANCE;
      if (!isClick || event.type !== "pointerup") return;
      const place = this.#place(event);
      this.#point(place);
      if (this.showZones) this.#events.onZone(this.zoneAt(place));
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
    canvas.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") this.#events.onPoint(null);
      this.hoverZone(null);
    });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      this.zoomBy(WHEEL_STEP ** (-event.deltaY * lines), this.#place(event));
    }, { passive: false });
    canvas.addEventListener("dblclick", (event) => this.zoomBy(2, this.#place(event)));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => this.#byKeys(false));
  }

  /** One pointer moves the map, two zoom it as well. */
  #drag(event: PointerEvent): void {
    const before = this.#pointers.get(event.pointerId);
    if (before === undefined) {
      this.#byKeys(false);
      return this.#point(this.#place(event));
    }
    const now = { x: event.clientX, y: event.clientY };
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.#pointers.set(event.pointerId, now);
    this.#travelled += Math.hypot(now.x - before.x, now.y - before.y);
    if (this.#travelled < CLICK_DISTANCE) return;
    const share = other === undefined ? 1 : 0.5;
    this.#center = {
      x: this.#center.x - share * (now.x - before.x) / this.#zoom,
      y: this.#center.y - share * (now.y - before.y) / this.#zoom,
    };
    if (other === undefined) return this.#moved();
    const distance = (point: MapPlace) => Math.hypot(point.x - other.x, point.y - other.y);
    const middle = { clientX: (now.x + other.x) / 2, clientY: (now.y + other.y) / 2 };
    this.zoomBy(distance(now) / Math.max(1, distance(before)), this.#place(middle));
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { clientWidth, clientHeight } = this.canvas;
    const move = (x: number, y: number) => {
      this.#center = {
        x: this.#center.x + x * KEY_MOVE * clientWidth / this.#zoom,
        y: this.#center.y + y * KEY_MOVE * clientHeight / this.#zoom,
      };
      this.#moved();
    };
    const actions: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => move(-1, 0),
      ArrowRight: () => move(1, 0),
      ArrowUp: () => move(0, -1),
      ArrowDown: () => move(0, 1),
      "+": () => this.zoomBy(KEY_STEP),
      "=": () => this.zoomBy(KEY_STEP),
      "-": () => this.zoomBy(1 / KEY_STEP),
      "0": () => this.fit(),
      Home: () => this.fit(),
      Enter: () => this.#events.onZone(this.zoneAt(this.#center)),
      Escape: () => this.#events.onZone(null),
    };
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    this.#byKeys(true);
    action();
  }

  /** A cross marks the middle while keys move the map. */
  #byKeys(isByKeys: boolean): void {
    if (this.#isByKeys === isByKeys) return;
    this.#isByKeys = isByKeys;
    this.redraw();
  }

  #draw(): void {
    const context = this.canvas.getContext("2d")!;
    const ratio = globalThis.devicePixelRatio || 1;
    const scale = this.#zoom * ratio;
    const { width, height } = this.canvas;
    const origin = {
      x: width / 2 - this.#center.x * scale,
      y: height / 2 - this.#center.y * scale,
    };
    context.clearRect(0, 0, width, height);
    const scene = this.#scene;
    if (scene !== null) {
      const enlarged = scale * this.#contents.width / scene.naturalWidth;
      context.imageSmoothingEnabled = enlarged < 3;
      context.imageSmoothingQuality = "high";
      context.drawImage(
        scene,
        origin.x,
        origin.y,
        this.#contents.width * scale,
        this.#contents.height * scale,
      );
    }
    if (this.painter !== null) {
      this.#drawTiles(this.painter, origin, scale);
      context.globalAlpha = scene === null ? 1 : this.opacity;
      context.drawImage(this.#layer, 0, 0);
      context.globalAlpha = 1;
    }
    if (this.showZones) this.#drawZones(context, origin, scale, ratio);
    if (this.#isByKeys) drawCross(context, width / 2, height / 2, ratio);
  }

  /** Classes on a canvas of their own, so that resolutions on top of one another do not show through. */
  #drawTiles(painter: TilePainter, origin: MapPlace, scale: number): void {
    const { width, height } = this.canvas;
    if (this.#layer.width !== width || this.#layer.height !== height) {
      this.#layer.width = width;
      this.#layer.height = height;
    }
    const context = this.#layer.getContext("2d")!;
    context.clearRect(0, 0, width, height);
    const { levels, tileSize } = painter.source.pyramid;
    const wanted = painter.source.levelFor(scale, this.#contents.width);
    // The coarsest one shows until the finer one is there.
    for (const index of new Set([levels.length - 1, wanted])) {
      const level = levels[index]!;
      const across = this.#contents.width * scale / level.width;
      const down = this.#contents.height * scale / level.height;
      context.imageSmoothingEnabled = across < 1;
      const first = (start: number, step: number) =>
        Math.max(0, Math.floor(-start / step / tileSize));
      const last = (start: number, step: number, size: number, count: number) =>
        Math.min(count - 1, Math.floor((size - start) / step / tileSize));
      for (
        let row = first(origin.y, down);
        row <= last(origin.y, down, height, level.rows);
        row++
      ) {
        const to = last(origin.x, across, width, level.columns);
        for (let column = first(origin.x, across); column <= to; column++) {
          const picture = painter.picture(index, column, row);
          if (picture === null) continue;
          const left = Math.round(origin.x + column * tileSize * across);
          const top = Math.round(origin.y + row * tileSize * down);
          const right = Math.round(origin.x + (column * tileSize + picture.width) * across);
          const bottom = Math.round(origin.y + (row * tileSize + picture.height) * down);
          context.clearRect(left, top, right - left, bottom - top);
          context.drawImage(picture, left, top, right - left, bottom - top);
        }
      }
    }
  }

  #drawZones(
    context: CanvasRenderingContext2D,
    origin: MapPlace,
    scale: number,
    ratio: number,
  ): void {
    const outline = (zone: number) => {
      context.beginPath();
      for (const ring of this.#contents.zones[zone]!.rings) {
        for (let at = 0; at < ring.length; at += 2) {
          const [x, y] = [origin.x + ring[at]! * scale, origin.y + ring[at + 1]! * scale];
          if (at === 0) context.moveTo(x, y);
          else context.lineTo(x, y);
        }
        context.closePath();
      }
    };
    const stroke = (color: string, width: number) => {
      context.strokeStyle = color;
      context.lineWidth = width * ratio;
      context.stroke();
    };
    context.lineJoin = "round";
    this.#contents.zones.forEach((_, zone) => {
      outline(zone);
      stroke("rgba(255,255,255,0.85)", 3);
      stroke("rgba(20,20,24,0.9)", 1.25);
    });
    for (const [zone, width] of [[this.#hovered, 3], [this.#zone, 4]] as const) {
      if (zone === null) continue;
      outline(zone);
      stroke("#ffffff", width + 3);
      stroke("#0a0a0c", width);
      stroke("#ffd21f", width - 1.5);
    }
  }
}

function drawCross(context: CanvasRenderingContext2D, x: number, y: number, ratio: number): void {
  for (const [color, width] of [["#ffffff", 4], ["#101014", 1.5]] as const) {
    context.strokeStyle = color;
    context.lineWidth = width * ratio;
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]] as const) {
      context.moveTo(x + dx * 4 * ratio, y + dy * 4 * ratio);
      context.lineTo(x + dx * 13 * ratio, y + dy * 13 * ratio);
    }
    context.stroke();
  }
}

function ringBounds(
  rings: readonly (readonly number[])[],
): readonly [number, number, number, number] {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const ring of rings) {
    for (let at = 0; at < ring.length; at += 2) {
      left = Math.min(left, ring[at]!);
      right = Math.max(right, ring[at]!);
      top = Math.min(top, ring[at + 1]!);
      bottom = Math.max(bottom, ring[at + 1]!);
    }
  }
  return [left, top, right, bottom];
}

/** Whether a ray to the right crosses an odd number of edges. */
function isInside(rings: readonly (readonly number[])[], x: number, y: number): boolean {
  let inside = false;
  for (const ring of rings) {
    for (let at = 0, before = ring.length - 2; at < ring.length; before = at, at += 2) {
      const [x1, y1, x2, y2] = [ring[at]!, ring[at + 1]!, ring[before]!, ring[before + 1]!];
      if ((y1 > y) !== (y2 > y) && x < (x2 - x1) * (y - y1) / (y2 - y1) + x1) inside = !inside;
    }
  }
  return inside;
}
