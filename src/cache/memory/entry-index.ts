/**
 * EntryIndex: stored entries by key. The variants of one key are linked together, the most recent first (RFC 9111
 * §4.1).
 *
 * It is many maps instead of one, chosen by a few characters of the URL. A map that doubles moves everything it has,
 * and with a million entries in one map that takes as long as 30 ms during which nobody is answered. It also lifts
 * the limit of 16.7 million keys of a single Map.
 */
import type { Entry } from '../store/entry.ts'

/** Variants of one key; the oldest goes. A Vary on what is different for everybody would else fill the store. */
export const variantsMax = 128

const shardCount = 256
/** Characters before the end of the URL that choose the map. */
const sampleLength = 10

export class EntryIndex {
  readonly #shards: Map<string, Entry>[] = Array.from({ length: shardCount }, () => new Map<string, Entry>())

  /** The most recent variant of `key`. */
  get(key: string): Entry | null {
    return this.#shardOf(key).get(key) ?? null
  }

  /** The variants of a key; each may be taken out when it is given. */
  *variants(key: string): Generator<Entry> {
    for (let entry = this.get(key); entry !== null;) {
      const next: Entry | null = entry.nextVariant
      yield entry
      entry = next
    }
  }

  /**
   * The variants that `fresh` stands in for: of the same request, and those that compare no fields, since the origin now
   * says that they matter; all when it compares none itself. And the oldest, when there are too many. Each may be taken out.
   */
  *replacedBy(fresh: Entry): Generator<Entry> {
    let kept = 0
    for (const old of this.variants(fresh.key)) {
      const isSame = fresh.vary === null || old.vary === null
      const isReplaced = isSame || (old.variant === fresh.variant && fresh.vary.isLike(old.vary))
      if (isReplaced || ++kept >= variantsMax) yield old
    }
  }

  #shardOf(key: string): Map<string, Entry> {
    const lineEnd = key.indexOf('\n')
    const end = lineEnd < 0 ? key.length : lineEnd
    let hash = end
    for (let i = Math.max(0, end - sampleLength); i < end; i++) hash = Math.imul(hash, 31) + key.charCodeAt(i)
    return this.#shards[(hash ^ (hash >>> 8) ^ (hash >>> 16)) & (shardCount - 1)] as Map<string, Entry>
  }

  /** Hangs `entry` before the first variant that is not younger. */
  add(entry: Entry): void {
    const shard = this.#shardOf(entry.key)
    const first = shard.get(entry.key) ?? null
    if (first === null || first.dateMs <= entry.dateMs) {
      entry.nextVariant = first
      shard.set(entry.key, entry)
      return
    }
    let before = first
    while (before.nextVariant !== null && before.nextVariant.dateMs > entry.dateMs)
      before = before.nextVariant
    entry.nextVariant = before.nextVariant
    before.nextVariant = entry
  }

  delete(entry: Entry): void {
    const shard = this.#shardOf(entry.key)
    const first = shard.get(entry.key) ?? null
    if (first === entry) {
      if (entry.nextVariant === null) shard.delete(entry.key)
      else shard.set(entry.key, entry.nextVariant)
    } else {
      let before = first
      while (before !== null && before.nextVariant !== entry) before = before.nextVariant
      if (before === null) throw new Error('the entry is not in the index')
      before.nextVariant = entry.nextVariant
    }
    entry.nextVariant = null
  }

  /** All entries, those added meanwhile included or not; deleting is allowed during the walk. */
  walk(): EntryWalk {
    return new EntryWalk(this.#shards)
  }
}

/** A walk in steps: not a generator, which makes an object for each entry, and with a million that is work for the collector. */
export class EntryWalk {
  readonly #shards: readonly Map<string, Entry>[]
  #shard = 0
  #firsts: MapIterator<Entry> | null = null
  /** The variant to come. */
  #variant: Entry | null = null

  constructor(shards: readonly Map<string, Entry>[]) {
    this.#shards = shards
  }

  /** May it rest here? Between the variants of a key it would lose its way when the next one is taken out meanwhile. */
  get isBetweenKeys(): boolean {
    return this.#variant === null
  }

  /** null: that was all. The entry that it gave may be taken out before the next call. */
  next(): Entry | null {
    const entry = this.#variant ?? this.#nextFirst()
    this.#variant = entry === null ? null : entry.nextVariant
    return entry
  }

  #nextFirst(): Entry | null {
    for (;;) {
      const result = this.#firsts?.next()
      if (result !== undefined && result.done !== true) return result.value
      const shard = this.#shards[this.#shard++]
      if (shard === undefined) return null
      this.#firsts = shard.values()
    }
  }
}
