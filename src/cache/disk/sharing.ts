/**
 * Sharing: what the workers that use one folder tell each other: what was written and removed (so that the elected one keeps
 * the accounts, and the others let go of what they have of it in memory), what was found, and what is being asked for and
 * about to be written (claims.ts).
 *
 * Elected is the one with the lowest number of those that are here: numbers are never given twice, so a worker that comes
 * does not take it over, and when the elected one leaves the next is told within `lookMs`.
 */
import type { Clock, ClockTimer } from '../../core/clock.ts'
import type { Peers } from '../../core/peers.ts'
import { Claims } from './claims.ts'

const topic = 'cache-disk'
const lookMs = 1000
/** What was found is told together. */
const usedMax = 500

/** What one worker tells: pairs and triples of name, bytes, key. */
interface Told {
  added: [name: string, bytes: number, key: string][]
  removed: [name: string, key: string][]
  used: string[]
  asked: string[]
  /** The answer is there, and goes to the disk. */
  writing: string[]
  /** Nothing was stored of what was asked for. */
  done: string[]
}

export interface SharingOwner {
  readonly clock: Clock
  onElected(): void
  onAdded(name: string, bytes: number, key: string): void
  onGone(name: string, key: string): void
  onUsed(name: string): void
  /** What another worker wrote or removed: what is in memory of it here is out of date. */
  onForeign(name: string, key: string): void
}

export class Sharing {
  readonly #peers: Peers | null
  readonly #owner: SharingOwner
  /** Of the others. */
  readonly claims: Claims
  #told: Told | null = null
  #isFlushing = false
  #isElected = false
  #timer: ClockTimer | null = null

  /** `peers` null: this process is alone, and elected. */
  constructor(peers: Peers | null, owner: SharingOwner) {
    this.#peers = peers
    this.#owner = owner
    this.claims = new Claims(owner.clock)
    peers?.onMessage(topic, ({ bytes, sequence }) => {
      if (sequence !== 0) this.#take(JSON.parse(Buffer.from(bytes).toString()) as Told)
    })
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

  get isElected(): boolean {
    return this.#isElected
  }

  // Telling

  added(name: string, bytes: number, key: string): void {
    if (this.#isElected) this.#owner.onAdded(name, bytes, key)
    this.#next()?.added.push([name, bytes, key])
  }

  removed(name: string, key: string): void {
    if (this.#isElected) this.#owner.onGone(name, key)
    this.#next()?.removed.push([name, key])
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
    this.#next()?.asked.push(key)
  }

  /** It has answered, and that is about to be written. */
  writing(key: string): void {
    this.#next()?.writing.push(key)
  }

  /** Nothing of it will be found on disk. */
  done(key: string): void {
    this.#next()?.done.push(key)
  }

  /** What is told together at the end of this turn; null: there is nobody to tell. */
  #next(): Told | null {
    if (this.#peers === null || this.#peers.others().length === 0) return null
    if (!this.#isFlushing) queueMicrotask(() => this.#flush())
    this.#isFlushing = true
    return (this.#told ??= nothing())
  }

  #flush(): void {
    const told = this.#told
    this.#told = null
    this.#isFlushing = false
    if (told !== null) this.#peers?.send(topic, Buffer.from(JSON.stringify(told)))
  }

  // Hearing

  #take({ added, removed, used, asked, writing, done }: Told): void {
    const owner = this.#owner
    const { claims } = this
    for (const key of asked) claims.asked(key)
    for (const key of writing) {
      claims.writing(key)
      // What is here of it is the answer before.
      owner.onForeign('', key)
    }
    for (const [name, bytes, key] of added) {
      owner.onForeign(name, key)
      owner.onAdded(name, bytes, key)
      claims.settle(key)
    }
    for (const [name, key] of removed) {
      owner.onForeign(name, key)
      owner.onGone(name, key)
    }
    for (const name of used) owner.onUsed(name)
    for (const key of done) claims.settle(key)
  }

  close(): void {
    this.#timer?.cancel()
    this.claims.close()
  }
}

function nothing(): Told {
  return { added: [], removed: [], used: [], asked: [], writing: [], done: [] }
}
