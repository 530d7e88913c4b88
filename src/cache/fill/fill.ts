/**
 * Fill: an answer on its way from an origin into the cache, and to all who wait for it. It is the Downstream of a
 * child exchange and belongs to no client: the one that caused it is its first reader and may leave at any time.
 *
 * What becomes of the answer:
 * - It may be stored: readers are served from the growing entry, each at its own pace. The origin is held back only
 *   when it is `windowBytes` ahead of the fastest of them.
 * - It may, but no store takes it: the same, with a body that keeps only its last `windowBytes`. A reader that falls
 *   farther behind gets the rest from the origin by Range, or is cut visibly.
 * - It may not: it is passed through to the first reader; the others are released all at once, to ask for themselves.
 * - It confirms what is stored (304): all are answered from that.
 * - It fails: each reader gets its own verdict: the stale answer where that may stand in, else the fault.
 *
 * When the last reader has left, it goes on if it is at least half there or nearly done; else it is given up.
 *
 * Invariants: an entry that was begun is completed or abandoned once; the child is ended once; after that, whatever
 * still comes has no effect. (What readers are told: fill-readers.ts; what is held back first: fill-answer.ts.)
 */
import { Faults, NONE, type Fault } from '../../core/faults.ts'
import { Deadline, type DeadlineOwner } from '../../core/timers.ts'
import type { Exchange, Walk } from '../../http/exchange.ts'
import type { Fields } from '../../http/fields.ts'
import { Field } from '../../http/known-fields.ts'
import { BODY_NONE, type RequestHead, type ResponseHead } from '../../http/message.ts'
import { memoryKeyOf, type Ask } from './ask.ts'
import type { Entry } from '../store/entry.ts'
import { desertedBytesMax, discardBytesMax } from './fill-limits.ts'
import { FillAnswer } from './fill-answer.ts'
import { tellLog } from './fill-readers.ts'
import { askForAll, encloseContent, patienceMs } from './fill-request.ts'
import type { FillTable } from './fill-table.ts'
import type { GrowthOwner } from '../store/growth.ts'
import { Growing } from './growing.ts'
import { confirmedBy, entryFor, isRefusedForRequest, isStorable, type Sent } from './make-entry.ts'
import { Outcome, type Reader } from './reader.ts'
import { addValidators, isUpdatedBy } from '../rules/update.ts'
import { foldRequest } from '../keys/vary.ts'

const ASKING = 0
const GROWING = 1
const PASSING = 2
/** Nobody wants what still comes; a little is read over, so that the connection can be used again. */
const DISCARDING = 3
const OVER = 4

export class Fill extends FillAnswer implements GrowthOwner, DeadlineOwner, Sent {
  ask: Ask
  bornAt: number
  /** No reader caused it: a validation in the background. */
  readonly isBackground: boolean
  /** The next one of the same key. */
  sibling: Fill | null = null
  protected readonly table: FillTable
  readonly #deadline: Deadline = new Deadline(this)
  #mode = ASKING
  /** The step that is asked. */
  #from = 0
  #growing: Growing | null = null
  #discarded = 0
  /** The origin was told to stop. */
  #isHeld = false
  #isWriting = false
  /** Without a reader it goes on to this length at most. */
  #desertedBytesMax = Infinity

  constructor(table: FillTable, ask: Ask, x: Exchange, isBackground: boolean) {
    super(table, x)
    this.table = table
    this.ask = ask
    this.isBackground = isBackground
    this.bornAt = table.store.generation
  }

  /** Asks the steps after the one that `x` is at. `first`: null in the background. */
  start(x: Exchange, first: Reader | null): void {
    if (first !== null) {
      first.isFirst = true
      this.first = first
      this.wait(first)
    }
    this.vary = this.ask.stale?.vary ?? first?.vary ?? null
    this.#send(x)
  }

