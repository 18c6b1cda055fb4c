/** `swath info`. @module */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { withDefault } from "@optique/core/modifiers";
import { flag } from "@optique/core/primitives";
import { readStream, withFileErrors } from "../../mod.ts";
import { defineCommand } from "../command.ts";
import { describeSegment, type SegmentSummary, summarizeStream } from "../info/stream_info.ts";
import { fileArgument, jsonOption } from "../options.ts";
import { readPatches } from "../stream.ts";
import { formatJson } from "../table.ts";

export default defineCommand({
  name: "info",
  summary: "Say what a raster, a patch stream or a model directory holds",
  description: [
    "A patch stream is read to its end, so that it is checked as well: its order, its end mark and " +
    "the checksum of every array.",
    "With -, the stream comes from standard input.",
  ],
  examples: [
    { note: "A scene", command: "swath info scene.tif" },
    { note: "What flows through a pipe", command: "swath tile scene.tif | swath info -" },
    { note: "The classes of a map", command: "swath info map.tif --json | jq '.classes[].name'" },
  ],
  parser: object({
    file: fileArgument(
      "FILE",
      "Raster (path or URL), patch stream (path, or - for standard input) or model directory",
    ),
    samples: withDefault(
      flag("--samples", {
        description:
          message`List every array of a patch stream with its smallest, mean and largest value`,
      }),
      false,
    ),
    json: jsonOption(),
  }),
  async run({ file, samples, json }, io) {
    if (file === "-") {
      return await printStream(await summarizeStream(readPatches(io, "Reading"), samples));
    }
    using input = await withFileErrors("read", file, () => Deno.open(file));
    await printStream(
      await summarizeStream(readStream(input, { source: JSON.stringify(file) }), samples),
    );

    async function printStream(segments: readonly SegmentSummary[]) {
      await io.write(
        json
          ? formatJson({ type: "stream", segments })
          : segments.map((segment) => `patch stream\n${describeSegment(segment)}`).join("\n"),
      );
    }
  },
});
