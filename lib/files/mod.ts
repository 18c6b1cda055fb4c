/** Files that appear whole or not at all, and faults of the file system in plain words. @module */
export {
  type AtomicFile,
  type AtomicFileOptions,
  createAtomicFile,
  statOrNull,
  writeFileAtomic,
} from "./atomic_file.ts";
export {
  type AtomicDirectory,
  type AtomicDirectoryOptions,
  createAtomicDirectory,
} from "./atomic_directory.ts";
export { type FileAction, fileError, withFileErrors } from "./io_errors.ts";
export { openRandomAccessFile, type RandomAccessFile } from "./random_access_file.ts";
export { readTextFile, readWhole } from "./read_whole.ts";
export {
  createScratch,
  createSpool,
  createTemporaryScratch,
  type Scratch,
  type Spool,
} from "./spool.ts";
export { WaitingBytes, type WaitingPlace } from "./waiting_bytes.ts";
