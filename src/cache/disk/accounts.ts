/**
 * Accounts: which files there are and how large they are, kept by the one worker that was elected to do so, and which
 * of them go when there is no room: those that memory's own rule would choose (admission.ts).
 *
 * An answer that was found once and never again by any worker goes first. What a file costs in memory:
 * docs/decisions.
 */
import { Admission, usesMax } from '../memory/admission.ts'
import type { Walk } from '../memory/sweep.ts'
import { Account } from './account.ts'

export class Accounts {
  bytesMax: number
  evictions = 0
  evictedBytes = 0
  readonly #costOf: (bytes: number) => number
  readonly #accounts = new Map<string, Account>()
  readonly #queues = new Admission<Account>()

  /** `costOf`: how much of the allowed room a file of this size takes. */
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

  get(name: string): Account | null {
    return this.#accounts.get(name) ?? null
  }

  /** There is a file of this name and size now. No ledger may have it. */
  add(name: string, bytes: number): Account {
    const account = this.#accounts.get(name)
    const cost = this.#costOf(bytes)
    if (account !== undefined) {
      this.#queues.resize(account, cost)
      return account
    }
    const fresh = new Account(name, cost)
    this.#accounts.set(name, fresh)
    this.#queues.add(fresh)
    return fresh
  }

  remove(account: Account): void {
    if (this.#accounts.get(account.name) !== account) return
    this.#accounts.delete(account.name)
    this.#queues.remove(account)
  }

  /** Somebody found the file useful. */
  use(name: string): void {
    const account = this.#accounts.get(name)
    if (account !== undefined && account.uses < usesMax) account.uses++
  }

  /** A file that must go, which is removed from the accounts; null when all have room. */
  evict(): Account | null {
    if (this.bytes <= this.bytesMax) return null
    const account = this.#queues.evict(this.bytesMax)
    if (account === null) return null
    this.#accounts.delete(account.name)
    this.evictions++
    this.evictedBytes += account.bytes
    return account
  }

  walk(): Walk<Account> {
    const accounts = this.#accounts.values()
    return {
      isBetweenKeys: true,
      next() {
        const { value, done } = accounts.next()
        return done === true ? null : value
      },
    }
  }
}
