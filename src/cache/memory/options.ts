/** The settings and bounds of the store in memory. */
import type { Clock } from '../../core/clock.ts'
import type { Entry } from '../store/entry.ts'
import type { StoreBelow } from '../store/store.ts'

/** The largest entry, as a part of the store. */
export const entryShare: number = 1 / 8
/** How much of the store may be growing at the same time: the rest serves hits. */
export const growingShare: number = 1 / 2

export interface MemoryStoreOptions {
  readonly clock: Clock
  readonly bytesMax: number
  /** The largest entry; an eighth of the store when not given. */
  readonly entryBytesMax?: number
  /** An entry was thrown out for want of room. */
  readonly onEvict?: (entry: Entry) => void
  /** Where stored answers go besides. */
  readonly below?: StoreBelow
}
