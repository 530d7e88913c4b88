/**
 * The keys of a URL that a purge by URL could not construct by itself: those in which the operator included something
 * of the request (fields, cookies, device). Keys without that are made from site, zone and URL, and need no table.
 */
import type { Entry } from '../store/entry.ts'
import { plainKey, readKey } from '../keys/key.ts'
import type { SearchRules } from '../keys/no-vary-search.ts'
import type { PurgePlaces } from './purge-places.ts'
import type { PurgeTarget } from '../store/store.ts'

export class UrlKeys {
  /** By host and target. */
  readonly #keys = new Map<string, Set<string>>()

  get size(): number {
    return this.#keys.size
  }

  add(entry: Entry): void {
    const url = choiceUrl(entry)
    if (url === null) return
    const keys = this.#keys.get(url)
    if (keys === undefined) this.#keys.set(url, new Set([entry.key]))
    else keys.add(entry.key)
  }

  /** An entry went; `isLast`: it was the last one with its key. */
  delete(entry: Entry, isLast: boolean): void {
    const url = isLast ? choiceUrl(entry) : null
    const keys = url === null ? undefined : this.#keys.get(url)
    if (url === null || keys === undefined) return
    keys.delete(entry.key)
    if (keys.size === 0) this.#keys.delete(url)
  }

  /** Every key that a purge by URL or key concerns. */
  concerned(
    target: PurgeTarget & { kind: 'url' | 'key' },
    places: PurgePlaces,
    rules: SearchRules,
  ): Set<string> {
    if (target.kind === 'key') return new Set(rules.keysOf(target.key))
    const { host, target: path, site } = target
    const keys = this.of(host, path, site)
    for (const record of places.hostsOf(host, site)) {
      for (const zone of record.zones) {
        keys.push(
          plainKey('http', host, path, record.site, zone),
          plainKey('https', host, path, record.site, zone),
        )
      }
    }
    return new Set(keys.flatMap((key) => rules.keysOf(key)))
  }

  of(host: string, target: string, site: string | undefined): string[] {
    const keys = Array.from(this.#keys.get(host + target) ?? [])
    return site === undefined ? keys : keys.filter((key) => readKey(key).site === site)
  }
}

function choiceUrl(entry: Entry): string | null {
  // Most keys end with the zone: two line feeds.
  const zone = entry.key.indexOf('\n', entry.key.indexOf('\n') + 1)
  if (entry.key.indexOf('\n', zone + 1) < 0) return null
  const { host, targetStart, targetEnd } = readKey(entry.key)
  return host + entry.key.slice(targetStart, targetEnd)
}
