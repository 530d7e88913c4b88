/** What a store must have, kept in the plainest way: a set of entries, and every purge compared with every one of them. */
import assert from 'node:assert/strict'
import type { Entry } from '../../../src/cache/store/entry.ts'
import { readKey } from '../../../src/cache/keys/key.ts'
import type { PurgeReport, PurgeTarget } from '../../../src/cache/store/store.ts'
import { foldTag } from '../../../src/cache/rules/tags.ts'

export interface Expected {
  readonly report: PurgeReport
  readonly target: PurgeTarget
  readonly count: number
}

export class StoreModel {
  readonly live: Set<Entry> = new Set()
  readonly soft: Set<Entry> = new Set()
  /** Under way: made, and not yet stored. The value says whether it was purged meanwhile. */
  readonly underWay: Map<Entry, 'clean' | 'soft' | 'hard'> = new Map()
  readonly evicted: Set<Entry> = new Set()
  readonly reports: Expected[] = []

  /** The store says that it threw `entry` out for want of room. */
  evict(entry: Entry): void {
    assert.ok(this.live.has(entry), 'only what is there is thrown out, and nothing that was purged')
    assert.ok(!this.evicted.has(entry), 'once')
    this.evicted.add(entry)
    this.live.delete(entry)
  }

  /** `entry` is stored, in place of those that it stands in for. */
  store(entry: Entry): void {
    for (const old of this.live) {
      if (old.key !== entry.key) continue
      const isSame = old.vary === null || entry.vary === null
      if (isSame || (old.vary === entry.vary && old.variant === entry.variant)) this.live.delete(old)
    }
    this.live.add(entry)
    if (this.underWay.get(entry) === 'soft') this.soft.add(entry)
    this.underWay.delete(entry)
  }

  purge(target: PurgeTarget, isSoft: boolean, isDry: boolean): number {
    let count = 0
    for (const entry of this.live) {
      if (!isConcerned(entry, target)) continue
      count++
      if (isDry) continue
      if (isSoft) this.soft.add(entry)
      else this.live.delete(entry)
    }
    if (isDry) return count
    for (const [entry, state] of this.underWay) {
      if (isConcerned(entry, target) && state !== 'hard') this.underWay.set(entry, isSoft ? 'soft' : 'hard')
    }
    return count
  }

  /** The reports that are final must be right. */
  checkReports(): void {
    for (const { report, target, count } of this.reports) {
      assert.ok(report.count <= count, `${JSON.stringify(target)} counts no more than there were`)
      if (report.isCounted) assert.equal(report.count, count, JSON.stringify(target))
    }
  }
}

export function isConcerned(entry: Entry, target: PurgeTarget): boolean {
  if (target.kind === 'key') return entry.key === target.key
  if (target.site !== undefined && target.site !== entry.site) return false
  const { targetStart, targetEnd } = readKey(entry.key)
  const path = entry.key.slice(targetStart, targetEnd)
  switch (target.kind) {
    case 'all':
      return true
    case 'host':
      return entry.host === target.host
    case 'tag':
      return entry.tagNames.includes(foldTag(target.tag))
    case 'prefix':
      return entry.host === target.host && path.startsWith(target.target)
    default:
      return entry.host === target.host && path === target.target
  }
}
