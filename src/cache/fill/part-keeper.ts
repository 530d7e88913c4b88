/**
 * PartKeeper: stores the 206 that is passed to a client that asked for a range which the cache did not have, and adds
 * it to the part that is stored already (RFC 9111 §3.3, §3.4).
 *
 * One is made when the request is sent on, and asked to `keep` when the head of the answer has come. The client gets
 * the answer as it would without: a part that cannot be stored, or breaks off, is merely not kept.
 */
import type { Clock } from '../../core/clock.ts'
import type { Fault } from '../../core/faults.ts'
import type { BodySink, BodySource } from '../../http/body.ts'
import { nobody, type Exchange, type InterposedSink } from '../../http/exchange.ts'
import type { Fields } from '../../http/fields.ts'
import { Field, fieldName } from '../../http/known-fields.ts'
import { RequestHead } from '../../http/message.ts'
import { contentRangeText } from '../../http/ranges.ts'
import { StoredFields } from '../../http/stored-fields.ts'
import type { Ask } from './ask.ts'
import { Entry } from '../store/entry.ts'
import type { FillsTold } from './fills.ts'
import { partFor, type Sent } from './make-entry.ts'
import { areCombinable, areOfOne, combinedBody, combinedPart, partOf, type Part } from '../store/partial.ts'
import { copyOfRule } from '../rules/rule.ts'
import type { CacheStore } from '../store/store.ts'

/** Where the parts are stored. */
export interface KeeperPlace {
  readonly store: CacheStore
  readonly clock: Clock
  readonly told: FillsTold
}

export class PartKeeper implements Sent {
  readonly ask: Ask
  readonly request: RequestHead = new RequestHead()
  readonly bornAt: number
  readonly #store: CacheStore
  readonly #clock: Clock
  readonly #requestMs: number
  readonly #told: FillsTold
  /** Others were told of the answer. */
  isAnnounced = false
  #isOver = false

  /** `ask.key`: made with `partKeyDigest`. */
  constructor(x: Exchange, ask: Ask, { store, clock, told }: KeeperPlace) {
    this.ask = ask
    this.#told = told
    told.onAsked(ask.key)
    this.request.copyFrom(x.request)
    this.bornAt = store.generation
    this.#store = store
    this.#clock = clock
    this.#requestMs = clock.nowMs()
  }

  /** Call it from `onResponse`. True: the part that passes is being stored. */
  keep(x: Exchange): boolean {
    const { response } = x
    if (response.status !== 206 || x.request.method !== 'GET') return false
    const received = {
      requestMs: this.#requestMs,
      responseMs: this.#clock.nowMs(),
      responseWallMs: this.#clock.wallMs(),
    }
    const entry = partFor(this, response, received)
    if (entry === null || !this.#store.begin(entry)) return false
    x.interpose(new PartSink(entry, this.#store, () => this.#chosen(entry)))
    return true
  }

  /** The exchange is over. A second call is harmless. */
  leave(): void {
    if (!this.#isOver) this.#told.onAnswered(this.ask.key, this.isAnnounced)
    this.#isOver = true
  }

  /**
   * What to store now that `entry` is whole: that entry, or its combination with the stored one; null: the
   * stored one stays.
   */
  #chosen(entry: Entry): Entry | null {
    const old = this.#store.peek(this.ask.key, this.request)
    if (old === null) return entry
    const oldPart = partOf(old.head.fields, old.body.length)
    const part = partOf(entry.head.fields, entry.body.length)
    if (oldPart === null || part === null || !areOfOne(old, oldPart, entry, part)) return entry
    if (areCombinable(old, oldPart, entry, part)) return combinedEntry(old, oldPart, entry, part)
    const isOldBetter = old.freshUntilMs > this.#clock.nowMs() && old.body.length > entry.body.length
    return isOldBetter ? null : entry
  }
}

/** Combines them under the head of the newer one (RFC 9111 §3.4). */
function combinedEntry(old: Entry, oldPart: Part, entry: Entry, part: Part): Entry {
  const whole = combinedPart(oldPart, part)
  const list = StoredFields.of(entry.head.fields, (id) => id === Field.CONTENT_RANGE).toArray()
  list.push(fieldName(Field.CONTENT_RANGE), contentRangeText(whole, whole.length))
  const body = combinedBody(old, oldPart, entry, part)
  const combined = new Entry({
    key: entry.requestKey,
    bornAt: Math.min(old.bornAt, entry.bornAt),
    site: entry.site,
    host: entry.host,
    head: { status: 206, reason: entry.head.reason, fields: StoredFields.from(list) },
    statedLength: body.length,
    vary: entry.vary,
    variant: entry.variant,
    tags: entry.tagNames,
    body,
    searchRule: entry.searchRule,
  })
  return Object.assign(combined, copyOfRule(entry))
}

/** Passes bytes on and stores them. */
export class PartSink implements InterposedSink {
  next: BodySink = nobody
  source: BodySource | null = null
  /** null: storing was given up. */
  #entry: Entry | null
  readonly #store: CacheStore
  readonly #choose: () => Entry | null

  constructor(entry: Entry, store: CacheStore, choose: () => Entry | null) {
    this.#entry = entry
    this.#store = store
    this.#choose = choose
  }

  write(buffer: Buffer, start: number, end: number): boolean {
    const entry = this.#entry
    if (entry !== null && !this.#store.append(entry, buffer, start, end)) this.#entry = null
    return this.next.write(buffer, start, end)
  }

  end(trailers: Fields | null): void {
    const entry = this.#entry
    this.#entry = null
    if (entry !== null) this.#complete(entry)
    this.next.end(trailers)
  }

  #complete(entry: Entry): void {
    entry.body.finish()
    const chosen = this.#choose()
    if (chosen !== null && chosen !== entry && this.#store.begin(chosen)) {
      this.#store.abandon(entry)
      this.#store.complete(chosen)
    } else if (chosen === null) this.#store.abandon(entry)
    else this.#store.complete(entry)
  }

  abort(fault: Fault): void {
    this.#abandon()
    this.next.abort(fault)
  }

  resume(): void {
    this.source?.resume()
  }

  cancel(fault: Fault): void {
    this.#abandon()
    this.source?.cancel(fault)
  }

  #abandon(): void {
    if (this.#entry !== null) this.#store.abandon(this.#entry)
    this.#entry = null
  }
}
