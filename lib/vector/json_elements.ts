/**
 * The features of a GeoJSON file as pieces of text, without holding the file.
 *
 * A collection may be of any size, so that its text is not parsed as one value: bytes are followed
 * through strings and brackets only, and what lies between them is cut out and parsed by itself.
 *
 * @module
 */
import { VectorFault } from "./feature.ts";

/** A piece of a GeoJSON text. */
export type JsonPiece =
  /** An element of the member `features` of a top-level object. */
  | { readonly type: "element"; readonly text: string }
  /** Another member of a top-level object. */
  | { readonly type: "member"; readonly key: string; readonly text: string }
  /** A top-level value has ended. `isObject` is false for anything but an object. */
  | { readonly type: "end"; readonly isObject: boolean };

const CHAR = {
  quote: 0x22,
  backslash: 0x5c,
  comma: 0x2c,
  colon: 0x3a,
  openBrace: 0x7b,
  closeBrace: 0x7d,
  openBracket: 0x5b,
  closeBracket: 0x5d,
  recordSeparator: 0x1e,
} as const;

/** Where the scanner is. */
type Place =
  /** Between top-level values. */
  | "between"
  /** In a top-level object, before the name of a member or the end. */
  | "key"
  /** Before the value of a member. */
  | "colon"
  /** In a value that is cut out. */
  | "value"
  /** In the list of features, before an element or the end. */
  | "elements"
  /** After a member or an element. */
  | "after";

/**
 * Cut a GeoJSON text into pieces.
 *
 * @param chunks The bytes, UTF-8, with or without a byte order mark.
 * @returns Members and features in the order of the text; top-level values may follow one another, as
 * in newline-delimited GeoJSON and GeoJSON text sequences (RFC 8142).
 * @throws {VectorFault} If brackets, commas or quotes are out of place, or the text ends too early.
 */
