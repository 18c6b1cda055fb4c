/**
 * Help pages.
 *
 * @module
 */
import type { Command } from "./command.ts";
import { commandLineParser } from "./command_line.ts";
import { COMMAND_GROUPS, COMMANDS } from "./commands/mod.ts";
import {
  type DocEntry,
  type DocPage,
  type DocSection,
  formatDocPage,
  getDocPage,
  lineBreak,
  type Message,
  text,
  type UsageTerm,
} from "./optique.ts";

/** How a page is laid out. */
export interface HelpFormat {
  /** Columns to fill. */
  readonly columns: number;
  /** True to use colours. */
  readonly colors: boolean;
}

/** The page of one command. */
export function commandHelp<Options>(command: Command<Options>, format: HelpFormat): string {
  const page = commandDocPage(command);
  const sections = page.sections.map((section) => ({
    ...section,
    entries: section.entries.map(bracketChoices),
  }));
  const body = formatDocPage(`swath ${command.name}`, { ...page, sections }, {
    maxWidth: format.columns,
    colors: format.colors,
    termWidth: "auto",
    showDefault: { prefix: " [default: ", suffix: "]" },
    showChoices: { prefix: " ", suffix: "", label: "" },
    sectionOrder: () => 0,
  });
  const examples = command.examples.map(({ note, command }) =>
    `  # ${note}\n  ${command.replaceAll("\n", "\n  ")}\n`
  );
  const heading = format.colors ? "\x1b[1;2mExamples:\x1b[0m" : "Examples:";
  // Where the formatter breaks a line, it leaves the space at its end.
  const lines = body.trimEnd().replaceAll(/ +$/gm, "");
  return [`${command.summary}.`, "", lines, "", heading, examples.join("\n")].join("\n");
}

/** Choices as one text: the formatter breaks lines between terms, be there a comma or a bracket. */
function bracketChoices(entry: DocEntry): DocEntry {
  if (entry.choices === undefined) return entry;
  const words = entry.choices.map((term) =>
    term.type === "value" ? term.value : term.type === "text" ? term.text : ""
  );
  return { ...entry, choices: [text(`[${words.join("")}]`)] };
}

/** What a command's page holds; also the source of the reference. */
export function commandDocPage<Options>(command: Command<Options>): DocPage {
  const page = getDocPage(commandLineParser(command));
  if (page === undefined) throw new Error(`internal: command ${command.name} has no help page`);
  return {
    ...page,
    usage: shortUsage(page.usage ?? []),
    description: paragraphs(command.description),
    sections: [
      ...page.sections.filter(({ title }) => title === undefined).flatMap(titled),
      ...page.sections.filter(({ title }) => title !== undefined),
    ].map(({ title, entries }) => ({
      ...(title && { title }),
      entries: entries.map(plainDefault),
    })),
  };
}

/** Defaults without the quotation marks that values have in messages. */
function plainDefault(entry: DocEntry): DocEntry {
  if (entry.default === undefined) return entry;
  const unquoted = entry.default.map((term) => term.type === "value" ? text(term.value) : term);
  return { ...entry, default: unquoted };
}

/** Arguments and options that belong to no group, each under a heading of their own. */
function titled({ entries }: DocSection): DocSection[] {
  const isArgument = ({ term }: DocEntry) => term.type !== "option";
  return [
    { title: "Arguments", entries: entries.filter(isArgument) },
    { title: "Options", entries: entries.filter((entry) => !isArgument(entry)) },
  ].filter(({ entries }) => entries.length > 0);
}

/** The usage line with its optional options gathered into one word, as the page lists them below. */
function shortUsage(usage: readonly UsageTerm[]): UsageTerm[] {
  const isOptionalOption = (term: UsageTerm): boolean =>
    (term.type === "optional" || (term.type === "multiple" && term.min === 0)) &&
    term.terms.every((inner) => inner.type === "option" || isOptionalOption(inner));
  return [
    { type: "literal", value: "[OPTIONS]" },
    ...usage.filter((term) => !isOptionalOption(term)),
  ];
}

function paragraphs(lines: readonly string[]): Message {
  return lines.flatMap((line, i) =>
    i === 0 ? [text(line)] : [lineBreak(), lineBreak(), text(line)]
  );
}

/** The list of commands. */
export function overview(format: HelpFormat): string {
  const bold = (heading: string) => format.colors ? `\x1b[1m${heading}\x1b[0m` : heading;
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const sections = COMMAND_GROUPS.flatMap((group) => {
    const lines = Object.entries(COMMANDS)
      .filter(([, entry]) => entry.group === group)
      .map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
    return lines.length === 0 ? [] : [[bold(`${group}:`), ...lines, ""].join("\n")];
  });
  return [
    "swath: land-cover maps from satellite scenes.",
    "",
    `${bold("Usage:")} swath COMMAND [OPTIONS] …`,
    "",
    ...sections,
    "`swath COMMAND --help` describes a command; `swath completion SHELL` completes them.",
    "",
  ].join("\n");
}
