import { type ClassInfo, STREAM_VERSION, type StreamHeader } from "swath";

/** Header of the stream of a scene that lies nowhere. */
export function segmentHeader(
  { width, height }: { readonly width: number; readonly height: number },
  classes: readonly ClassInfo[],
): StreamHeader {
  return {
    swath: STREAM_VERSION,
    scene: {
      name: "scene",
      width,
      height,
      georeference: { crs: null, transform: null, geoKeys: null, pixelIsPoint: false },
    } as unknown as StreamHeader["scene"],
    grid: null,
    samples: null,
    bands: [],
    dtype: null,
    normalization: null,
    classes,
    output: null,
    history: [],
  };
}