export async function* jsonPieces(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<JsonPiece, void, undefined> {
  const scanner = new JsonScanner();
  for await (const chunk of chunks) yield* scanner.scan(chunk);
  yield* scanner.finish();
}

class JsonScanner {
  #place: Place = "between";
  /** Open brackets inside the value that is being cut out. */
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** True in the list of features. */
  #inElements = false;
  #key = "";
  /** The value that is being cut out is a name, a member, an element, or a whole top-level value. */
  #kind: "key" | "member" | "element" | "whole" = "whole";
  /** What must follow: after a comma, a value; before it, none. */
  #commaSeen = false;
  #elements = 0;
  readonly #parts: Uint8Array[] = [];
  #position = 0;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  *scan(chunk: Uint8Array): Generator<JsonPiece, void, undefined> {
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (this.#place === "value") {
        if (this.#inString) {
          if (this.#escaped) this.#escaped = false;
          else if (byte === CHAR.backslash) this.#escaped = true;
          else if (byte === CHAR.quote) {
            this.#inString = false;
            if (this.#depth === 0) {
              yield* this.#cut(chunk.subarray(start, i + 1));
            }
          }
          continue;
        }
        if (byte === CHAR.quote) this.#inString = true;
        else if (byte === CHAR.openBrace || byte === CHAR.openBracket) this.#depth++;
        else if (byte === CHAR.closeBrace || byte === CHAR.closeBracket) {
          if (this.#depth > 0) {
            this.#depth--;
            if (this.#depth === 0) yield* this.#cut(chunk.subarray(start, i + 1));
          } else {
            // A number or a word ends where its container does.
            yield* this.#cut(chunk.subarray(start, i));
            yield* this.#between(byte, this.#position + i);
          }
        } else if (this.#depth === 0 && (byte === CHAR.comma || isSpace(byte))) {
          yield* this.#cut(chunk.subarray(start, i));
          if (!isSpace(byte)) yield* this.#between(byte, this.#position + i);
        }
        continue;
      }
      if (isSpace(byte)) continue;
      if (this.#position + i < 3 && isMark(byte)) continue;
      const pieces = this.#between(byte, this.#position + i);
      yield* pieces;
      if ((this.#place as Place) === "value") start = i;
    }
    if (this.#place === "value") this.#parts.push(chunk.slice(start));
    this.#position += chunk.length;
  }

  *finish(): Generator<JsonPiece, void, undefined> {
    if (this.#place === "value" && this.#kind === "whole" && this.#depth === 0 && !this.#inString) {
      yield* this.#cut(new Uint8Array(0));
    }
    if (this.#place !== "between") {
      throw new VectorFault(
        this.#inElements || this.#kind === "element"
          ? `it ends inside feature ${this.#elements + 1}: it is cut off`
          : "it ends inside a value: it is cut off",
      );
    }
  }

  /** A byte outside of values. */
  *#between(byte: number, at: number): Generator<JsonPiece, void, undefined> {
    switch (this.#place) {
      case "between":
        if (byte === CHAR.recordSeparator) return;
        if (byte === CHAR.openBrace) {
          this.#place = "key";
          this.#commaSeen = false;
        } else this.#begin("whole", byte, at);
        return;
      case "key":
        if (byte === CHAR.quote) this.#begin("key", byte, at);
        else if (byte === CHAR.closeBrace && !this.#commaSeen) {
          this.#place = "between";
          yield { type: "end", isObject: true };
        } else throw misplaced(byte, at, "the name of a member");
        return;
      case "colon":
        if (byte === CHAR.colon) {
          this.#place = "elements";
          this.#commaSeen = true;
        } else throw misplaced(byte, at, "a colon");
        return;
      case "elements":
        if (!this.#inElements) {
          if (this.#key === "features" && byte === CHAR.openBracket) {
            this.#inElements = true;
            this.#commaSeen = false;
          } else this.#begin("member", byte, at);
        } else if (byte === CHAR.closeBracket && !this.#commaSeen) {
          this.#inElements = false;
          this.#place = "after";
        } else this.#begin("element", byte, at);
        return;
      case "after":
        this.#commaSeen = byte === CHAR.comma;
        if (this.#inElements) {
          if (byte === CHAR.comma) this.#place = "elements";
          else if (byte === CHAR.closeBracket) this.#inElements = false;
          else throw misplaced(byte, at, "a comma or the end of the list of features");
        } else if (byte === CHAR.comma) this.#place = "key";
        else if (byte === CHAR.closeBrace) {
          this.#place = "between";
          yield { type: "end", isObject: true };
        } else throw misplaced(byte, at, "a comma or the end of the object");
    }
  }

  #begin(kind: "key" | "member" | "element" | "whole", byte: number, at: number): void {
    if (byte === CHAR.comma || byte === CHAR.closeBrace || byte === CHAR.closeBracket) {
      throw misplaced(byte, at, kind === "element" ? "a feature" : "a value");
    }
    this.#kind = kind;
    this.#place = "value";
    this.#inString = byte === CHAR.quote;
    this.#escaped = false;
    this.#depth = byte === CHAR.openBrace || byte === CHAR.openBracket ? 1 : 0;
  }

  *#cut(last: Uint8Array): Generator<JsonPiece, void, undefined> {
    const text = this.#text(last);
    switch (this.#kind) {
      case "key":
        this.#key = parseJson(text, "the name of a member") as string;
        this.#place = "colon";
        return;
      case "member":
        this.#place = "after";
        yield { type: "member", key: this.#key, text };
        return;
      case "element":
        this.#place = "after";
        this.#elements++;
        yield { type: "element", text };
        return;
      case "whole":
        this.#place = "between";
        yield { type: "end", isObject: false };
    }
  }

  #text(last: Uint8Array): string {
    const parts = [...this.#parts.splice(0), last];
    try {
      return parts.map((part, i) => this.#decoder.decode(part, { stream: i + 1 < parts.length }))
        .join("");
    } catch (cause) {
      throw new VectorFault("it is not in UTF-8, which JSON is written in", { cause });
    }
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** A byte of UTF-8's byte order mark. */
function isMark(byte: number): boolean {
  return byte === 0xef || byte === 0xbb || byte === 0xbf;
}

function misplaced(byte: number, at: number, expected: string): VectorFault {
  const found = byte > 0x20 && byte < 0x7f
    ? JSON.stringify(String.fromCharCode(byte))
    : `byte 0x${byte.toString(16).padStart(2, "0")}`;
  return new VectorFault(`${found} at byte ${at} is out of place: expected ${expected}`);
}

/**
 * Parse a piece.
 *
 * @param text JSON.
 * @param what What it is, for errors.
 * @throws {VectorFault} If it is not JSON.
 */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new VectorFault(`${what} is not JSON: ${(cause as Error).message}`, { cause });
  }
}
