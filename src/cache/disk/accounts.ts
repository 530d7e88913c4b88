/**
 * Accounts: what files there are and how large they are, in the one worker that was elected to keep them, and which of them
 * go when there is no room: those that memory's own rule would choose (admission.ts).
 *
 * Found once and never again by any worker, an answer goes first; about 250 bytes for each file.
 */
import { Admission, usesMax, type Admitted } from '../memory/admission.ts'

class Account implements Admitted<Account> {
  readonly key: string
  bytes: number
  uses = 0
  isMain = false
  previous: Account | null = null
  next: Account | null = null
  list: object | null = null

  constructor(name: string, bytes: number) {
    this.key = name
    this.bytes = bytes
  }
}

export class Accounts {
  bytesMax: number
  evictions = 0
  evictedBytes = 0
  readonly #costOf: (bytes: number) => number
  readonly #accounts = new Map<string, Account>()
  readonly #queues = new Admission<Account>()

  /** `costOf`: what a file of so many bytes takes of what there may be. */
  constructor(bytesMax: number, costOf: (bytes: number) => number = (bytes) => bytes) {
    this.bytesMax = bytesMax
    this.#costOf = costOf
  }

  get size(): number {
    return this.#accounts.size
  }

  get bytes(): number {
    return this.#queues.smallBytes + this.#queues.mainBytes
  }

  has(name: string): boolean {
    return this.#accounts.has(name)
  }

  /** There is a file of this name, of this size by now. */
  add(name: string, bytes: number): void {
    const account = this.#accounts.get(name)
    const cost = this.#costOf(bytes)
    if (account !== undefined) return this.#queues.resize(account, cost)
    const fresh = new Account(name, cost)
    this.#accounts.set(name, fresh)
    this.#queues.add(fresh)
  }

  remove(name: string): void {
    const account = this.#accounts.get(name)
    if (account === undefined) return
    this.#accounts.delete(name)
    this.#queues.remove(account)
  }

  /** Somebody found it. */
  use(name: string): void {
    const account = this.#accounts.get(name)
    if (account !== undefined && account.uses < usesMax) account.uses++
  }

  /** The name of a file that must go, which is no longer accounted for; null when all have room. */
  evict(): string | null {
    if (this.bytes <= this.bytesMax) return null
    const account = this.#queues.evict(this.bytesMax)
    if (account === null) return null
    this.#accounts.delete(account.key)
    this.evictions++
    this.evictedBytes += account.bytes
    return account.key
  }

  names(): Iterable<string> {
    return this.#accounts.keys()
  }
}
