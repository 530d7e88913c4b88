/**
 * UrlChains: accounts by the URL of their answers, regardless of site, zone, variant and the operator's additions to
 * the key: what a purge by URL counts. They are many small tables, so that none holds anybody up when it grows; about
 * 16 bytes per account.
 */
import type { Account } from './account.ts'

const shardCount = 256
const slotsMin = 16

/** The slots hold accounts, which are chained by their `nextOfUrl`. */
interface Shard {
  slots: (Account | null)[]
  size: number
}

export class UrlChains {
  readonly #shards: Shard[] = Array.from({ length: shardCount }, () => ({
    slots: emptySlots(slotsMin),
    size: 0,
  }))

  add(account: Account): void {
    const hash = hashOfUrl(account.key)
    const shard = this.#shardOf(hash)
    if (++shard.size > shard.slots.length) grow(shard)
    hang(shard.slots, account, hash)
  }

  delete(account: Account): void {
    const { previousOfUrl: previous, nextOfUrl: next } = account
    const hash = hashOfUrl(account.key)
    const shard = this.#shardOf(hash)
    shard.size--
    if (previous === null) shard.slots[slotOf(shard.slots, hash)] = next
    else previous.nextOfUrl = next
    if (next !== null) next.previousOfUrl = previous
    account.previousOfUrl = account.nextOfUrl = null
  }

  /** The accounts whose URL is `url` (host and target); at most one more than `countMax`. */
  of(url: string, countMax: number): Account[] {
    const hash = hashOf(url, 0, url.length)
    const { slots } = this.#shardOf(hash)
    const found: Account[] = []
    for (
      let at = slots[slotOf(slots, hash)] ?? null;
      at !== null && found.length <= countMax;
      at = at.nextOfUrl
    )
      if (hasUrl(at.key, url)) found.push(at)
    return found
  }

  #shardOf(hash: number): Shard {
    return this.#shards[hash & (shardCount - 1)] as Shard
  }
}

function hang(slots: (Account | null)[], account: Account, hash: number): void {
  const slot = slotOf(slots, hash)
  const first = slots[slot] ?? null
  account.previousOfUrl = null
  account.nextOfUrl = first
  if (first !== null) first.previousOfUrl = account
  slots[slot] = account
}

function grow(shard: Shard): void {
  const slots = emptySlots(shard.slots.length * 2)
  for (const first of shard.slots) {
    for (let at = first; at !== null;) {
      const next: Account | null = at.nextOfUrl
      hang(slots, at, hashOfUrl(at.key))
      at = next
    }
  }
  shard.slots = slots
}

function emptySlots(length: number): (Account | null)[] {
  return Array.from<Account | null>({ length }).fill(null)
}

function slotOf(slots: readonly unknown[], hash: number): number {
  return (hash >>> 8) & (slots.length - 1)
}

function hashOfUrl(key: string): number {
  return hashOf(key, key.indexOf('://') + 3, key.indexOf('\n'))
}

function hasUrl(key: string, url: string): boolean {
  const start = key.indexOf('://') + 3
  return key.charCodeAt(start + url.length) === 0x0a && key.startsWith(url, start)
}

/** FNV-1a, mixed. */
function hashOf(text: string, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return hash ^ (hash >>> 12)
}
