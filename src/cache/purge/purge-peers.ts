/**
 * PurgePeers: purges by one worker reach the stores of all. Whoever asked for one may wait until each of the others
 * has acknowledged it or, if it need not survive a loss of power, has carried it out.
 *
 * Promises: an answer is given once, when all workers that were present have acknowledged it or left, or when the
 * time is over, and then says how many have not; a worker that joins later has stored nothing that the purge
 * concerns.
 */
import type { Clock } from '../../core/clock.ts'
import type { Peers } from '../../core/peers.ts'
import type { PurgeRequest } from '../store/purge-request.ts'
import { sumOf, type PurgeTotal } from './purge-total.ts'

const askTopic = 'cache-purge'
const replyTopic = 'cache-purged'

/** A worker that is alive answers within a turn of its event loop. */
const waitMs = 5000

/** An answer to a client is not held up longer than this by workers that are silent. */
const carriedOutMs = 1000

interface Asked {
  readonly requests: readonly PurgeRequest[]
  readonly ticket: number
  /** It is enough that it is carried out. */
  readonly isSoon: boolean
}

interface Replied {
  readonly to: number
  readonly ticket: number
  readonly total: PurgeTotal
}

interface Pending {
  total: PurgeTotal
  readonly waiting: Set<number>
  readonly settle: (total: PurgeTotal) => void
  readonly timer: { cancel(): void }
}

/**
 * Purges this process's stores, before it returns. A promise: it is not acknowledged until that resolves. `onCarriedOut`:
 * another worker has asked; called when nothing that it concerns is found any more.
 */
export type PurgeHere = (
  requests: readonly PurgeRequest[],
  onCarriedOut?: () => void,
) => PurgeTotal | Promise<PurgeTotal>

export class PurgePeers {
  readonly #peers: Peers
  readonly #clock: Clock
  readonly #purgeHere: PurgeHere
  readonly #pending: Map<number, Pending> = new Map()
  #lastTicket = 0

  constructor(peers: Peers, clock: Clock, purgeHere: PurgeHere) {
    this.#peers = peers
    this.#clock = clock
    this.#purgeHere = purgeHere
    peers.onMessage(askTopic, ({ from, bytes, sequence }) => {
      if (sequence !== 0) void this.#take(from, read(bytes) as Asked)
    })
    peers.onMessage(replyTopic, ({ from, bytes, sequence }) => {
      if (sequence !== 0) this.#hear(from, read(bytes) as Replied)
    })
    peers.onLeave((peer) => {
      for (const [ticket, pending] of this.#pending) this.#settle(ticket, pending, peer)
    })
  }

  /**
   * Purges here, and everywhere: resolves when all have carried it out, or have had `carriedOutMs` to do so. null: there is
   * nobody else.
   */
  carryOut(requests: readonly PurgeRequest[]): Promise<unknown> | null {
    void this.#purgeHere(requests)
    return this.#peers.others().length === 0 ? null : this.#ask(requests, true)
  }

  /** Purges here and everywhere, and resolves when all have. */
  async purge(requests: readonly PurgeRequest[]): Promise<PurgeTotal> {
    const here = this.#purgeHere(requests)
    if (this.#peers.others().length === 0) return here
    const others = this.#ask(requests, false)
    return sumOf([await here, await others])
  }

  #ask(requests: readonly PurgeRequest[], isSoon: boolean): Promise<PurgeTotal> {
    const waiting = new Set(this.#peers.others())
    const ticket = ++this.#lastTicket
    const { promise, resolve } = Promise.withResolvers<PurgeTotal>()
    const timer = this.#clock.after(isSoon ? carriedOutMs : waitMs, () => this.#giveUp(ticket))
    this.#pending.set(ticket, { total: sumOf([]), waiting, settle: resolve, timer })
    this.#peers.send(askTopic, write({ requests, ticket, isSoon } satisfies Asked))
    return promise
  }

  async #take(from: number, { requests, ticket, isSoon }: Asked): Promise<void> {
    const reply = (total: PurgeTotal): void => {
      this.#peers.send(replyTopic, write({ to: from, ticket, total } satisfies Replied))
    }
    const here = this.#purgeHere(requests, () => {
      if (isSoon) reply(sumOf([]))
    })
    if (!isSoon) reply(await here)
  }

  #hear(from: number, { to, ticket, total }: Replied): void {
    const pending = this.#pending.get(ticket)
    if (to !== this.#peers.self || pending === undefined || !pending.waiting.has(from)) return
    pending.total = sumOf([pending.total, total])
    this.#settle(ticket, pending, from)
  }

  #settle(ticket: number, pending: Pending, peer: number): void {
    pending.waiting.delete(peer)
    if (pending.waiting.size > 0) return
    this.#pending.delete(ticket)
    pending.timer.cancel()
    pending.settle(pending.total)
  }

  #giveUp(ticket: number): void {
    const pending = this.#pending.get(ticket)
    if (pending === undefined) return
    this.#pending.delete(ticket)
    pending.settle({ ...pending.total, missing: pending.waiting.size })
  }

  close(): void {
    for (const ticket of this.#pending.keys()) this.#giveUp(ticket)
  }
}

function write(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}

/** What a peer of the same program wrote. */
function read(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString())
}
