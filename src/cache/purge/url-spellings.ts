/**
 * UrlSpellings: how routes write the targets of URLs into their keys. Who purges a URL writes it as a client would, and
 * means what each route has stored for it, though its key has other parameters, or has them in another order.
 *
 * Rules of configs that are no more stay: a purge that reaches too much costs hits.
 */
import { hash } from 'node:crypto'
import type { CacheKey } from '../keys/key.ts'
import type { PurgeRequest } from '../store/purge-request.ts'

/** Different rules for the query; beyond, the oldest is forgotten. Configs have a handful. */
const rulesMax = 200

export class UrlSpellings {
  readonly #rules = new Map<string, CacheKey>()

  note(key: CacheKey): void {
    const { query = 'all', sortQuery = false } = key.choices
    const text = JSON.stringify([query, sortQuery])
    this.#rules.delete(text)
    this.#rules.set(text, key)
    if (this.#rules.size <= rulesMax) return
    for (const oldest of this.#rules.keys()) {
      this.#rules.delete(oldest)
      return
    }
  }

  /** The same purge, and one for each other spelling of a URL, which every worker gives the same id. */
  of(request: PurgeRequest): PurgeRequest[] {
    const { target, id } = request
    if (target.kind !== 'url') return [request]
    const spelt = new Set([...this.#rules.values()].map((key) => key.targetOf(target.target)))
    spelt.delete(target.target)
    const purges = [request]
    for (const each of spelt) {
      const ownId = id === undefined ? {} : { id: `${id}.${hash('sha256', each).slice(0, 12)}` }
      purges.push({ ...request, target: { ...target, target: each }, ...ownId })
    }
    return purges
  }
}
