/**
 * The purges that this process has carried out, by the mark that identifies a purge. The same one arrives as a
 * message and appears in the journal, once for each worker that wrote it, in any order. It is carried out once, and
 * whoever asks later gets the count of that time.
 */
import type { Clock } from '../../core/clock.ts'
import type { PurgeCounts, PurgeRequest } from '../store/purge-request.ts'

/** A purge that comes again later than this is done again, which costs a hit or an exact count. */
const keptMs = 60_000
/** About 200 bytes each; beyond, the oldest are forgotten. */
const keptMax = 20_000

export class TakenPurges {
  readonly #clock: Clock
  readonly #taken = new Map<string, { readonly counts: PurgeCounts; readonly atMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The result of a purge that was carried out; if it was not, carries it out by `purge`. */
  take(request: PurgeRequest, purge: (request: PurgeRequest) => PurgeCounts): PurgeCounts {
    const { id } = request
    if (id === undefined) return purge(request)
    const taken = this.#taken.get(id)
    if (taken !== undefined) return taken.counts
    const counts = purge(request)
    this.#taken.set(id, { counts, atMs: this.#clock.nowMs() })
    this.#forget()
    return counts
  }

  #forget(): void {
    const beforeMs = this.#clock.nowMs() - keptMs
    for (const [id, { atMs }] of this.#taken) {
      if (this.#taken.size <= keptMax && atMs >= beforeMs) return
      this.#taken.delete(id)
    }
  }
}
