/**
 * Models from the Hugging Face hub, downloaded into the cache that Python's `huggingface_hub` uses.
 *
 * `@huggingface/hub` speaks to the hub: it lists a model's files and fetches their bytes, from the
 * hub's own storage (Xet) where a file lies there. The cache is written here, as that package's own
 * does not record which commit a branch led to and prints while it works.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { dirname } from "node:path";
import { InputError } from "../errors.ts";
import { createAtomicFile, withFileErrors } from "../files/mod.ts";
import { COMMIT_PATTERN, HubCache } from "./hub_cache.ts";
import {
  checkToken,
  hubError,
  hubFetch,
  HubRefusal,
  HubUnreachable,
  isNetworkFailure,
} from "./hub_faults.ts";
import { formatHubId, type HubId } from "./hub_id.ts";

/** How far the download of a file is. */
export interface HubProgress {
  /** The file's name in the model. */
  readonly file: string;
  /** Bytes that have come. */
  readonly done: number;
  /** Bytes of the whole file. */
  readonly total: number;
}

/** Where models come from and go to. What the environment says (HF_HOME, HF_TOKEN …) is for the caller to read. */
export interface HubOptions {
  /** The cache, such as `~/.cache/huggingface/hub`. */
  readonly cacheDirectory: string;
  /** Address of the hub; `https://huggingface.co` where left out. */
  readonly endpoint?: string;
  /** Access token, needed for private and gated models. */
  readonly token?: string;
  /** Use what the cache has, without asking the hub. */
  readonly offline?: boolean;
  /** Called while files arrive. */
  readonly onProgress?: (progress: HubProgress) => void;
  /** Stops downloads; what has come of an unfinished file is dropped. */
  readonly signal?: AbortSignal;
}

/** Files of a model at one commit, in the cache. */
export interface HubSnapshot {
  /** The model. */
  readonly id: HubId;
  /** Hash of the commit. */
  readonly commit: string;
  /** Folder that holds the files. */
  readonly directory: string;
  /** Files that were downloaded just now; empty where the cache had all of them. */
  readonly downloaded: readonly string[];
}

/**
 * Chooses the files of a model that are needed.
 *
 * @param files Names of all files.
 * @returns Names of those needed; null if something that is needed is not among them.
 */
export type FileSelection = (files: readonly string[]) => readonly string[] | null;

/**
 * Bring files of a model into the cache.
 *
 * The hub is asked where the revision leads, so that a model that changed is downloaded again. It is
 * not asked for a commit that the cache has, when `offline` is set; and if it cannot be reached, the
 * cache answers instead.
 *
 * @param id The model.
 * @param select The files that are needed.
 * @param options Cache, endpoint, token and progress.
 * @returns Where the files are.
 * @throws {InputError} If there is no such model or revision, access is denied, the hub cannot be
 * reached and the cache lacks the model, the model lacks a file that is needed, or a file arrives
 * damaged.
 */
export async function fetchFromHub(
  id: HubId,
  select: FileSelection,
  options: HubOptions,
): Promise<HubSnapshot> {
  checkToken(options.token);
  const cache = new HubCache(options.cacheDirectory, id);
  const cached = await findCached(cache, id, select);
  const isPinned = cached?.commit === id.revision;
  if (cached !== null && (isPinned || options.offline === true)) return cached;
  if (options.offline === true) {
    throw new InputError(
      `Cannot open ${JSON.stringify(formatHubId(id))} offline: ${
        JSON.stringify(options.cacheDirectory)
      } does not hold it`,
      {
        hint: "Open it once with access to the network, or copy the cache of a machine that has it",
      },
    );
  }
  try {
    return await download(cache, id, select, options);
  } catch (error) {
    if (cached !== null && isNetworkFailure(error)) return cached;
    throw hubError(error, id, endpointOf(options));
  }
}

function endpointOf(options: HubOptions): string {
  return (options.endpoint ?? "https://huggingface.co").replace(/\/+$/, "");
}

async function findCached(
  cache: HubCache,
  id: HubId,
  select: FileSelection,
): Promise<HubSnapshot | null> {
  const commit = await cache.commit();
  if (commit === null || select(await cache.files(commit)) === null) return null;
  return { id, commit, directory: cache.snapshot(commit), downloaded: [] };
}

