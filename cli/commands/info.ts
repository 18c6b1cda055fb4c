/** `swath info`. @module */
import { formatJson, openModel, openRaster, readStream, withFileErrors } from "../../mod.ts";
import { defineCommand } from "../command.ts";
import { describeModel, summarizeModel } from "../info/model_info.ts";
import { describeRaster } from "../info/raster_info.ts";
import { describeSegment, type SegmentSummary, summarizeStream } from "../info/stream_info.ts";
import { fileArgument, jsonOption } from "../options.ts";
import { flag, message, object, withDefault } from "../optique.ts";
import { readPatches } from "../stream.ts";

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
  whenMissing: "A patch stream at standard input is read as -: swath tile SCENE | swath info -",
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
    const { facts, text } = file === "-"
      ? streamPage(await summarizeStream(readPatches(io, "Reading"), samples))
      : await PAGES[await kindOf(file)](file, samples);
    await io.write(json ? `${formatJson(facts)}\n` : text);
  },
});

/** What is printed: with `--json`, and without. */
interface Page {
  readonly facts: Record<string, unknown>;
  readonly text: string;
}

type Kind = "raster" | "stream" | "model";

const PAGES: Readonly<Record<Kind, (file: string, samples: boolean) => Promise<Page>>> = {
  async raster(file) {
    const raster = await openRaster(file);
    const { info } = raster;
    raster.close();
    return { facts: { type: "raster", ...info }, text: `raster ${file}\n${describeRaster(info)}` };
  },
  async stream(file, samples) {
    using input = await withFileErrors("read", file, () => Deno.open(file));
    const items = readStream(input, { source: JSON.stringify(file) });
    return streamPage(await summarizeStream(items, samples));
  },
  async model(file) {
    using model = await openModel(file);
    const summary = summarizeModel(model);
    return {
      facts: { type: "model", ...summary },
      text: `model ${file}\n${describeModel(summary)}`,
    };
  },
};

function streamPage(segments: readonly SegmentSummary[]): Page {
  return {
    facts: { type: "stream", segments },
    text: segments.map((segment) => `patch stream\n${describeSegment(segment)}`).join("\n"),
  };
}

/** What to take a file for. A raster is the default, as its reader says best what else a file is. */
async function kindOf(file: string): Promise<Kind> {
  if (/^https?:/i.test(file)) return "raster";
  return await withFileErrors("read", file, async () => {
    if ((await Deno.stat(file)).isDirectory) return "model";
    if (/\.(safetensors|bin)$/.test(file)) return "model";
    using input = await Deno.open(file);
    const start = new Uint8Array(512);
    const length = await input.read(start) ?? 0;
    const head = new TextDecoder("latin1").decode(start.subarray(0, length));
    return /^(_stream\.json|\{|.{257}ustar)/s.test(head) ? "stream" : "raster";
  });
}
