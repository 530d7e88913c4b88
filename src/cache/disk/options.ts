/** The settings and bounds of the cache on disk. */
import type { Clock } from '../../core/clock.ts'
import type { Peers } from '../../core/peers.ts'
import type { Timers } from '../../core/timers.ts'
import type { Disk } from './disk.ts'
import type { FolderOwner } from './lock.ts'

export interface DiskSettings {
  /** The folder, absolute. */
  readonly path: string
  readonly bytesMax: number
  /** A file takes multiples of this, … */
  readonly blockBytes?: number
  /** … and so much beside it. None are counted when left out. */
  readonly fileBytes?: number
}

/** What a file of so many bytes takes. */
export function fileCost({ blockBytes = 1, fileBytes = 0 }: DiskSettings, bytes: number): number {
  return Math.ceil(bytes / blockBytes) * blockBytes + fileBytes
}

export interface DiskStoreOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly timers: Timers
  readonly settings: DiskSettings
  /** Told apart from every other process that uses the folder, also earlier ones. */
  readonly writer: string
  /** Whose the folder is; left out: nobody else can use it. */
  readonly owner?: FolderOwner
  /** The other workers that use the folder; null, or left out: there are none. */
  readonly peers?: Peers | null
  /** Another worker has a newer answer for a key, or none any more. */
  readonly onForeign?: (key: string) => void
  /** Something that the operator should know. */
  readonly warn?: (sentence: string) => void
}
