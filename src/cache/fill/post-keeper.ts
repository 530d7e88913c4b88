/**
 * PostKeeper: stores the answer to a POST that says how long it stays fresh, and that it is what a GET of the same
 * URL would give (RFC 9110 §9.3.3): its Content-Location is the URL of the request. Later GETs are answered from it.
 *
 * The answer invalidates what was stored for the URL (RFC 9111 §4.4) before it is stored itself. If anybody else
 * purges the URL while it is under way, it is not stored.
 */
import type { Clock } from '../../core/clock.ts'
import type { Exchange } from '../../http/exchange.ts'
import { Field } from '../../http/known-fields.ts'
import { RequestHead, type ResponseHead } from '../../http/message.ts'
import type { Ask } from './ask.ts'
import type { Entry } from '../store/entry.ts'
import type { FillsTold } from './fills.ts'
import { entryFor } from './make-entry.ts'
import { PartSink, type KeeperPlace } from './part-keeper.ts'
import type { CacheStore } from '../store/store.ts'

export class PostKeeper {
  readonly ask: Ask
  readonly #request: RequestHead = new RequestHead()
  readonly #store: CacheStore
  readonly #clock: Clock
  readonly #requestMs: number
  readonly #askedAt: number
  readonly #told: FillsTold
  /** Others were told of the answer. */
  isAnnounced = false
  #isOver = false

  /** Make it when the request is sent on. `ask.key` is that of a GET of the URL. */
  constructor(x: Exchange, ask: Ask, { store, clock, told }: KeeperPlace) {
    this.ask = ask
    this.#told = told
    // The other workers hear of it before the answer goes out, which waits for them.
    told.onAsked(ask.key)
    this.#request.copyFrom(x.request)
    this.#store = store
    this.#clock = clock
    this.#requestMs = clock.nowMs()
    this.#askedAt = store.generation
  }

  /** The exchange is over. A second call is harmless. */
  leave(): void {
    if (!this.#isOver) this.#told.onAnswered(this.ask.key, this.isAnnounced)
    this.#isOver = true
  }

  /**
   * Has nothing been purged since the request that concerns this answer? Purges of other answers happen all the
   * time.
   */
  isUndisturbed({ response }: Exchange): boolean {
    const store = this.#store
    if (store.generation === this.#askedAt) return true
    const entry = this.#entryOf(response, this.#askedAt)
    if (entry === null || !store.begin(entry)) return false
    store.abandon(entry)
    return true
  }

  /**
   * Call it from `onResponse`, if the answer was undisturbed until what it invalidates was purged. True: what
   * passes is being stored.
   */
  keep(x: Exchange): boolean {
    const entry = this.#entryOf(x.response, this.#store.generation)
    if (entry === null || !this.#store.begin(entry)) return false
    x.interpose(new PartSink(entry, this.#store, () => entry))
    return true
  }

  #entryOf(response: ResponseHead, bornAt: number): Entry | null {
    if (!response.fields.has(Field.CONTENT_LOCATION)) return null
    const received = {
      requestMs: this.#requestMs,
      responseMs: this.#clock.nowMs(),
      responseWallMs: this.#clock.wallMs(),
    }
    return entryFor({ ask: this.ask, request: this.#request, bornAt }, response, received)
  }
}
