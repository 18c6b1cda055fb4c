/**
 * The reference of all commands, as Markdown.
 *
 * @module
 */
import type { Command } from "./command.ts";
import { COMMON_OPTIONS } from "./command_line.ts";
import { COMMAND_GROUPS, COMMANDS } from "./commands/mod.ts";
import { commandDocPage } from "./help.ts";
import {
  type DocEntry,
  type DocSection,
  formatMessage,
  formatUsage,
  formatUsageTerm,
  type Message,
} from "./optique.ts";

const INTRODUCTION = `# Commands

This page is made by \`deno task docs\` from what \`swath COMMAND --help\` prints.

Data goes to standard output; messages and progress go to standard error. Exit codes: 0 for success,
1 for a negative result (such as a score below \`--fail-under\`), 2 for a fault of usage, input or the
file system, 70 for a fault of swath itself; 130, 143 and 129 after SIGINT, SIGTERM and SIGHUP. With
\`SWATH_DEBUG=1\`, errors come with the stack.
`;

/** The whole page. */
export async function commandReference(): Promise<string> {
  const parts = [INTRODUCTION, contents()];
  for (const { load } of Object.values(COMMANDS)) {
    parts.push(commandSection((await load()).default));
  }
  return parts.join("\n");
}

function contents(): string {
  return COMMAND_GROUPS.flatMap((group) => {
    const lines = Object.entries(COMMANDS)
      .filter(([, entry]) => entry.group === group)
      .map(([name, { summary }]) => `- [\`${name}\`](#${name}): ${escapeMarkdown(summary)}\n`);
    return lines.length === 0 ? [] : [`**${group}**\n\n${lines.join("")}`];
  }).join("\n");
}

function commandSection(command: Command): string {
  const { usage, sections } = commandDocPage(command);
  const examples = command.examples.map(({ note, command }) => `# ${note}\n${command}\n`);
  return [
    `## ${command.name}\n`,
    `${escapeMarkdown(command.summary)}.\n`,
    `\`\`\`text\n${formatUsage(`swath ${command.name}`, usage ?? [])}\n\`\`\`\n`,
    ...command.description.map((paragraph) => `${escapeMarkdown(paragraph)}\n`),
    ...sections.filter((section) => !isCommon(section)).map(sectionTable),
    `**Examples**\n\n\`\`\`sh\n${examples.join("\n")}\`\`\`\n`,
  ].join("\n");
}

/** Options that every command has are listed once. */
function isCommon({ title }: DocSection): boolean {
  return title === COMMON_OPTIONS;
}

function sectionTable({ title, entries }: DocSection): string {
  return `**${title}**\n\n| | |\n| --- | --- |\n${entries.map(entryRow).join("")}`;
}

function entryRow({ term, description, default: standard, choices }: DocEntry): string {
  const plain = (message: Message | undefined) =>
    message === undefined ? "" : formatMessage(message, { quotes: false });
  const notes = [
    ...(choices === undefined ? [] : [`one of ${plain(choices)}`]),
    ...(standard === undefined ? [] : [`default ${plain(standard)}`]),
  ];
  const note = notes.length === 0 ? "" : ` (${notes.join("; ")})`;
  const text = escapeMarkdown(plain(description) + note).replaceAll("|", "\\|");
  return `| \`${formatUsageTerm(term, { optionsSeparator: ", " })}\` | ${text} |\n`;
}

/** Text that Markdown shows as it is; `code` stays code. */
function escapeMarkdown(text: string): string {
  return text.replaceAll("<", "&lt;").replace(/(?<!`)([*_])(?![^`]*`)/g, "\\$1");
}
