/**
 * Output of the tasks.
 *
 * @module
 */

/** Write text to standard output, all of it, at once. */
export function print(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length;) {
    written += Deno.stdout.writeSync(bytes.subarray(written));
  }
}
