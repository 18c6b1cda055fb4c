/**
 * The cache of the Hugging Face hub on disk, laid out as Python's `huggingface_hub` does
 * (https://huggingface.co/docs/huggingface_hub/guides/manage-cache), so that each finds what the
 * other has downloaded:
 *
 * ```text
 * models--nvidia--mit-b5/
 *   refs/main                              the commit that the branch pointed to
 *   blobs/<etag>                           the files, by content
 *   snapshots/<commit>/model.safetensors   a link to a blob
 * ```
 *
 * @module
 */
import { dirname, join, relative } from "node:path";
import { withFileErrors, writeFileAtomic } from "../files/mod.ts";
import type { HubId } from "./hub_id.ts";

/** Full commit hashes, which unlike branches and tags never move. */
export const COMMIT_PATTERN = /^[0-9a-f]{40}$/;

/** The part of the cache that holds one model. */
export class HubCache {
  /** Folder of the model. */
  readonly root: string;

  /**
   * Look at a model's part of a cache; nothing is read or made yet.
   *
   * @param cacheDirectory The cache, such as `~/.cache/huggingface/hub`.
   * @param id The model.
   */
  constructor(cacheDirectory: string, private readonly id: HubId) {
    this.root = join(cacheDirectory, `models--${id.name.replaceAll("/", "--")}`);
  }

  /** The commit that the revision led to when it was last downloaded; null if it never was. */
  async commit(): Promise<string | null> {
    const { revision } = this.id;
    if (COMMIT_PATTERN.test(revision)) return revision;
    const path = join(this.root, "refs", revision);
    const text = await orNull(() => Deno.readTextFile(path));
    const commit = text?.trim() ?? "";
    return COMMIT_PATTERN.test(commit) ? commit : null;
  }

  /** Folder with the files of a commit. */
  snapshot(commit: string): string {
    return join(this.root, "snapshots", commit);
  }

  /** Names of the files of a commit that are there. */
  async files(commit: string): Promise<string[]> {
    const directory = this.snapshot(commit);
    const names: string[] = [];
    const entries = await orNull(() => Array.fromAsync(Deno.readDir(directory))) ?? [];
    for (const { name } of entries) {
      if (await this.has(commit, name)) names.push(name);
    }
    return names.sort();
  }

  /** True if a file of a commit is there, and not a link to a blob that was removed. */
  async has(commit: string, file: string): Promise<boolean> {
    const path = join(this.snapshot(commit), file);
    return (await orNull(() => Deno.stat(path)))?.isFile ?? false;
  }

  /** Where the content with an etag lies. */
  blob(etag: string): string {
    return join(this.root, "blobs", etag);
  }

  /** True if the content with an etag is there. */
  async hasBlob(etag: string): Promise<boolean> {
    return (await orNull(() => Deno.stat(this.blob(etag))))?.isFile ?? false;
  }

  /** Let a file of a commit lead to a blob; a copy where the system has no links. */
  async link(commit: string, file: string, etag: string): Promise<void> {
    const path = join(this.snapshot(commit), file);
    await withFileErrors("create", path, async () => {
      await Deno.mkdir(dirname(path), { recursive: true });
      const target = relative(dirname(path), this.blob(etag));
      try {
        await Deno.symlink(target, path);
      } catch (error) {
        if (error instanceof Deno.errors.AlreadyExists) {
          // A link to a blob that was removed, or made by another process just now.
          await Deno.remove(path);
          await Deno.symlink(target, path);
        } else if (Deno.build.os === "windows") {
          await Deno.copyFile(this.blob(etag), path);
        } else {
          throw error;
        }
      }
    });
  }

  /** Remember where the revision leads. */
  async setCommit(commit: string): Promise<void> {
    const { revision } = this.id;
    if (COMMIT_PATTERN.test(revision)) return;
    const path = join(this.root, "refs", revision);
    await withFileErrors("create", path, () => Deno.mkdir(dirname(path), { recursive: true }));
    await writeFileAtomic(path, commit, { overwrite: true });
  }
}

/** The result; null where the file or directory does not exist. */
async function orNull<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return null;
    }
    throw error;
  }
}
