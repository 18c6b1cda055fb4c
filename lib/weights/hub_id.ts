/**
 * Names of models on the Hugging Face hub.
 *
 * @module
 */

/** A model on the hub. */
export interface HubId {
  /** Owner and name, such as `nvidia/mit-b5`. */
  readonly name: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

/** What the hub accepts as an owner or a name. */
const PART = "[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?";
const HUB_ID = new RegExp(`^(${PART}/${PART})(?:@([A-Za-z0-9][A-Za-z0-9._/-]*))?$`);

/**
 * Read a model's name.
 *
 * @param text Such as `nvidia/mit-b5` or `nvidia/mit-b5@refs/pr/3`.
 * @returns The name and the revision, `main` where none is given; null if it cannot be a hub's name.
 *
 * @example
 * ```ts
 * import { parseHubId } from "swath";
 *
 * if (parseHubId("nvidia/mit-b5@v1")?.revision !== "v1") throw new Error("a revision is given");
 * if (parseHubId("./models/mit-b5") !== null) throw new Error("a path is no name");
 * ```
 */
export function parseHubId(text: string): HubId | null {
  const match = HUB_ID.exec(text);
  if (match === null || /--|\.\./.test(text)) return null;
  return { name: match[1]!, revision: match[2] ?? "main" };
}

/** The name as people write it: the revision is left out where it is `main`. */
export function formatHubId({ name, revision }: HubId): string {
  return revision === "main" ? name : `${name}@${revision}`;
}
