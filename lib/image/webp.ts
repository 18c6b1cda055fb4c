/**
 * WebP (RFC 9649) by libwebp, compiled to WebAssembly.
 *
 * @module
 */
import { formatShape, type NdArray } from "../array/mod.ts";

/** Options of {@linkcode encodeWebp}. */
export interface WebpOptions {
  /** From 0 to 100; without loss where left out. */
  readonly quality?: number;
}

/** Most columns or rows of a WebP file. */
export const MAX_WEBP_SIDE = 16_383;

let loaded: Promise<typeof import("@jsquash/webp/encode.js").default> | undefined;

/**
 * Encode a picture.
 *
 * @param image Shape (H, W, 4): RGBA, sides of at most 16383 pixels.
 * @param options With or without loss.
 * @returns The bytes of a WebP file.
 * @throws {RangeError} If the shape is another.
 *
 * @example
 * ```ts
 * import { encodeWebp, ndarray } from "swath";
 *
 * const webp = await encodeWebp(ndarray("uint8", [2, 3, 4]));
 * if (new TextDecoder().decode(webp.subarray(8, 12)) !== "WEBP") throw new Error("not a WebP file");
 * ```
 */
export async function encodeWebp(
  image: NdArray<"uint8">,
  { quality }: WebpOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const [height, width, channels] = image.shape;
  if (channels !== 4 || !height || !width || Math.max(height, width) > MAX_WEBP_SIDE) {
    throw new RangeError(
      `internal: a WebP picture has shape height x width x 4, up to ${MAX_WEBP_SIDE}: got ${
        formatShape(image.shape)
      }`,
    );
  }
  const encode = await (loaded ??= load());
  const data = new Uint8ClampedArray(image.data.length);
  data.set(image.data);
  // The encoder wants what browsers call ImageData, of which it looks at these three alone.
  const picture = { data, width, height } as Parameters<typeof encode>[0];
  return new Uint8Array(
    await encode(picture, quality === undefined ? { lossless: 1 } : { quality }),
  );
}

async function load() {
  const { default: encode, init } = await import("@jsquash/webp/encode.js");
  // The package would fetch its WebAssembly; it is a plain file beside it. Every CPU of the last ten years has SIMD.
  const url = new URL(import.meta.resolve("@jsquash/webp/codec/enc/webp_enc_simd.wasm"));
  await init(await WebAssembly.compile(await Deno.readFile(url)));
  return encode;
}
