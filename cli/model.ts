/**
 * Models that commands take: from disk, or from the hub as the environment says.
 *
 * @module
 */
import { homedir } from "node:os";
import { join } from "node:path";
import { type ClassInfo, type HubOptions, InputError, type OpenModel, openModel } from "../mod.ts";
import { namedClasses } from "./classes.ts";
import type { CommandIo } from "./io.ts";

/**
 * How to reach the hub, from the variables that Python's `huggingface_hub` reads: HF_HOME, HF_HUB_CACHE,
 * HF_TOKEN (or the token file of `hf auth login`), HF_ENDPOINT and HF_HUB_OFFLINE.
 *
 * @param io Where the progress of downloads goes.
 */
export function hubOptions(io: CommandIo): HubOptions {
  const cache = Deno.env.get("XDG_CACHE_HOME") || join(homedir(), ".cache");
  const home = Deno.env.get("HF_HOME") || join(cache, "huggingface");
  const token = Deno.env.get("HF_TOKEN") ||
    readToken(Deno.env.get("HF_TOKEN_PATH") || join(home, "token"));
  const endpoint = Deno.env.get("HF_ENDPOINT");
  const offline = /^(1|on|yes|true)$/i.test(Deno.env.get("HF_HUB_OFFLINE") ?? "");
  const bars = new Map<string, ReturnType<CommandIo["progress"]>>();
  return {
    cacheDirectory: Deno.env.get("HF_HUB_CACHE") || join(home, "hub"),
    ...(token && { token }),
    ...(endpoint && { endpoint }),
    ...(offline && { offline }),
    onProgress({ file, done, total }) {
      const bar = bars.get(file) ?? io.progress(`Downloading ${file}`, "bytes", total);
      bars.set(file, bar);
      bar.update(done, total);
      if (done === total) bar.finish();
    },
  };
}

function readToken(path: string): string | null {
  try {
    return Deno.readTextFileSync(path).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/**
 * Open a model and say what users must know of its licence when it was downloaded just now.
 *
 * @param io The process.
 * @param source Directory, file of weights, or name of a model on the hub.
 */
export async function openModelArgument(io: CommandIo, source: string): Promise<OpenModel> {
  const model = await openModel(source, { hub: hubOptions(io) });
  const { licence } = model.card.provenance;
  if (model.downloaded && licence !== null) io.warn(`${model.source}: ${licence}`);
  return model;
}

/**
 * The classes of a model under the names of `--classes`.
 *
 * @param classes The model's own.
 * @param given Names, file, URL or scheme; the model's own names where left out.
 * @throws {InputError} If it names another number of classes.
 */
export async function renameClasses(
  classes: readonly ClassInfo[],
  given: string | undefined,
): Promise<readonly ClassInfo[]> {
  if (given === undefined) return classes;
  const named = await namedClasses(given);
  if (named.length === classes.length) return named;
  throw new InputError(
    `Cannot name the model's ${classes.length} classes with ${
      JSON.stringify(given)
    }, which has ${named.length}`,
  );
}