async function download(
  cache: HubCache,
  id: HubId,
  select: FileSelection,
  options: HubOptions,
): Promise<HubSnapshot> {
  const { modelInfo } = await import("@huggingface/hub");
  const { sha: commit, filePaths } = await modelInfo({
    name: id.name,
    revision: id.revision,
    hubUrl: endpointOf(options),
    fetch: hubFetch(options.signal),
    additionalFields: ["sha", "filePaths"],
    ...(options.token === undefined ? {} : { accessToken: options.token }),
  });
  const files = select(filePaths);
  if (files === null) {
    throw new InputError(
      `Cannot use ${
        JSON.stringify(formatHubId(id))
      } of the hub: it has no config.json with weights beside it`,
    );
  }
  const outside = files.find((file) => /(^|[\\/])\.\.([\\/]|$)|^[\\/]/.test(file));
  if (outside !== undefined || !COMMIT_PATTERN.test(commit)) {
    throw new InputError(
      `Cannot use ${JSON.stringify(formatHubId(id))}: ${endpointOf(options)} gives ${
        outside === undefined ? `the commit ${commit}` : `the file name ${JSON.stringify(outside)}`
      }`,
    );
  }
  const downloaded: string[] = [];
  for (const file of files) {
    if (await cache.has(commit, file)) continue;
    const { etag, size } = await readFileInfo(id, commit, file, options);
    if (!await cache.hasBlob(etag)) {
      await downloadBlob({ id, commit, file, etag, size }, cache.blob(etag), options);
      downloaded.push(file);
    }
    await cache.link(commit, file, etag);
  }
  await cache.setCommit(commit);
  return { id, commit, directory: cache.snapshot(commit), downloaded };
}

interface FileInfo {
  /** SHA-256 of files in large-file storage, Git's SHA-1 of others. */
  readonly etag: string;
  readonly size: number;
}

/**
 * Ask for a file's etag as Python does, with HEAD and without following the redirect to the storage,
 * whose own etags are not those that the cache goes by.
 */
async function readFileInfo(
  id: HubId,
  commit: string,
  file: string,
  options: HubOptions,
): Promise<FileInfo> {
  const endpoint = endpointOf(options);
  const path = file.split("/").map(encodeURIComponent).join("/");
  let url = new URL(`${endpoint}/${id.name}/resolve/${commit}/${path}`);
  const headers = new Headers({ "Accept-Encoding": "identity" });
  if (options.token !== undefined) headers.set("Authorization", `Bearer ${options.token}`);
  const request = hubFetch(options.signal);
  for (let redirects = 0; redirects < 5; redirects++) {
    const response = await request(url, { method: "HEAD", redirect: "manual", headers });
    const etag = response.headers.get("x-linked-etag") ?? response.headers.get("etag");
    const size = response.headers.get("x-linked-size") ?? response.headers.get("content-length");
    const location = response.headers.get("location");
    if (response.status >= 300 && location !== null && !response.headers.has("x-linked-etag")) {
      const next = new URL(location, url);
      // A token must not be sent to another server.
      if (next.origin === url.origin) {
        url = next;
        continue;
      }
    }
    const plain = etag?.replace(/^W\//, "").replaceAll('"', "") ?? "";
    if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(plain) && size !== null && /^\d+$/.test(size)) {
      return { etag: plain, size: Number(size) };
    }
    break;
  }
  throw new InputError(
    `Cannot download ${JSON.stringify(file)} of ${
      JSON.stringify(formatHubId(id))
    }: ${endpoint} does not say its etag and size`,
  );
}

interface Download extends FileInfo {
  readonly id: HubId;
  readonly commit: string;
  readonly file: string;
}

async function downloadBlob(wanted: Download, path: string, options: HubOptions): Promise<void> {
  const { id, commit, file, etag, size } = wanted;
  const { downloadFile } = await import("@huggingface/hub");
  const blob = await downloadFile({
    repo: id.name,
    path: file,
    revision: commit,
    hubUrl: endpointOf(options),
    fetch: hubFetch(options.signal),
    ...(options.token === undefined ? {} : { accessToken: options.token }),
  });
  if (blob === null) throw new HubRefusal(404, "EntryNotFound");

  await withFileErrors("create", path, () => Deno.mkdir(dirname(path), { recursive: true }));
  // Two processes may download the same file at once; both write the same bytes.
  using target = await createAtomicFile(path, { overwrite: true });
  const hash = contentHash(etag, size);
  let done = 0;
  options.onProgress?.({ file, done, total: size });
  for await (const chunk of chunksOf(blob, options.signal)) {
    hash?.update(chunk);
    await target.write(chunk);
    done += chunk.length;
    options.onProgress?.({ file, done, total: size });
  }
  if (done !== size || (hash !== null && hash.digest("hex") !== etag)) {
    throw new InputError(
      `Cannot download ${JSON.stringify(file)} of ${
        JSON.stringify(formatHubId(id))
      }: it arrived damaged, ${done} of ${size} bytes`,
      { hint: "Try again" },
    );
  }
  await target.commit();
}

/** The bytes of a file; a connection that breaks comes out as {@linkcode HubUnreachable}. */
async function* chunksOf(blob: Blob, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = blob.stream().getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      signal?.throwIfAborted();
      if (done) return;
      yield value;
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof HubRefusal || error instanceof HubUnreachable) throw error;
    throw new HubUnreachable("the connection broke", { cause: error });
  } finally {
    // Rejects where the stream has failed, which the caller hears of already.
    await reader.cancel().catch(() => {});
  }
}

/** The hash that the etag is: SHA-256, or Git's SHA-1 of a header and the content. Null for others. */
function contentHash(etag: string, size: number): Hash | null {
  if (/^[0-9a-f]{64}$/.test(etag)) return createHash("sha256");
  if (/^[0-9a-f]{40}$/.test(etag)) return createHash("sha1").update(`blob ${size}\0`);
  return null;
}
