/** What decompressors are tried on. */
import { randomStream } from "swath";

/** Bytes that nobody shares. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Contents of all kinds: nothing, runs, noise, few values, long repeats, text. */
export function contents(): Map<string, Bytes> {
  const { integer } = randomStream(1, "kernels");
  const make = (length: number, byte: (index: number) => number) =>
    Uint8Array.from({ length }, (_, index) => byte(index));
  const noise = make(70_000, (index) => integer(index, 256));
  return new Map([
    ["one byte", make(1, () => 7)],
    ["a run", make(100_000, () => 9)],
    ["noise", noise],
    ["two values", make(50_000, (index) => integer(index, 2))],
    ["small differences", make(90_000, (index) => (integer(index, 9) - 4) & 255)],
    ["a repeat from afar", make(100_000, (index) => noise[index % 32_000]!)],
    [
      "short repeats",
      make(60_000, (index) => "abcabcdabcde".charCodeAt(index % 7) + (index >> 12)),
    ],
    [
      "skewed",
      make(
        80_000,
        (index) => Math.min(255, Math.floor(-20 * Math.log2(1 - integer(index, 1e6) / 1e6))),
      ),
    ],
  ]);
}
