/**
 * PurgeTotal: the result of purges, summed over targets and processes. Each answer counts once: the one process that
 * keeps the accounts of the disk counts those on disk, and each process adds those that it has only in memory.
 */
import type { PurgeCounts } from '../store/purge-request.ts'

export interface PurgeTotal {
  /** By which the count can be asked for later; '' when it cannot. */
  readonly id: string
  readonly count: number
  readonly bytes: number
  /** All have counted, as far as they know. */
  readonly isCounted: boolean
  /** Stores that have taken it, … */
  readonly stores: number
  /** … those of them that share a disk, … */
  readonly sharing: number
  /** … and those that have counted what lies there: one, or none just now. */
  readonly keeping: number
  /** Workers that have not acknowledged it in time. */
  readonly missing: number
}

/** What is told of it to who asked. */
export interface PurgeTold extends Omit<PurgeTotal, 'sharing' | 'keeping'> {
  /** The counts are exact and final; else they are what is known so far. */
  readonly isCounted: boolean
}

export function sumOf(totals: readonly PurgeTotal[]): PurgeTotal {
  const sum = { id: '', count: 0, bytes: 0, isCounted: true, stores: 0, sharing: 0, keeping: 0, missing: 0 }
  for (const total of totals) {
    if (sum.id === '') sum.id = total.id
    sum.count += total.count
    sum.bytes += total.bytes
    sum.isCounted &&= total.isCounted
    sum.stores += total.stores
    sum.sharing += total.sharing
    sum.keeping += total.keeping
    sum.missing += total.missing
  }
  return sum
}

/** What one process says of several purges. `isSharing`: there is a disk beneath, whoever counts what lies there. */
export function totalOf(all: readonly PurgeCounts[], isSharing = false, id = ''): PurgeTotal {
  let [count, bytes, isCounted] = [0, 0, true]
  let isKeeping = isSharing
  for (const { above, below } of all) {
    count += (isSharing ? above.ownCount : above.count) + (below?.count ?? 0)
    bytes += (isSharing ? above.ownBytes : above.bytes) + (below?.bytes ?? 0)
    isCounted &&= above.isCounted && below?.isCounted !== false
    isKeeping &&= below !== null
  }
  const [sharing, keeping] = [isSharing ? 1 : 0, isKeeping ? 1 : 0]
  return { id, count, bytes, isCounted, stores: 1, sharing, keeping, missing: 0 }
}

/** Where nobody has counted what lies on disk, as who did is gone and another has not begun, the count is a least one. */
export function toldOf({ sharing, keeping, ...total }: PurgeTotal): PurgeTold {
  return { ...total, isCounted: total.isCounted && (sharing === 0 || keeping > 0) }
}
