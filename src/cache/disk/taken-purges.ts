/**
 * Purges that this process has taken, by the mark that tells the same purge again: it comes by a message and stands in the
 * journal, once for each worker that wrote it, in any order. It is done once, and who asks later gets the count of that.
 */
import type { Clock } from '../../core/clock.ts'
import type { PurgeReport, PurgeRequest } from '../store/purge-request.ts'

/** What comes later is done again, which costs a hit or a right count. */
const keptMs = 60_000
/** About 200 bytes each; beyond, the oldest are forgotten. */
const keptMax = 20_000

export class TakenPurges {
  readonly #clock: Clock
  readonly #taken = new Map<string, { readonly report: PurgeReport; readonly atMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The report of a purge that was taken; else takes it by `purge`. */
  take(request: PurgeRequest, purge: (request: PurgeRequest) => PurgeReport): PurgeReport {
    const { id } = request
    if (id === undefined) return purge(request)
    const taken = this.#taken.get(id)
    if (taken !== undefined) return taken.report
    const report = purge(request)
    this.#taken.set(id, { report, atMs: this.#clock.nowMs() })
    this.#forget()
    return report
  }

  #forget(): void {
    const beforeMs = this.#clock.nowMs() - keptMs
    for (const [id, { atMs }] of this.#taken) {
      if (this.#taken.size <= keptMax && atMs >= beforeMs) return
      this.#taken.delete(id)
    }
  }
}
