/**
 * Files on disk that several threads read, each through a handle of its own.
 *
 * @module
 */
import { RasterFault } from "./read_fault.ts";

/** What tells a file from another that takes its name. */
export interface FileIdentity {
  readonly path: string;
  readonly device: number;
  readonly inode: number | null;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number | null;
}

/** Say which file it is that was opened by a path. */
export function identify(path: string, file: Deno.FsFile): FileIdentity {
  const { dev, ino, size, mtime } = file.statSync();
  return { path, device: dev, inode: ino, size, modified: mtime?.getTime() ?? null };
}

/** Open a file once more; null if it cannot be, or if its path leads to another file by now. */
export function openAgain(identity: FileIdentity): Deno.FsFile | null {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(identity.path, { read: true });
  } catch {
    return null;
  }
  const { device, inode, size, modified } = identify(identity.path, file);
  const isSame = device === identity.device && inode === identity.inode &&
    size === identity.size && modified === identity.modified;
  if (isSame) return file;
  file.close();
  return null;
}

/**
 * Fill a buffer with what lies at an offset.
 *
 * Synchronous: for a local file that costs less than going through the event loop.
 *
 * @throws {RasterFault} If the file ends before.
 */
export function readFileAt(file: Deno.FsFile, offset: number, target: Uint8Array): void {
  file.seekSync(offset, Deno.SeekMode.Start);
  for (let filled = 0; filled < target.length;) {
    const count = file.readSync(target.subarray(filled));
    if (count === null) {
      throw new RasterFault(`it became shorter while it was read: byte ${offset + filled} is gone`);
    }
    filled += count;
  }
}
