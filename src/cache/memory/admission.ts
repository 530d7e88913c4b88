/**
 * Admission and eviction: S3-FIFO by bytes (Yang et al., SOSP 2023). New entries wait in a small queue, which has a
 * twentieth of the bytes. One that is found again while it is there moves to the main queue. Otherwise it goes, and
 * only a mark of it stays for a while: if it comes back it enters the main queue at once. In the main queue, an entry
 * that was found since gets another round. So what is asked for only once, which is most of all that is asked for,
 * passes through without displacing anything.
 *
 * A find costs one addition and touches no list. Large entries pay for a round with more uses, since their room would
 * serve several small ones; measured, that makes up for W-TinyLFU's lead. The figures, with LRU beside them:
 * docs/decisions/0010-memory-store.md, bench/cache/hit-ratio.ts.
 *
 * Invariants: `smallBytes` and `mainBytes` are the sums over the queues; an entry is in one queue at most; `evict`
 * looks at no more than `looksMax` entries, whatever they are.
 */
import { List, type ListNode } from '../../core/list.ts'
import { GhostTable } from './ghosts.ts'

export interface Admitted<T> extends ListNode<T> {
  readonly key: string
  bytes: number
  /** How often the entry was found, up to `usesMax`. */
  uses: number
  isMain: boolean
}

export const usesMax = 3
/** The share of the bytes that the small queue may hold before it is the one to evict from. */
const smallShare = 0.05
/** How many entries one eviction may give another round. If all were in use, the oldest goes all the same. */
const looksMax = 200

/** How many entries `youngest` looks at: of the main queue those that were found last, not all of a million. */
const youngestMax = 20_000

export class Admission<T extends Admitted<T>> {
  readonly #small = new List<T>()
  readonly #main = new List<T>()
  readonly #ghosts = new GhostTable()
  smallBytes = 0
  mainBytes = 0

  get size(): number {
    return this.#small.size + this.#main.size
  }

  /** Adds an entry. */
  add(node: T): void {
    node.uses = 0
    if (this.#ghosts.take(node.key)) this.#addMain(node)
    else {
      node.isMain = false
      this.#small.addLast(node)
      this.smallBytes += node.bytes
    }
  }

  #addMain(node: T): void {
    node.isMain = true
    this.#main.addLast(node)
    this.mainBytes += node.bytes
  }

  /** Puts `fresh` where `old` is: the same answer, with a head that was brought up to date. */
  replace(old: T, fresh: T): void {
    const wasMain = old.isMain
    this.remove(old)
    if (wasMain) this.#addMain(fresh)
    else {
      fresh.isMain = false
      this.#small.addLast(fresh)
      this.smallBytes += fresh.bytes
    }
    fresh.uses = old.uses
  }

  /** Removes an entry for another reason than lack of room. */
  remove(node: T): void {
    if (node.isMain ? this.#main.remove(node) : this.#small.remove(node)) this.#count(node, -node.bytes)
  }

  /** The bytes of an entry in a queue have changed. */
  resize(node: T, bytes: number): void {
    this.#count(node, bytes - node.bytes)
    node.bytes = bytes
  }

  #count(node: T, bytes: number): void {
    if (node.isMain) this.mainBytes += bytes
    else this.smallBytes += bytes
  }

  /** Chooses the entry to evict, and removes it; null when there is none. `bytesMax` is that of the whole store. */
  evict(bytesMax: number): T | null {
    for (let looks = 0; ; looks++) {
      const isSmall = this.smallBytes > bytesMax * smallShare || this.#main.first === null
      const node = isSmall ? this.#small.first : this.#main.first
      if (node === null) return null
      this.remove(node)
      const price = isSmall ? 1 : this.#priceOf(node)
      if (node.uses < price || looks === looksMax) {
        if (isSmall) this.#ghosts.add(node.key, this.size)
        return node
      }
      // From the small queue it enters the main queue as if new.
      node.uses = isSmall ? 0 : node.uses - price
      this.#addMain(node)
    }
  }

  /** How many uses another round costs an entry that was taken out: 1, 2 when it is large, `usesMax` when very. */
  #priceOf(node: T): number {
    const meanBytes = (this.smallBytes + this.mainBytes + node.bytes) / (this.size + 1)
    if (node.bytes <= meanBytes * 2) return 1
    return node.bytes <= meanBytes * 8 ? 2 : usesMax
  }

  /** Up to `countMax` entries, those first that will stay longest. */
  youngest(countMax: number = youngestMax): T[] {
    const nodes: T[] = []
    for (let node = this.#main.last; node !== null && nodes.length < countMax; node = node.previous)
      nodes.push(node)
    for (let node = this.#small.last; node !== null && nodes.length < countMax; node = node.previous)
      nodes.push(node)
    return nodes
  }
}
