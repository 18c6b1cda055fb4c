/** `swath help`. @module */
import { defineCommand } from "../command.ts";
import { commandHelp, overview } from "../help.ts";
import { argument, message, object, optional } from "../optique.ts";
import { textColumns } from "../terminal.ts";
import { oneOf } from "../values.ts";
import { COMMANDS, findCommand } from "./mod.ts";

export default defineCommand({
  name: "help",
  summary: "List the commands, or describe one",
  description: ["With the name of a command, it prints what `swath COMMAND --help` prints."],
  examples: [{ note: "Describe a command", command: "swath help info" }],
  parser: object({
    verb: optional(
      argument(oneOf("COMMAND", Object.keys(COMMANDS)), {
        description: message`The command to describe`,
      }),
    ),
  }),
  async run({ verb }, io) {
    const format = { columns: textColumns(Deno.stdout), colors: io.stdoutColors };
    if (verb === undefined) return await io.write(overview(format));
    const { default: command } = await findCommand(verb)!.load();
    await io.write(commandHelp(command, format));
  },
});
