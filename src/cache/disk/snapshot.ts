/** The numbers that the cache on disk reports about itself. */
import type { Finder } from './finder.ts'
import type { Keeper } from './keeper.ts'
import type { Marks } from './marks.ts'
import type { Writer } from './writer.ts'

export interface DiskSnapshot {
  readonly bytes: number
  readonly bytesMax: number
  readonly entries: number
  readonly isCounted: boolean
  readonly hits: number
  readonly misses: number
  readonly writes: number
  readonly writtenBytes: number
  readonly writeFailures: number
  readonly writesDropped: number
  readonly queued: number
  readonly damaged: number
  readonly evictions: number
  readonly purgeMarks: number
  readonly openFiles: number
}

/** `keeper` is null in all workers but the elected one. */
export function snapshotOf(
  finder: Finder,
  writer: Writer,
  marks: Marks,
  keeper: Keeper | null,
): DiskSnapshot {
  const { hits, misses, damaged, openFiles } = finder
  const { writes, writtenBytes, failures, dropped, queued } = writer
  const accounts = keeper?.accounts ?? { bytes: 0, bytesMax: 0, size: 0, evictions: 0 }
  const { bytes, bytesMax, size: entries, evictions } = accounts
  return {
    bytes,
    bytesMax,
    entries,
    isCounted: keeper?.isCounted ?? false,
    hits,
    misses,
    writes,
    writtenBytes,
    writeFailures: failures,
    writesDropped: dropped,
    queued,
    damaged,
    evictions,
    purgeMarks: marks.size,
    openFiles,
  }
}
