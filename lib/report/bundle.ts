/**
 * The page's scripts as one: modules of TypeScript without imports from elsewhere, put one after the other in
 * the order that they need one another, their types removed. No build step, no network.
 *
 * All names at the top of the modules are distinct, and exports are those of declarations: `export function`,
 * `export class`, `export const`.
 *
 * @module
 */
import { stripTypeScriptTypes } from "node:module";

/**
 * Put modules together.
 *
 * @param modules Their sources by file name.
 * @param entry The one that starts.
 * @returns A script that runs as it is, as a module.
 * @throws {RangeError} If a module is missing, or they need one another in a circle.
 */
export function bundleModules(
  modules: Readonly<Record<string, string>>,
  entry: string,
): string {
  const done = new Map<string, string>();
  const add = (name: string, path: readonly string[]) => {
    if (done.has(name)) return;
    const source = modules[name];
    if (source === undefined) throw new RangeError(`internal: the page has no module "${name}"`);
    if (path.includes(name)) {
      throw new RangeError(`internal: modules need one another: ${[...path, name].join(", ")}`);
    }
    const script = stripTypeScriptTypes(source);
    for (const [, wanted] of script.matchAll(IMPORT)) add(wanted!, [...path, name]);
    const body = script.replace(IMPORT, "").replace(
      /^export (?=(async )?(function|class|const)\b)/gm,
      "",
    );
    if (/^\s*(import|export)\b/m.test(body)) {
      throw new RangeError(`internal: "${name}" imports or exports in another way than it may`);
    }
    done.set(name, body.replace(/[ \t]+$/gm, "").replace(/\n{3,}/g, "\n\n").trim());
  };
  add(entry, []);
  return [...done.values()].join("\n\n");
}

/** An import of names from a module of the page. */
const IMPORT = /^import\s*\{[^{}]*\}\s*from\s*"\.\/([\w.]+)";$/gm;
