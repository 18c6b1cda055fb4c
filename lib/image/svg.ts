/**
 * Drawings with text: SVG to PNG by resvg, with the DejaVu fonts that come along, so that a picture
 * looks the same on every machine.
 *
 * @module
 */
import { type NdArray, ndarray } from "../array/mod.ts";

/** Options of {@linkcode renderSvg}. */
export interface RenderSvgOptions {
  /** Pixels for each unit of the drawing; 1 where left out. */
  readonly scale?: number;
}

type Resvg = typeof import("@resvg/resvg-wasm").Resvg;

/** The renderer and its fonts: loaded once, by the first drawing. */
let loaded: Promise<{ readonly Resvg: Resvg; readonly fonts: Uint8Array[] }> | undefined;

/**
 * Render a drawing.
 *
 * Text is set in DejaVu Sans, regular and bold, which covers Latin, Greek, Cyrillic and symbols.
 *
 * @param svg The drawing; pictures in it must be `data:` URLs.
 * @param options Resolution.
 * @returns The bytes of a PNG file.
 *
 * @example
 * ```ts
 * import { renderSvg } from "swath";
 *
 * const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><text y="15">map</text></svg>';
 * const png = await renderSvg(svg, { scale: 2 });
 * if (new DataView(png.buffer).getUint32(16) !== 80) throw new Error("not 80 pixels wide");
 * ```
 */
export async function renderSvg(
  svg: string,
  options: RenderSvgOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  return await render(svg, options, (image) => new Uint8Array(image.asPng()));
}

/**
 * Render a drawing to pixels.
 *
 * @param svg The drawing, on an opaque ground; pictures in it must be `data:` URLs.
 * @param options Resolution.
 * @returns Shape (H, W, 4): RGBA.
 */
export async function renderSvgPixels(
  svg: string,
  options: RenderSvgOptions = {},
): Promise<NdArray<"uint8">> {
  return await render(svg, options, (image) => {
    const { width, height } = image;
    return ndarray("uint8", [height, width, 4], new Uint8Array(image.pixels));
  });
}

async function render<Result>(
  svg: string,
  { scale = 1 }: RenderSvgOptions,
  take: (image: ReturnType<InstanceType<Resvg>["render"]>) => Result,
): Promise<Result> {
  const { Resvg, fonts } = await (loaded ??= load());
  const drawing = new Resvg(svg, {
    fitTo: { mode: "zoom", value: scale },
    font: { fontBuffers: fonts, defaultFontFamily: "DejaVu Sans" },
  });
  const rendered = drawing.render();
  try {
    return take(rendered);
  } finally {
    rendered.free();
    drawing.free();
  }
}

async function load() {
  const { initWasm, Resvg } = await import("@resvg/resvg-wasm");
  // Importing any file of a package makes the runtime fetch it; the fonts are then plain files.
  await import("dejavu-fonts-ttf/package.json", { with: { type: "json" } });
  const read = (url: string) => Deno.readFile(new URL(url));
  const [wasm, regular, bold] = await Promise.all([
    read(import.meta.resolve("@resvg/resvg-wasm/index_bg.wasm")),
    read(import.meta.resolve("dejavu-fonts-ttf/ttf/DejaVuSans.ttf")),
    read(import.meta.resolve("dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf")),
  ]);
  await initWasm(wasm);
  return { Resvg, fonts: [regular, bold] };
}
