/**
 * The table of the keys of a training's configuration.
 *
 * @module
 */
import { type TrainConfigKey, trainConfigKeys } from "../mod.ts";

const INTRODUCTION = `# Configuration of a training

This page is made by \`deno task docs\`. The keys stand in the YAML file that \`swath train --config\`
takes, nested at the dots; each is also an option: \`early_stopping.patience\` is
\`--early-stopping-patience\`. \`optimizer: sgd\` is short for \`optimizer: {name: sgd}\`, and \`schedule\`
is alike. Keys that belong to one of several say which.

\`loss\` maps names to weights, or to mappings of a weight and settings, which have no options of their own:
\`--loss ce,dice:0.5\` and \`--loss '{ce: 1, focal: {weight: 0.5, gamma: 3}}'\`. All losses leave out pixels of the
ignore label; a batch without labels has loss 0. A class that no label of the batch has is left out of the
means of \`dice\`, \`tversky\` and \`lovasz\`, unless \`classes\` is \`all\`.

| key | default | meaning |
| --- | --- | --- |
`;

/** The whole page, as Markdown. */
export function configReference(): string {
  return INTRODUCTION + trainConfigKeys().map(row).join("");
}

function row({ name, alternative, fallback, description }: TrainConfigKey): string {
  const key = `\`${name}\`${alternative === null ? "" : ` (${alternative})`}`;
  const given = fallback === "" ? "–" : `\`${fallback}\``;
  return `| ${key} | ${given} | ${description.replaceAll("|", "\\|")} |\n`;
}
