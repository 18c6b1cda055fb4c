/**
 * What the terminal can show.
 *
 * @module
 */

/** Width of text that goes anywhere but to a terminal. */
const DEFAULT_COLUMNS = 80;
/** Terminals may say that they have no columns at all; below this, nothing can be laid out. */
const NARROWEST = 40;
/** Longer lines are hard to read. */
const WIDEST_TEXT = 100;

/** A standard stream that can be asked whether it is a terminal. */
interface MaybeTerminal {
  isTerminal(): boolean;
}

/** Columns of the terminal; 80 where there is none, or where it does not say. */
export function terminalColumns(stream: MaybeTerminal): number {
  if (!stream.isTerminal()) return DEFAULT_COLUMNS;
  try {
    const { columns } = Deno.consoleSize();
    return columns > 0 ? Math.max(NARROWEST, columns) : DEFAULT_COLUMNS;
  } catch {
    return DEFAULT_COLUMNS;
  }
}

/** Columns for running text. */
export function textColumns(stream: MaybeTerminal): number {
  return Math.min(WIDEST_TEXT, terminalColumns(stream));
}

/** True if the stream is a terminal that understands control sequences. */
export function isCapable(stream: MaybeTerminal): boolean {
  return stream.isTerminal() && Deno.env.get("TERM") !== "dumb";
}

/** True if colours may be used: on a capable terminal, unless NO_COLOR is set (no-color.org). */
export function useColors(stream: MaybeTerminal): boolean {
  return isCapable(stream) && !Deno.env.get("NO_COLOR");
}
