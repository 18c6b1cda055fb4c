/**
 * What commands use of optique, which parses the command line. It is imported here alone: Deno resolves
 * each import of a package anew, so that every start of swath takes longer by all of them.
 */
export { bash, fish, nu, pwsh, type ShellCompletion, zsh } from "@optique/core/completion";
export { merge, object } from "@optique/core/constructs";
export { type DocEntry, type DocPage, type DocSection, formatDocPage } from "@optique/core/doc";
export { formatMessage, lineBreak, type Message, message, text } from "@optique/core/message";
export { multiple, optional, withDefault } from "@optique/core/modifiers";
export type { NonEmptyString } from "@optique/core/nonempty";
export { getDocPage, parse, type Parser, suggest, type Suggestion } from "@optique/core/parser";
export { argument, flag, option } from "@optique/core/primitives";
export { formatUsage, formatUsageTerm, type Usage, type UsageTerm } from "@optique/core/usage";
export { choice, string, type ValueParser } from "@optique/core/valueparser";
