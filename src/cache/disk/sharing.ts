/**
 * Sharing: what the workers that use one folder tell each other: what was written and removed (so that the elected
 * one keeps the accounts, and the others release what they have of it in memory), what was found, and what is being
 * asked for, was answered and is about to be written (claims.ts).
 *
 * Promises: when `announce` calls back, every other worker considers what it has of the key out of date, or was
 * silent for a second. Of answers that several workers announce at the same moment it calls back in an order on which
 * all agree, each when nothing of the ones before it is still on its way to the disk (turns.ts). A worker that has
 * missed a message of another considers everything in its memory out of date.
 *
 * The worker with the lowest number of those present is elected. Numbers are never given twice, so a worker that
 * joins does not take over, and when the elected one leaves the next is told within `lookMs`.
 */
import type { Clock, ClockTimer } from '../../core/clock.ts'
import type { PeerMessage, Peers } from '../../core/peers.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { Claims } from './claims.ts'
import { Turns, type Announcement } from './turns.ts'

const topic = 'cache-disk'
/** To the worker that has told. */
const heardTopic = 'cache-disk-heard'
const lookMs = 1000
/** News of found files is sent together, after this time. */
const usedMax = 500

/** One item of news. */
type News =
  /** There is a file. `isSettled`: and nothing newer is on its way. */
  | readonly ['added', name: string, bytes: number, key: string, isSettled: boolean, tags: readonly string[]]
  | readonly ['removed', name: string, key: string, isSettled: boolean]
  /**
   * A file was evicted, not purged: the answer stays where it is in memory. `key`: '' where it had none in
   * force.
   */
  | readonly ['evicted', name: string, key: string]
  | readonly ['asked', key: string]
  /** The origin gave something other than what the others have. `isSoon`: it is all there, or about to be. */
  | readonly ['answered', key: string, isSoon: boolean]
  /** The request to the origin came to nothing. */
  | readonly ['done', key: string]

/** What one worker reports, in the order in which it happened. */
interface Told {
  readonly news: News[]
  /** The names of files that were useful. */
  readonly used: string[]
  /** The ticket that every worker must acknowledge; 0: none need. */
  ticket: number
}

export interface SharingOwner {
  readonly clock: Clock
  onElected(): void
  /** `key` is '' for a file without an answer. */
  onAdded(name: string, bytes: number, key: string, tags: readonly string[]): void
  onGone(name: string): void
  /** The file of an answer is gone, though the answer is in force. */
  onEvicted(name: string, key: string): void
  onUsed(name: string): void
  /**
   * Another worker has written or removed this, or is about to (`name` is ''): what is here of it is out of
   * date.
   */
  onForeign(name: string, key: string): void
  /**
   * Another worker is about to show its answer: what this one has shown of the key is stored by now, or never
   * will be.
   */
  onOutdated(key: string): void
  /** Resolves when this worker has written what it has of the key; null when nothing is waiting. */
  written(key: string): Promise<void> | null
  /** A message of another worker was lost. */
  onMissed(): void
}

export class Sharing {
  readonly #peers: Peers | null
  readonly #owner: SharingOwner
  /** Of the other workers. */
  readonly claims: Claims
  readonly #acknowledgements: Acknowledgements
  readonly turns: Turns
  /** The number of the last message of each. */
  readonly #heard = new Map<number, number>()
  #told: Told | null = null
  #announced: Announcement[] = []
  /** The last waiting acknowledgement, by the worker that it is for. */
  readonly #late = new Map<number, Promise<void>>()
  #isFlushing = false
  #isElected = false
  #isClosed = false
  #timer: ClockTimer | null = null

