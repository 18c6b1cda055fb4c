/** `swath completion`. @module */
import { defineCommand } from "../command.ts";
import { completionScript, type Shell, SHELLS } from "../completion.ts";
import { argument, message, object } from "../optique.ts";
import { oneOf } from "../values.ts";

export default defineCommand({
  name: "completion",
  summary: "Print a script that completes commands in a shell",
  description: [
    "Commands, options, their values and files are completed. The script asks swath itself at each " +
    "press of Tab, so it needs to be installed only once.",
  ],
  examples: [
    {
      note: "bash",
      command: "swath completion bash > ~/.local/share/bash-completion/completions/swath",
    },
    {
      note: "zsh, with a directory of its fpath",
      command: "swath completion zsh > ~/.zfunc/_swath",
    },
    { note: "fish", command: "swath completion fish > ~/.config/fish/completions/swath.fish" },
    { note: "PowerShell", command: "swath completion pwsh >> $PROFILE" },
    { note: "Nushell", command: "swath completion nu | save --append $nu.config-path" },
  ],
  parser: object({
    shell: argument(
      oneOf("SHELL", Object.keys(SHELLS) as Shell[]),
      {
        description: message`The shell that is to complete swath`,
        errors: { endOfInput: message`Missing SHELL` },
      },
    ),
  }),
  run: ({ shell }, io) => io.write(completionScript(shell)),
});