  #send(x: Exchange): void {
    const { stale } = this.ask
    const { timers, limits, store } = this.table
    this.#from = this.ask.slice?.from ?? x.step + 1
    const child = (x.walk as Walk).child(x, this.#from, this)
    this.child = child
    this.bornAt = store.generation
    askForAll(child.request)
    encloseContent(child, this.ask.content ?? null)
    this.request.copyFrom(child.request)
    foldRequest(child.request.fields, this.ask.folding)
    if (stale !== null) addValidators(child.request, stale, stale.head.fields)
    this.edit(child.request)
    timers.set(this.#deadline, this.isBackground ? limits.backgroundMs : patienceMs(x))
    child.resume(child.turn)
  }

  // For slices: what else is asked for; and whether the answer is to be dealt with as ever.
  protected edit(_request: RequestHead): void {}
  protected accept(_response: ResponseHead): boolean {
    return true
  }

  /** It is about something else from now on. */
  protected relist(ask: Ask): void {
    const isListed = this.table.unlist(this)
    this.ask = ask
    if (isListed) this.table.list(this)
  }

  /** Takes a reader in, if this answer may be its. False: it needs another fill. */
  take(reader: Reader): boolean {
    if (this.#mode === ASKING) {
      if (!this.mayBeFor(reader)) return false
      this.wait(reader)
      return true
    }
    const { growing } = this
    if (growing === null || !growing.isJoinable || growing.isPurgedSince(this.bornAt)) return false
    if (!this.isVariant(growing.entry, reader) || !this.isUsable(growing.entry, reader)) return false
    this.serveGrowing(reader, growing)
    return true
  }

  /** What it writes; null before the head, and where it is passed. */
  get growing(): Growing | null {
    return this.#mode === GROWING ? this.#growing : null
  }

  // The child's answer

  protected override get isAsking(): boolean {
    return this.#mode === ASKING
  }

  protected override isNews(response: ResponseHead): boolean {
    const { stale, slice = null } = this.ask
    // Others hear of an index and of slices by their files; of what turns out to be the whole they may have an older one.
    if (slice !== null) return response.status === 200
    if (stale !== null && response.status < 500) return true
    return isStorable(this, response, this.receivedOf(this.child as Exchange))
  }

  protected override onHead(child: Exchange): void {
    const { response } = child
    const { stale } = this.ask
    const isWhole = response.bodyLength === BODY_NONE
    this.status = response.status
    if (this.first !== null) tellLog(this.first.x, child)
    if (stale !== null && response.status === 304) return this.#confirm(stale, response)
    if (!this.accept(response)) return
    if (stale !== null && response.status >= 500) {
      this.table.unlist(this)
      this.tellStale(stale, NONE)
      if (this.isBackground) this.table.rest(this.ask.key)
      if (this.waiting.first === null) return this.#discard(response)
    }
    if (!this.#keep(response)) this.#pass(response)
    if (isWhole) this.end(null)
  }

  /** False: it may not be stored. */
  #keep(response: ResponseHead): boolean {
    const entry = entryFor(this, response, this.receivedOf(this.child as Exchange))
    if (entry === null) return false
    const { clock, limits } = this.table
    const growing = new Growing(entry, this.table, this, this.#from)
    this.#growing = growing
    this.#mode = GROWING
    const isShared = entry.freshUntilMs + entry.graceMs > clock.nowMs()
    this.table.remember(memoryKeyOf(this.ask), isShared ? 0 : limits.unsharedMs)
    if (response.bodyLength === BODY_NONE) this.#complete(growing)
    this.tellKept(growing, growing.isPurgedSince(this.bornAt))
    this.onReaderGone()
    return true
  }

  protected tellKept(growing: Growing, isPurged: boolean): void {
    this.tellSuited(growing.entry, isPurged, (reader) => this.serveGrowing(reader, growing))
  }

  #pass(response: ResponseHead): void {
    const { stale, slice = null } = this.ask
    const hasFailed = response.status >= 500
    const isForRequest = isRefusedForRequest(this, response, this.receivedOf(this.child as Exchange))
    this.table.unlist(this)
    this.rememberUnshared(isForRequest, hasFailed)
    // It is another one by now, which nobody may keep.
    if (stale !== null && !hasFailed && !isForRequest) this.table.store.remove(stale)
    const { first } = this
    // Who wants a part is not given the whole of what may be a film.
    const isTaken = first !== null && slice === null && !first.x.request.fields.has(Field.RANGE)
    if (isTaken) {
      this.#mode = PASSING
      this.passing = first
      this.tell(first, Outcome.PASSED)
    }
    this.letOthersGo(isForRequest)
    if (!isTaken) this.#discard(response)
  }

  #confirm(stale: Entry, answer: ResponseHead): void {
    const { store, clock } = this.table
    if (!isUpdatedBy(stale, answer, clock.wallMs())) return this.#askAnew(stale)
    const received = this.receivedOf(this.child as Exchange)
    const { entry, isKept } = confirmedBy(this, stale, answer, received)
    this.table.unlist(this)
    if (!isKept) store.remove(stale)
    const isReplaced = isKept && store.replaceHead(stale, entry)
    if (isReplaced) this.table.remember(this.ask.key, 0)
    const isPurged = !isReplaced && store.generation !== this.bornAt
    this.tellSuited(entry, isPurged, (reader) => {
      reader.isValidated = true
      reader.isStored = isKept
      this.tell(reader, Outcome.FILLED, entry)
    })
    this.#finish(NONE)
  }

