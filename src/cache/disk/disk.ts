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
  /** The size at this moment. This does not wait for the device: the kernel knows it of an open file. */
  size(): number
  /** Reads from `position` on until `into` is full or the file ends. Resolves to the number of bytes. */
  read(into: Uint8Array, position: number): Promise<number>
  /** The same synchronously, while everybody waits (pace.ts); throws what `read` rejects with. */
  readNow(into: Uint8Array, position: number): number
  write(bytes: Uint8Array, position: number): Promise<void>
  /** Appends in one piece, wherever the end is by then: other writers write before it or behind it. */
  append(bytes: Uint8Array): Promise<void>
  sync(): Promise<void>
  /** Nothing may be called afterwards. Calling it twice is harmless. */
  close(): void
}

/** What is known about the file system of a folder. */
export interface DiskKind {
  /** As far as is known it is in this machine: a call to another machine may take for ever. */
  readonly isLocal: boolean
  /** Does `deviceReads` count what is read from its device? */
  readonly isCounted: boolean
}

export interface Disk {
  /** Opens a file for reading and writing in place. */
  open(path: string): Promise<DiskFile>
  /** Opens a file for reading, synchronously, while everybody waits; throws what `open` rejects with. */
  openNow(path: string): DiskFile
  /** The time by a clock that goes on during a call, to measure how long one takes. */
  nowMs(): number
  /** How many blocks were read from devices for this process so far. */
  deviceReads(): number
  kindOf(path: string): Promise<DiskKind>
  /** Creates a file that must not exist yet. */
  create(path: string): Promise<DiskFile>
  /** Opens a file for reading and appending; it is made when it does not exist. */
  openLog(path: string): Promise<DiskFile>
  rename(from: string, to: string): Promise<void>
  /** Makes a second name for a file; EEXIST when that name is taken. */
  link(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Makes a folder and those above it; no error when it exists. */
  makeFolder(path: string): Promise<void>
  /** The names in a folder, in no particular order. */
  list(path: string): Promise<string[]>
  /** The size of a file by its name. */
  sizeOf(path: string): Promise<number>
  syncFolder(path: string): Promise<void>
}

/** 'ENOENT', 'ENOSPC', 'EIO' …; '' for what is not an error of a disk. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : ''
  return typeof code === 'string' ? code : ''
}
