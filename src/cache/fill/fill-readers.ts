/**
 * FillReaders: those who wait for a fill, and what each of them is told. What came of the origin is known to the fill
 * (fill.ts).
 *
 * Invariants: each reader is told one outcome; one that has left is told nothing; readers that join while others are
 * being told are told too. After a reader is told, its exchange may be finished, and serve another request that asks
 * again.
 */
import type { Clock } from '../../core/clock.ts'
import { NONE, type Fault } from '../../core/faults.ts'
import { List } from '../../core/list.ts'
import type { Timers } from '../../core/timers.ts'
import type { Exchange } from '../../http/exchange.ts'
import { RequestHead, type ResponseHead } from '../../http/message.ts'
import type { Transport } from '../../net/transport.ts'
import { memoryKeyOf, type Ask } from './ask.ts'
import type { Entry } from '../store/entry.ts'
import type { FillLimits } from './fill-limits.ts'
import { isElsewhere, isFarAhead, isPersonal, personalKeyOf } from './fill-request.ts'
import type { Growing } from './growing.ts'
import { Outcome, type Reader, type ReaderOwner } from './reader.ts'
import { Verdict, verdictOf } from '../rules/reasons.ts'
import type { CacheStore } from '../store/store.ts'
import type { Vary } from '../keys/vary.ts'
import { judge, mayServeOnError } from '../rules/verdict.ts'

/** Who keeps the fills: what one needs beyond itself. */
export interface FillOwner {
  readonly store: CacheStore
  readonly clock: Clock
  readonly timers: Timers
  readonly limits: FillLimits
  /** A reader whose request has another variant waits for another fill. */
  again(reader: Reader): void
  /** A validation in the background has failed: the next one waits a little. */
  rest(key: string): void
  /** Are answers for this key worth waiting for? If not, that is remembered for `unsharedMs`; 0: they are. */
  remember(key: string, unsharedMs: number): void
}

export abstract class FillReaders implements ReaderOwner {
  // Whose request is asked with, for the fields that tell the origin of the client.
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  readonly encrypted: boolean
  abstract ask: Ask
  /** `CacheStore.generation` when the origin was asked. */
  abstract readonly bornAt: number
  abstract readonly answerHead: ResponseHead
  /** What is asked, as the client's request was before it was edited for the origin: what Vary compares. */
  readonly request: RequestHead = new RequestHead()
  protected readonly owner: FillOwner
  protected readonly waiting: List<Reader> = new List()
  /** Whose request caused the fill, while it waits. */
  protected first: Reader | null = null
  /** The one that the answer is passed to. */
  protected passing: Reader | null = null
  /** What the answer will vary by, as far as can be told from others. */
  protected vary: Vary | null = null
  /** Status of the answer, 0 before it. */
  protected status = 0
  /** Readers are being told: nobody is missed yet who leaves meanwhile. */
  protected isTelling = false

  constructor(owner: FillOwner, x: Exchange) {
    this.owner = owner
    const { remoteAddress, remotePort, localAddress = '', localPort, encrypted } = x.down
    this.remoteAddress = remoteAddress
    this.remotePort = remotePort
    this.localAddress = localAddress
    this.localPort = localPort
    this.encrypted = encrypted
  }

  // What a stream of a client can do besides, and this one never is asked for.

  upgrade(): Transport | null {
    return null
  }

  pushKept(): void {}

  refuseReuse(): void {}

  abstract onReaderResume(): void
  /** Somebody has left. */
  protected abstract onReaderGone(): void

  protected wait(reader: Reader): void {
    reader.owner = this
    this.waiting.addLast(reader)
  }

  onLeave(reader: Reader): void {
    this.waiting.remove(reader)
    if (reader === this.first) this.first = null
    if (reader === this.passing) this.passing = null
    this.onReaderGone()
  }

  /** Before the answer tells what it varies by: probably by what another one for this key did. */
  protected mayBeFor(reader: Reader): boolean {
    const vary = this.vary ?? reader.vary
    return vary === null || vary.variantOf(reader.x.request) === vary.variantOf(this.request)
  }

  protected isVariant(entry: Entry, reader: Reader): boolean {
    return entry.vary === null || entry.vary.variantOf(reader.x.request) === entry.variant
  }

  protected isUsable(entry: Entry, reader: Reader): boolean {
    return isUsable(entry, reader, this.owner.clock.nowMs())
  }

  // Telling

  protected tell(reader: Reader, outcome: Outcome, entry: Entry | null = null, fault: Fault = NONE): void {
    this.waiting.remove(reader)
    if (reader === this.first) this.first = null
    // Its own request is another one, which tells of itself.
    if (outcome === Outcome.ALONE) reader.x.attempts = 0
    reader.owner = outcome === Outcome.PASSED ? this : null
    reader.outcome = outcome
    reader.entry = entry
    reader.fault = fault
    reader.status = this.status
    reader.wake()
  }

