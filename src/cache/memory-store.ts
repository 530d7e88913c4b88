/** MemoryStore: the store in memory. */
import type { Clock } from '../core/clock.ts'
import type { RequestHead } from '../http/message.ts'
import type { DerivedForm, Entry } from './entry.ts'
import type { CacheStore, PurgeReport, PurgeRequest, StoreSnapshot } from './store.ts'

export interface MemoryStoreOptions {
  readonly clock: Clock
  readonly bytesMax: number
  /** The largest entry; an eighth of the store when not given. */
  readonly entryBytesMax?: number
  readonly onEvict?: (entry: Entry) => void
}

export class MemoryStore implements CacheStore {
  generation = 1
  readonly entryBytesMax: number

  constructor(options: MemoryStoreOptions) {
    this.entryBytesMax = options.entryBytesMax ?? Math.floor(options.bytesMax / 8)
  }
  find(_key: string, _request: RequestHead): Entry | null {
    return null
  }
  peek(key: string, request: RequestHead): Entry | null {
    return this.find(key, request)
  }
  begin(_entry: Entry): boolean {
    return false
  }
  append(_entry: Entry, _buffer: Buffer, _start: number, _end: number): boolean {
    return false
  }
  complete(_entry: Entry): boolean {
    return false
  }
  abandon(_entry: Entry): void {}
  replaceHead(_old: Entry, _fresh: Entry): boolean {
    return false
  }
  addDerived(_entry: Entry, _form: DerivedForm): boolean {
    return false
  }
  remove(_entry: Entry): void {}
  purge(_request: PurgeRequest): PurgeReport {
    return { generation: 0, count: 0, bytes: 0, isCounted: true }
  }
  snapshot(): StoreSnapshot {
    throw new Error('not yet')
  }
  resize(_bytesMax: number): void {}
  topEntries(_countMax: number): Entry[] {
    return []
  }
  close(): void {}
}
