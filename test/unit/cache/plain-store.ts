/** A store as plain as the seam allows: a list by key, a limit in bytes that counts bodies only. */
import type { Entry } from '../../../src/cache/store/entry.ts'
import type { CacheStore, PurgeReport, StoreSnapshot } from '../../../src/cache/store/store.ts'
import type { RequestHead } from '../../../src/http/message.ts'

export class PlainStore implements CacheStore {
  generation = 1
  entryBytesMax: number
  readonly entries: Map<string, Entry[]> = new Map()
  readonly growing: Set<Entry> = new Set()

  constructor(entryBytesMax: number = Infinity) {
    this.entryBytesMax = entryBytesMax
  }

  find(key: string, request: RequestHead): Entry | null {
    return this.entries.get(key)?.find((entry) => fits(entry, request)) ?? null
  }

  has(key: string): boolean {
    return (this.entries.get(key)?.length ?? 0) > 0
  }

  peek(key: string, request: RequestHead): Entry | null {
    return this.find(key, request)
  }

  begin(entry: Entry): boolean {
    if (entry.statedLength > this.entryBytesMax) return false
    this.growing.add(entry)
    entry.isGrowing = true
    return true
  }

  beginBelow(): null {
    return null
  }

  append(entry: Entry, buffer: Buffer, start: number, end: number): boolean {
    if (!this.growing.has(entry)) throw new Error('this entry does not grow')
    if (entry.body.length + end - start > this.entryBytesMax) {
      this.abandon(entry)
      return false
    }
    entry.body.append(buffer, start, end)
    return true
  }

  complete(entry: Entry): boolean {
    if (!this.growing.delete(entry)) throw new Error('this entry does not grow')
    entry.isGrowing = false
    entry.body.finish()
    this.#put(entry)
    return true
  }

  #put(entry: Entry): void {
    const others = this.entries.get(entry.key)?.filter((other) => other.variant !== entry.variant) ?? []
    entry.isStored = true
    this.entries.set(entry.key, [entry, ...others])
  }

  isPurged(entry: Entry): boolean {
    return !entry.isStored && !this.growing.has(entry)
  }

  abandon(entry: Entry): void {
    if (!this.growing.delete(entry)) throw new Error('this entry does not grow')
    entry.isGrowing = false
  }

  replaceHead(old: Entry, fresh: Entry): boolean {
    if (!old.isStored) return false
    this.remove(old)
    this.#put(fresh)
    return true
  }

  addDerived(): boolean {
    return false
  }

  remove(entry: Entry): void {
    entry.isStored = false
    const rest = this.entries.get(entry.key)?.filter((other) => other !== entry) ?? []
    if (rest.length === 0) this.entries.delete(entry.key)
    else this.entries.set(entry.key, rest)
  }

  purge(): PurgeReport {
    throw new Error('not in this store')
  }

  purgeReport(): null {
    return null
  }

  snapshot(): StoreSnapshot {
    throw new Error('not in this store')
  }

  resize(): void {}

  topEntries(): Entry[] {
    return []
  }

  close(): void {}
}

function fits(entry: Entry, request: RequestHead): boolean {
  return entry.vary === null || entry.vary.variantOf(request) === entry.variant
}
