/// <reference lib="dom" />
/**
 * Elements and numbers of the page.
 *
 * @module
 */

/** Attributes of an element; false and null leave one out, and true gives it no value. */
export type Attributes = Readonly<Record<string, string | number | boolean | null>>;

/** Make an element of HTML. */
export function html<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

/** Make an element of SVG. */
export function svg<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): SVGElementTagNameMap[Name] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

function setAttributes(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** A part of the page with a heading. */
export function section(
  id: string,
  heading: string,
  ...children: readonly (Node | string)[]
): HTMLElement {
  return html(
    "section",
    { id, "aria-labelledby": `${id}-heading` },
    html("h2", { id: `${id}-heading` }, heading),
    ...children,
  );
}

/** A choice among a few, with its label. */
export function choice(
  label: string,
  id: string,
  options: readonly string[],
  onChange: (index: number) => void,
): HTMLElement {
  const select = html(
    "select",
    { id },
    ...options.map((option, index) => html("option", { value: index }, option)),
  );
  select.addEventListener("change", () => onChange(select.selectedIndex));
  return html("label", { class: "field" }, html("span", {}, label), select);
}

/** A share such as `12.3 %`. */
export function formatShare(share: number): string {
  const percent = 100 * share;
  return `${percent > 0 && percent < 0.05 ? "< 0.1" : percent.toFixed(1)} %`;
}

/** An area such as `12.3 ha` or `4.56 km²`. */
export function formatArea(squareMetres: number): string {
  return areaFormat(squareMetres)(squareMetres);
}

/**
 * How areas of one list are told: all in the unit that suits the largest, so that they compare.
 *
 * @param largest The largest of them in m².
 */
export function areaFormat(largest: number): (squareMetres: number) => string {
  const [unit, size] = largest >= 1e7
    ? ["km²", 1e6]
    : largest >= 1e3 || largest === 0
    ? ["ha", 1e4]
    : ["m²", 1];
  return (squareMetres) => `${significant(squareMetres / size)} ${unit}`;
}

/** A whole number in groups of three digits. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** A number with three digits that matter, or all of those before the point. */
export function significant(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return value.toLocaleString("en-US");
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString("en-US", {
    maximumFractionDigits: Math.min(digits, 12),
    minimumFractionDigits: Math.min(digits, 2),
  });
}

/** A score with four digits; n/a where it is 0/0. */
export function formatScore(score: number | null): string {
  return score === null ? "n/a" : score.toFixed(4);
}

/** True if text on this colour is to be white. */
export function needsLightText(color: string): boolean {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16)) as [
    number,
    number,
    number,
  ];
  return 0.299 * r + 0.587 * g + 0.114 * b < 140;
}