  /** Without `peers` (null) this process is alone, and elected. */
  constructor(peers: Peers | null, owner: SharingOwner) {
    this.#peers = peers
    this.#owner = owner
    this.claims = new Claims(owner.clock)
    this.#acknowledgements = new Acknowledgements(owner.clock)
    this.turns = new Turns(peers?.self ?? 0)
    if (peers === null) return
    peers.onMessage(topic, (message) => this.#hear(message))
    peers.onMessage(heardTopic, ({ from, bytes, sequence }) => {
      if (sequence !== 0)
        this.#acknowledgements.hear(from, JSON.parse(Buffer.from(bytes).toString()) as number)
    })
    peers.onLeave((peer) => this.#leave(peer))
    // Those who are present must know that this worker is, and say that they are.
    this.#tell().ticket = this.#acknowledgements.ask([])
  }

  /** The folder can be used from now on. */
  begin(): void {
    this.#timer?.cancel()
    const peers = this.#peers
    if (!this.#isElected && (peers === null || peers.others().every((other) => other > peers.self))) {
      this.#isElected = true
      this.#owner.onElected()
    }
    if (!this.#isElected || peers !== null) this.#timer = this.#owner.clock.after(lookMs, () => this.begin())
    this.#flush()
  }

  /** Is there another worker that hears what is announced? */
  get hasListeners(): boolean {
    return this.#acknowledgements.hasListeners
  }

  // Telling

  added(name: string, bytes: number, key: string, isSettled: boolean, tags: readonly string[]): void {
    if (this.#isElected) this.#owner.onAdded(name, bytes, key, tags)
    this.#next()?.news.push(['added', name, bytes, key, isSettled, tags])
  }

  removed(name: string, key: string, isSettled: boolean): void {
    if (this.#isElected) this.#owner.onGone(name)
    this.#next()?.news.push(['removed', name, key, isSettled])
  }

  evicted(name: string, key: string): void {
    this.#owner.onGone(name)
    if (key !== '') this.#owner.onEvicted(name, key)
    this.#next()?.news.push(['evicted', name, key])
  }

  used(name: string): void {
    if (this.#isElected) return this.#owner.onUsed(name)
    const peers = this.#peers
    if (peers === null) return
    this.#told ??= nothing()
    this.#told.used.push(name)
    if (this.#told.used.length >= usedMax) this.#flush()
  }

  /** An origin is being asked for this key. */
  asked(key: string): void {
    this.#next()?.news.push(['asked', key])
  }

  /**
   * The origin gave something other than what the others have. `onHeard` is called when they know; false: there
   * is nobody to wait for.
   */
  announce(key: string, isSoon: boolean, onHeard: () => void): boolean {
    if (!this.hasListeners) return false
    this.#tell().news.push(['answered', key, isSoon])
    this.#announced.push(this.turns.begin(key, onHeard))
    return true
  }

  /** The whole answer is there, or will be. `isSoon`: and on disk at once. */
  writing(key: string, isSoon: boolean): void {
    this.#next()?.news.push(['answered', key, isSoon])
  }

  /** Nothing of the answer will be found on disk. */
  done(key: string): void {
    this.#next()?.news.push(['done', key])
  }

  /** What is sent together at the end of this turn; null: there is nobody to tell. */
  #next(): Told | null {
    return this.#peers === null || this.#peers.others().length === 0 ? null : this.#tell()
  }

  #tell(): Told {
    if (!this.#isFlushing) queueMicrotask(() => this.#flush())
    this.#isFlushing = true
    return (this.#told ??= nothing())
  }

  #flush(): void {
    const told = this.#told
    this.#told = null
    this.#isFlushing = false
    if (told === null) return
    const announced = this.#announced
    this.#announced = []
    if (announced.length > 0) {
      told.ticket = this.#acknowledgements.ask(announced.map((each) => () => each.show()))
      for (const each of announced) each.ticket = told.ticket
    }
    if (!this.#isClosed) this.#peers?.send(topic, Buffer.from(JSON.stringify(told)))
  }

  // Hearing

  #hear({ from, bytes, sequence }: PeerMessage): void {
    if (sequence === 0) return
    const last = this.#heard.get(from)
    this.#heard.set(from, sequence)
    if (last !== undefined && sequence > last + 1) this.#owner.onMissed()
    const told = JSON.parse(Buffer.from(bytes).toString()) as Told
    for (const each of told.news) this.#take(from, each)
    for (const name of told.used) this.#owner.onUsed(name)
    this.#acknowledgements.meet(from)
    if (told.ticket > 0) this.#acknowledge(from, told)
  }

  /**
   * Acknowledges, but not before what this worker shows first for those keys has been shown and written: an
   * older answer that reached the disk later would be found in the place of the newer one. Whoever asked first
   * hears first.
   */
  #acknowledge(from: number, { news, ticket }: Told): void {
    this.#acknowledgements.see(ticket)
    const keys = news.flatMap((each) => (each[0] === 'answered' ? [each[1]] : []))
    const turns = keys.flatMap((key) => this.turns.before(key, ticket, from))
    const late = this.#late.get(from)
    if (late === undefined && turns.length === 0) {
      const writing = this.#outdate(keys)
      if (writing.length === 0) return this.#say(from, ticket)
      turns.push(...writing)
    }
    const said = this.#sayLate(from, ticket, keys, late === undefined ? turns : [late, ...turns])
    this.#late.set(from, said)
    void said.then(() => void (this.#late.get(from) === said && this.#late.delete(from)))
  }

  async #sayLate(
    from: number,
    ticket: number,
    keys: readonly string[],
    turns: Promise<void>[],
  ): Promise<void> {
    await Promise.all(turns)
    await Promise.all(this.#outdate(keys))
    this.#say(from, ticket)
  }

  /**
   * Whatever is shown from now on, including what is still to be shown here, comes after what another worker
   * has announced.
   */
  #outdate(keys: readonly string[]): Promise<void>[] {
    const owner = this.#owner
    for (const key of keys) owner.onOutdated(key)
    return keys.flatMap((key) => owner.written(key) ?? [])
  }

  #say(to: number, ticket: number): void {
    if (!this.#isClosed) this.#peers?.send(heardTopic, Buffer.from(JSON.stringify(ticket)), to)
  }

  #take(from: number, news: News): void {
    const owner = this.#owner
    const { claims } = this
    switch (news[0]) {
      case 'asked':
        return claims.asked(news[1], from)
      case 'answered': {
        const [, key, isSoon] = news
        claims.answered(key, from, isSoon)
        // What is here is the previous answer.
        return owner.onForeign('', key)
      }
      case 'added': {
        const [, name, bytes, key, isSettled, tags] = news
        owner.onForeign(name, key)
        owner.onAdded(name, bytes, key, tags)
        return isSettled ? claims.settle(key, from) : undefined
      }
      case 'removed': {
        const [, name, key, isSettled] = news
        owner.onForeign(name, key)
        owner.onGone(name)
        return isSettled ? claims.settle(key, from) : undefined
      }
      case 'evicted': {
        const [, name, key] = news
        owner.onForeign(name, '')
        owner.onGone(name)
        return key === '' ? undefined : owner.onEvicted(name, key)
      }
      default:
        return claims.settle(news[1], from)
    }
  }

  #leave(peer: number): void {
    this.#heard.delete(peer)
    this.#acknowledgements.leave(peer)
    this.claims.leave(peer)
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.claims.close()
    this.#acknowledgements.close()
  }
}

function nothing(): Told {
  return { news: [], used: [], ticket: 0 }
}