  /** The 304 is about an answer that we do not have (RFC 9111 §4.3.4): asks for the whole, without conditions. */
  #askAnew(stale: Entry): void {
    this.table.store.remove(stale)
    this.askAgain({ ...this.ask, stale: null }, NONE)
  }

  /** Gives up the answer that has come, and asks for `ask`. `fault`: NONE if no body follows. */
  protected askAgain(ask: Ask, fault: Fault): void {
    const child = this.child as Exchange
    const asker = this.waiting.first
    if (asker === null) return this.#finish(fault)
    this.child = null
    this.status = 0
    this.relist(ask)
    child.walk?.endChild(child, fault)
    this.#send(asker.x)
  }

  #discard(response: ResponseHead): void {
    this.table.unlist(this)
    this.#mode = DISCARDING
    const { bodyLength } = response
    if (bodyLength === BODY_NONE) this.#finish(NONE)
    else if (bodyLength < 0 || bodyLength > discardBytesMax) this.#finish(Faults.CLIENT_GONE)
  }

  /** Whom it was passed to has left, or asked for the head only. */
  #discardRest(): void {
    this.#discard(this.answerHead)
    this.#resume()
  }

  protected override onBytes(buffer: Buffer, start: number, end: number): boolean {
    if (this.child !== null) this.child.bytesSent += end - start
    if (this.#mode === GROWING) return this.#grow(this.#growing as Growing, buffer, start, end)
    if (this.passing !== null) return this.passing.write(buffer, start, end)
    this.#discarded += end - start
    if (this.#discarded > discardBytesMax) this.#finish(Faults.CLIENT_GONE)
    return true
  }

  #grow(growing: Growing, buffer: Buffer, start: number, end: number): boolean {
    this.#isWriting = true
    growing.append(buffer, start, end)
    this.#isWriting = false
    if (this.#mode !== GROWING) return true
    if (growing.growth.size === 0) {
      if (!this.isBackground && growing.entry.body.length > this.#desertedBytesMax) this.giveUp()
      return true
    }
    this.#isHeld = growing.isAhead
    return !this.#isHeld
  }

  protected override onEnd(trailers: Fields | null): void {
    const growing = this.#growing
    const { passing } = this
    this.passing = null
    if (growing !== null && this.#mode === GROWING) this.#complete(growing)
    if (passing !== null) passing.end(trailers)
    this.#finish(NONE)
  }

  /** Before readers hear of it: who asks from then on must find it in the store. */
  #complete(growing: Growing): void {
    if (growing.growth.isWhole) return
    this.table.unlist(this)
    growing.complete()
  }

  protected override onAbort(fault: Fault): void {
    if (this.#mode !== OVER) this.#fail(fault, NONE)
  }

  /** `childFault`: NONE when the child knows already. */
  #fail(fault: Fault, childFault: Fault): void {
    const { stale } = this.ask
    const { passing } = this
    const growing = this.#growing
    const mode = this.#mode
    this.table.unlist(this)
    this.#mode = DISCARDING
    this.passing = null
    if (this.first !== null && this.child !== null) tellLog(this.first.x, this.child)
    if (mode === GROWING) growing?.abandon(fault)
    if (stale !== null) this.tellStale(stale, fault)
    if (this.isBackground) this.table.rest(this.ask.key)
    this.tellAll((reader) => this.tell(reader, Outcome.FAILED, null, fault))
    if (passing !== null) passing.break(fault)
    this.#finish(childFault)
  }

  override sendInformational(child: Exchange): void {
    if (child === this.child) this.inform(child.informational)
  }

  // Pace

  onReaderResume(): void {
    this.#resume()
  }

  onAdvance(): void {
    const growing = this.#growing
    if (this.#isHeld && growing !== null && !growing.isAhead) this.#resume()
  }

  #resume(): void {
    if (this.#isWriting || this.#mode === OVER) return
    this.#isHeld = false
    this.child?.source?.resume()
  }

  // The end

  onDeserted(): void {
    return this.isBackground ? this.onAdvance() : this.onReaderGone()
  }

  protected onReaderGone(): void {
    if (this.isTelling || this.isBackground || this.waiting.first !== null || this.passing !== null) return
    if (this.#mode === GROWING) this.#goOnDeserted(this.#growing as Growing)
    else if (this.#mode === ASKING && this.table.limits.whenDeserted === 'finish')
      this.#watchDeserted(Infinity)
    else if (this.#mode === PASSING) this.#discardRest()
    else if (this.#mode !== DISCARDING) this.giveUp()
  }

  #goOnDeserted(growing: Growing): void {
    const { entry, growth } = growing
    if (growth.size > 0 || growth.isWhole) return
    // All of it is there; that it ends comes in the same turn.
    if (entry.body.length === entry.statedLength) return
    const bytesMax = growing.isStored ? desertedBytesMax(entry, this.table.limits) : 0
    if (bytesMax === 0) return this.giveUp()
    this.#watchDeserted(bytesMax)
    if (this.#isHeld) this.#resume()
  }

  #watchDeserted(bytesMax: number): void {
    const { timers, limits } = this.table
    this.#desertedBytesMax = bytesMax
    timers.set(this.#deadline, limits.desertedMs)
  }

  /** Of what still comes nobody wants anything. */
  protected giveUp(): void {
    if (this.#mode === OVER) return
    this.table.unlist(this)
    if (this.#mode === GROWING) this.#growing?.abandon(Faults.CLIENT_GONE)
    this.#finish(Faults.CLIENT_GONE)
  }

  onDeadline(): void {
    const growing = this.#growing
    if (this.#mode === ASKING) this.#fail(Faults.ORIGIN_FIRST_BYTE_TIMEOUT, Faults.ORIGIN_FIRST_BYTE_TIMEOUT)
    else if (growing !== null && growing.growth.size === 0) this.giveUp()
  }

  /** It is stopped from outside: the cache closes. */
  close(fault: Fault): void {
    if (this.#mode !== OVER) this.#fail(fault, fault)
  }

  #finish(childFault: Fault): void {
    if (this.#mode === OVER) return
    this.#mode = OVER
    const child = this.child
    this.child = null
    this.letGo()
    this.table.timers.remove(this.#deadline)
    this.table.unlist(this)
    this.table.onFinish(this)
    child?.walk?.endChild(child, childFault)
  }
}
