/** Looks: the exchanges that wait for what the disk has, or for what another worker is asking an origin for. */
import type { Clock } from '../../core/clock.ts'
import type { Timers } from '../../core/timers.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Entry } from '../store/entry.ts'
import type { SearchRule } from '../keys/no-vary-search.ts'
import type { VaryFolding } from '../keys/vary.ts'
import type { Claims } from './claims.ts'
import type { Finder, Wanted } from './finder.ts'
import type { KnownRules } from './known-rules.ts'
import { Lookup, patienceMs } from './lookup.ts'

export interface LooksPlace {
  readonly clock: Clock
  readonly timers: Timers
  readonly finder: Finder
  readonly claims: Claims
  readonly rules: KnownRules
  readonly isInMemory: (wanted: Wanted) => boolean
}

export class Looks {
  readonly #place: LooksPlace

  constructor(place: LooksPlace) {
    this.#place = place
  }

  /** What the disk has for `x` under the first of these keys that it knows; told already, or to be waited for. */
  look(x: Exchange, keys: readonly string[], folding: VaryFolding | null, stays = false): Lookup {
    const lookup = new Lookup(x, keys[0] ?? '', this.#place.timers)
    for (let i = 0; i < keys.length && !lookup.isOver; i++) {
      const wanted = {
        key: keys[i] as string,
        folding,
        request: x.request,
        from: fromOf(x),
        stays,
        look: lookup,
      }
      const entry = this.#findAnyNow(wanted)
      if (entry === undefined) {
        void this.#look(lookup, keys.slice(i), wanted)
        return lookup
      }
      if (entry !== null) lookup.tell(entry)
    }
    lookup.tell(null)
    return lookup
  }

  /** As `SharedCache.findPart`. */
  findPart(wanted: Wanted): Entry | null | Promise<Entry | null> {
    const entry = this.#findNow(wanted)
    if (entry !== undefined) return entry
    const { promise, resolve } = Promise.withResolvers<null>()
    const timer = this.#place.clock.after(patienceMs, () => resolve(null))
    const found = this.findOrAwait(wanted).finally(() => timer.cancel())
    return Promise.race([found, promise])
  }

  /** Under its own key, or as `underRulesNow`. */
  #findAnyNow(wanted: Wanted): Entry | null | undefined {
    const entry = this.#findNow(wanted)
    if (entry !== null) return entry
    return underRulesNow(wanted, this.#place.rules.now(wanted.key), (each) => this.#findNow(each))
  }

  /** undefined: it must be waited for. */
  #findNow(wanted: Wanted): Entry | null | undefined {
    const { finder, claims } = this.#place
    const entry = finder.findNow(wanted)
    if (entry === undefined || !claims.has(wanted.key)) return entry
    return this.#isEnough(entry, wanted.key) ? entry : undefined
  }

  async #look(lookup: Lookup, keys: readonly string[], wanted: Wanted): Promise<void> {
    let entry: Entry | null = null
    for (const key of keys) {
      if (entry === null && !lookup.isOver) entry = await this.findOrAwait({ ...wanted, key })
      if (entry === null && !lookup.isOver) entry = await this.#findUnderRules(lookup, { ...wanted, key })
    }
    lookup.tell(entry)
  }

  /** What there is under the rules for parameters of its path. */
  async #findUnderRules(lookup: Lookup, wanted: Wanted): Promise<Entry | null> {
    const { claims, rules } = this.#place
    // What another worker has been answered by this very request, and has not written, is newer than all there is.
    if (claims.isAnswered(wanted.key)) return null
    for (const rule of await rules.of(wanted.key)) {
      if (lookup.isOver) return null
      const entry = await this.findOrAwait({ ...wanted, key: rule.keyOf(wanted.key) })
      if (entry !== null) return entry
    }
    return null
  }

  /** What the disk has; waits a little for what another worker is asking for. */
  async findOrAwait(wanted: Wanted): Promise<Entry | null> {
    const { finder, claims } = this.#place
    // Looked at before: it may be settled while the disk is read.
    const wasClaimed = claims.has(wanted.key)
    const wasAnswered = claims.isAnswered(wanted.key)
    const entry = await finder.find(wanted)
    const isClaimed = wasClaimed || claims.has(wanted.key)
    if (!isClaimed || (!wasAnswered && this.#isEnough(entry, wanted.key))) return entry
    await claims.wait(wanted.key)
    return this.#findSettled(wanted)
  }

  /** Is there no sense in waiting for what another worker is asking for, or has been answered? */
  #isEnough(entry: Entry | null, key: string): boolean {
    const { clock, claims } = this.#place
    return entry !== null && !claims.isAnswered(key) && isFresh(entry, clock.nowMs())
  }

  /** Of what another worker has been answered, and has not written in time, the disk has what was before. */
  async #findSettled(wanted: Wanted): Promise<Entry | null> {
    const { finder, claims } = this.#place
    const entry = claims.isAnswered(wanted.key) ? null : await finder.find(wanted)
    return claims.isAnswered(wanted.key) ? null : entry
  }

  /** What is in memory is stale: has `x` wait for a newer one, if another worker is asking for it; null: none is. */
  lookNewer(x: Exchange, key: string, folding: VaryFolding | null): Lookup | null {
    const claimed = this.#place.claims.wait(key)
    if (claimed === null) return null
    const lookup = new Lookup(x, key, this.#place.timers)
    void this.#lookNewer(lookup, claimed, { key, folding, request: x.request, from: fromOf(x) })
    return lookup
  }

  async #lookNewer(lookup: Lookup, claimed: Promise<void>, wanted: Wanted): Promise<void> {
    await claimed
    if (lookup.isOver) return
    // Nothing new came of it where what is in memory has stayed.
    if (this.#place.isInMemory(wanted)) return lookup.tell(null)
    lookup.tell((await this.#findSettled(wanted)) ?? (await this.#findUnderRules(lookup, wanted)))
  }
}

/** What `find` has under a key that one of the rules for parameters makes of the request's own. undefined: as for `find`. */
export function underRulesNow(
  wanted: Wanted,
  rules: readonly SearchRule[] | undefined,
  find: (wanted: Wanted) => Entry | null | undefined,
): Entry | null | undefined {
  if (rules === undefined) return undefined
  for (const rule of rules) {
    const found = find({ ...wanted, key: rule.keyOf(wanted.key) })
    if (found !== null) return found
  }
  return null
}

/** By its own rule: what the client wants is another matter. */
function isFresh(entry: Entry, nowMs: number): boolean {
  return nowMs < entry.freshUntilMs && !entry.isSoftPurged
}

/** By Range the rest of an answer can be asked for by GET only. */
function fromOf({ request, step }: Exchange): number {
  return request.method === 'QUERY' ? -1 : step + 1
}
