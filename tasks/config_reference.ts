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
and \`loss\` are alike. Keys that belong to one of several say which.

| key | default | meaning |
| --- | --- | --- |
`;

/** The whole page, as Markdown. */
export function configReference(): string {
  return INTRODUCTION + trainConfigKeys().map(row).join("");
}

function row({ name, alternative, fallback, description }: TrainConfigKey): string {
  const key = `\`${name}\`${alternative === null ? "" : ` (${alternative})`}`;
  return `| ${key} | \`${fallback}\` | ${description.replaceAll("|", "\\|")} |\n`;
}