  /** From an entry that grows, or has come whole with its head. */
  protected serveGrowing(reader: Reader, growing: Growing): void {
    const { entry } = growing
    const front = entry.body.length
    const { rangeAheadBytesMax: ahead, passedAheadBytesMax } = this.owner.limits
    const { request } = reader.x
    // What is not kept passes by: who wants a part that is not just coming asks for it.
    // Of a slice it is known that it is the one.
    const isAway =
      (this.ask.slice ?? null) === null &&
      (growing.isStored
        ? isFarAhead(request, front, entry.statedLength, ahead)
        : isElsewhere(request, front, passedAheadBytesMax))
    if (isAway) return this.tell(reader, Outcome.ALONE)
    reader.isStored = growing.isStored
    reader.growth = entry.body.isWhole ? null : growing.growth
    this.tell(reader, Outcome.FILLED, entry)
  }

  /** All who wait are told by `how`. */
  protected tellAll(how: (reader: Reader) => void): void {
    this.isTelling = true
    while (this.waiting.first !== null) how(this.waiting.first)
    this.isTelling = false
  }

  /** Nobody waits for such an answer for a while. */
  protected rememberUnshared(isForRequest: boolean, hasFailed: boolean): void {
    const { unsharedMs, unsharedFailureMs } = this.owner.limits
    const key = memoryKeyOf(this.ask)
    this.owner.remember(isForRequest ? personalKeyOf(key) : key, hasFailed ? unsharedFailureMs : unsharedMs)
  }

  /**
   * The answer cannot be shared. `isForRequest`: for the sake of the request that asked for it; then one of those who ask
   * otherwise asks for them all. Else all ask by themselves, at once.
   */
  protected letOthersGo(isForRequest: boolean): void {
    this.tellAll((reader) => {
      if (isForRequest && !isPersonal(reader.x.request)) this.sendOn(reader, null)
      else this.tell(reader, Outcome.ALONE)
    })
  }

  /**
   * `how`: for those whom the entry suits. The first one asked itself: what came is its answer, whatever it is.
   * `isPurged`: it was, since the origin was asked; who came after that must not see it.
   */
  protected tellSuited(entry: Entry, isPurged: boolean, how: (reader: Reader) => void): void {
    this.tellAll((reader) => {
      if (reader === this.first) how(reader)
      else if (isPurged && reader.bornAt > this.bornAt) this.sendOn(reader, entry.vary)
      else if (!this.isVariant(entry, reader)) this.sendOn(reader, entry.vary)
      else if (this.isUsable(entry, reader)) how(reader)
      else this.tell(reader, Outcome.ALONE)
    })
  }

  /** The first one sees what the origin says meanwhile. */
  protected inform(head: ResponseHead): void {
    const { first } = this
    if (first === null) return
    const { informational } = first.x
    informational.reset()
    informational.status = head.status
    informational.reason = head.reason
    informational.fields.copyFrom(head.fields)
    first.x.inform()
  }

  protected sendOn(reader: Reader, vary: Vary | null): void {
    reader.vary = vary
    this.waiting.remove(reader)
    reader.owner = null
    this.owner.again(reader)
  }

  /** The origin failed, with `fault` or by its status: tells those for whom the stale answer may stand in. */
  protected tellStale(stale: Entry, fault: Fault): void {
    const nowMs = this.owner.clock.nowMs()
    const suited: Reader[] = []
    for (let reader = this.waiting.first; reader !== null; reader = reader.next) {
      const { request } = reader.x
      if (!this.isVariant(stale, reader)) continue
      // Who came after a purge found nothing, and gets nothing of it.
      if (reader.ask.stale !== stale && this.owner.store.isPurged(stale)) continue
      if (mayServeOnError(stale, request, reader.ask.policy, this.status, nowMs)) suited.push(reader)
    }
    // One that is told may take others with it.
    for (const reader of suited) if (reader.owner === this) this.tell(reader, Outcome.STALE, stale, fault)
  }
}

/** May the reader be answered from the entry without asking the origin for it alone? (RFC 9111 §4) */
export function isUsable(entry: Entry, reader: Reader, nowMs: number): boolean {
  const verdict = verdictOf(judge(entry, reader.x.request, reader.ask.policy, nowMs))
  return verdict === Verdict.FRESH || verdict === Verdict.STALE
}

/** The log of the request that caused a fill tells of the origin. */
export function tellLog(x: Exchange, child: Exchange): void {
  x.upstreamAddress = child.upstreamAddress
  x.connectMs = child.connectMs
  x.attempts = child.attempts
  x.firstByteMs = child.firstByteMs < 0 ? -1 : child.firstByteMs + child.startMs - x.startMs
}
