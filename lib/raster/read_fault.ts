/**
 * Faults that are found deep inside a file, where its name is not known.
 *
 * Parsers and decoders throw a {@linkcode RasterFault}; the reader that owns the file turns it into
 * an `InputError` with the name in front.
 *
 * @module
 */
import { InputError } from "../errors.ts";

/** What is wrong with a raster file, in words that follow `Cannot read "a.tif": `. */
export class RasterFault extends Error {
  /** Always `"RasterFault"`. */
  override readonly name = "RasterFault";
}

/** What was caught, as an `InputError` that names the file where it is a fault of the file. */
export function describeFault(error: unknown, source: string): unknown {
  if (!(error instanceof RasterFault)) return error;
  return new InputError(`Cannot read ${JSON.stringify(source)}: ${error.message}`, {
    cause: error,
  });
}

/** Run work on a raster; its faults come out as an `InputError` that names the file. */
export async function withRasterFaults<T>(source: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw describeFault(error, source);
  }
}
