/** `swath info`. @module */
import { object } from "@optique/core/constructs";
import { defineCommand } from "../command.ts";
import { fileArgument } from "../options.ts";

export default defineCommand({
  name: "info",
  summary: "Say what a raster, a patch stream or a model directory holds",
  description: [],
  examples: [],
  parser: object({ file: fileArgument("FILE", "x") }),
  run: (_o, io) => io.write("x"),
});
