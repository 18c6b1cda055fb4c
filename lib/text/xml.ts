/**
 * XML as programs write it: flat lists of elements, which take no parser of documents.
 *
 * @module
 */

/** An element: its attributes, and its text. */
export interface XmlElement {
  /** Values by name, entities decoded. */
  readonly attributes: ReadonlyMap<string, string>;
  /** What is between its tags; entities are decoded where no element is in it. */
  readonly text: string;
}

/**
 * Elements of a name, in order; none may nest in one of its own kind.
 *
 * @param xml The text.
 * @param name Name of the elements; a namespace's prefix before it counts as part of the name only where
 * it is given.
 */
export function xmlElements(xml: string, name: string): XmlElement[] {
  const tag = name.includes(":") ? name : `(?:[\\w.-]+:)?${name}`;
  const pattern = new RegExp(`<${tag}((?:\\s[^<>]*)?)(?:/>|>([\\s\\S]*?)</${tag}>)`, "g");
  return [...xml.matchAll(pattern)].map(([, attributes = "", text = ""]) => ({
    attributes: new Map(
      [...attributes.matchAll(/([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)].map(
        ([, key = "", double, single]) => [key, decodeXmlEntities(double ?? single ?? "")],
      ),
    ),
    // Text with elements in it is searched again; its entities are decoded at the innermost.
    text: text.includes("<") ? text : decodeXmlEntities(text),
  }));
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

/** Text with its entities decoded; those that XML does not know stay. */
export function decodeXmlEntities(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const code = hex === undefined ? Number(decimal) : parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/** Text as the content or an attribute of an element. */
export function escapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
  };
  return text.replace(/[&<>"]/g, (character) => entities[character]!);
}
