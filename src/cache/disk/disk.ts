/**
 * Disk: the file system, as a seam. The store on disk runs on it; in tests it is a disk that loses what was not
 * synced.
 *
 * Promises of every implementation:
 * - `rename` and `link` are atomic: a name stands for the old file or for the new one.
 * - What was written to a file before its `sync` began survives a loss of power once `sync` has resolved. Other
 *   writes may be lost, each by itself, in whole or in part.
 * - Names that were made, changed or removed before `syncFolder` began stay so after a loss of power once it has
 *   resolved. Other names may have changed or not, each by itself.
 * - A call that fails rejects with an error that has a `code` (`codeOf`), and may have been done in part.
 */

export interface DiskFile {
  /** Bytes at this moment. Does not wait for the device: the kernel knows it of an open file. */
  size(): number
  /** Reads from `position` on until `into` is full or the file ends. Resolves with how many bytes it were. */
  read(into: Uint8Array, position: number): Promise<number>
  /** The same, while everybody waits (pace.ts); throws what `read` rejects with. */
  readNow(into: Uint8Array, position: number): number
  write(bytes: Uint8Array, position: number): Promise<void>
  /** At the end, wherever that is by then, in one piece: whoever else appends writes before it or behind it. */
  append(bytes: Uint8Array): Promise<void>
  sync(): Promise<void>
  /** Nothing may be asked of it any more. Twice is harmless. */
  close(): void
}

/** What is known of the file system that a folder is in. */
export interface DiskKind {
  /** It is, for all that is known, in this machine: a call to another one may take for ever. */
  readonly isLocal: boolean
  /** What is read of it from a device is counted by `deviceReads`. */
  readonly isCounted: boolean
}

export interface Disk {
  /** For reading and writing in place. */
  open(path: string): Promise<DiskFile>
  /** For reading, while everybody waits; throws what `open` rejects with. */
  openNow(path: string): DiskFile
  /** By a clock that goes on during a call: how long one has taken. */
  nowMs(): number
  /** Blocks that were read from devices for this process until now. */
  deviceReads(): number
  kindOf(path: string): Promise<DiskKind>
  /** A file that must not exist yet. */
  create(path: string): Promise<DiskFile>
  /** For reading and appending; made when it does not exist. */
  openLog(path: string): Promise<DiskFile>
  rename(from: string, to: string): Promise<void>
  /** A second name for a file; EEXIST when that is taken. */
  link(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** With all above it; no error when it is there. */
  makeFolder(path: string): Promise<void>
  /** Names in a folder, in no order. */
  list(path: string): Promise<string[]>
  /** Bytes of a file by its name. */
  sizeOf(path: string): Promise<number>
  syncFolder(path: string): Promise<void>
}

/** 'ENOENT', 'ENOSPC', 'EIO' …; '' for what is no error of a disk. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : ''
  return typeof code === 'string' ? code : ''
}
