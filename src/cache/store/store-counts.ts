/** What a store has done since it began, for metrics. Only the store writes it. */
export interface Counted {
  readonly entries: number
  readonly hits: number
  readonly misses: number
  readonly evictions: number
  readonly evictedBytes: number
  readonly purged: number
  /** Answers that were not stored for want of room. */
  readonly refused: number
}

export class StoreCounts implements Counted {
  entries = 0
  hits = 0
  misses = 0
  evictions = 0
  evictedBytes = 0
  purged = 0
  refused = 0

  noteEvicted(bytes: number): void {
    this.evictions++
    this.evictedBytes += bytes
  }

  copy(): Counted {
    const { entries, hits, misses, evictions, evictedBytes, purged, refused } = this
    return { entries, hits, misses, evictions, evictedBytes, purged, refused }
  }
}
