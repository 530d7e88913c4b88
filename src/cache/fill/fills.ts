/**
 * Fills: what is under way from origins into one store, by key. Many requests for one key make one request to the
 * origin, as long as its answers can be shared.
 *
 * Promises: while a shareable answer for a key and variant is on its way, nobody else asks the origin for it; nobody
 * waits on a key whose last answer could not be shared; at rest it is empty.
 */
import type { Clock } from '../../core/clock.ts'
import { Faults } from '../../core/faults.ts'
import type { Timers } from '../../core/timers.ts'
import type { Exchange } from '../../http/exchange.ts'
import { memoryKeyOf, type Ask } from './ask.ts'
import { isParticular } from '../../http/conditional.ts'
import type { RequestHead, ResponseHead } from '../../http/message.ts'
import { Fill } from './fill.ts'
import type { FillTable } from './fill-table.ts'
import { defaultFillLimits, type FillLimits } from './fill-limits.ts'
import { isUsable } from './fill-readers.ts'
import { isFarAhead, isPersonal, isShort, personalKeyOf } from './fill-request.ts'
import { searchRuleFor } from './make-entry.ts'
import { SliceFill } from './slice-fill.ts'
import { Outcome, Reader } from './reader.ts'
import { Rule } from '../rules/rule.ts'
import { isNotToBeStored } from '../rules/storing.ts'
import type { CacheStore } from '../store/store.ts'
import { KeyMemory } from '../keys/key-memory.ts'

/** Who is told what origins are asked for. */
export interface FillsTold {
  /** Is there anybody who hears it? */
  readonly hasListeners: boolean
  onAsked(key: string): void
  /**
   * What is stored for a key, here and elsewhere, gives way to what has come. `onHeard` is called when everybody knows;
   * false: there is nobody to wait for. `isSoon`: all of it is about to be there. `ruledKey`: what a rule for parameters
   * makes of the key; the same is true of that.
   */
  onAnswer(key: string, isSoon: boolean, onHeard: () => void, ruledKey?: string): boolean
  /** It is not about to be there after all. */
  onLong(key: string): void
  /** All of the answer is there, or never will be. `wasAnnounced`: `onAnswer` has told of it. */
  onAnswered(key: string, wasAnnounced: boolean): void
}

/** Of a process that has no others. */
export const toldNobody: FillsTold = {
  hasListeners: false,
  onAsked() {},
  onAnswer: () => false,
  onLong() {},
  onAnswered() {},
}

export interface FillsOptions {
  readonly told?: FillsTold
  readonly store: CacheStore
  readonly clock: Clock
  readonly timers: Timers
  readonly limits?: Partial<FillLimits>
}

/** How often a reader is sent on because its variant was another: then it asks by itself. */
const roundsMax = 3

export class Fills implements FillTable {
  readonly store: CacheStore
  readonly clock: Clock
  readonly timers: Timers
  readonly limits: FillLimits
  readonly #byKey: Map<string, Fill> = new Map()
  readonly #told: FillsTold
  readonly #running: Set<Fill> = new Set()
  readonly #unshared: KeyMemory
  /** Validations in the background that have just failed. */
  readonly #resting: KeyMemory
  readonly #unsliced: KeyMemory
  /** Requests that waited for an answer another one had caused. */
  collapsed = 0
  /** Fills begun, those in the background included. */
  started = 0

  constructor(options: FillsOptions) {
    this.store = options.store
    this.#told = options.told ?? toldNobody
    this.clock = options.clock
    this.timers = options.timers
    this.limits = { ...defaultFillLimits, ...options.limits }
    this.#unshared = new KeyMemory(options.clock, this.limits.unsharedMax)
    this.#unsliced = new KeyMemory(options.clock, this.limits.unsharedMax)
    this.#resting = new KeyMemory(options.clock, this.limits.unsharedMax)
  }

  /** Fills under way. */
  get size(): number {
    return this.#running.size
  }

  /** Keys whose fills can be joined. */
  get joinable(): number {
    return this.#byKey.size
  }

  /** What answers under way hold that no store accounts for. */
  get heldBytes(): number {
    let bytes = 0
    for (const fill of this.#running) bytes += fill.growing?.heldBytes ?? 0
    return bytes
  }

  /** Is it being asked for, or not worth waiting for? Then there is no sense in looking for it elsewhere. */
  isKnown(key: string): boolean {
    return this.#byKey.has(key) || this.#unshared.has(key)
  }

  get underWay(): ReadonlySet<Fill> {
    return this.#running
  }

  get unsharedKeys(): number {
    return this.#unshared.size
  }

  /**
   * Has `x`, which is at its step in the walk inward, wait for what `ask` describes. The outcome may be known at once;
   * while it is WAITING the step parks the reader and answers WAIT.
   */
  ask(x: Exchange, ask: Ask): Reader {
    const reader = new Reader(x, ask, this.store.generation)
    this.place(reader)
    return reader
  }

  /** May the answer for this key be fetched and kept in slices? Not while it is on its way as a whole. */
  isSliceable(wholeKey: string, request: RequestHead): boolean {
    return !this.#byKey.has(wholeKey) && this.#isShared(wholeKey, request) && !this.#unsliced.has(wholeKey)
  }

  /** Are answers to such a request worth waiting for, as far as is known? */
  #isShared(key: string, request: RequestHead): boolean {
    if (this.#unshared.size === 0) return true
    return !this.#unshared.has(key) && !(isPersonal(request) && this.#unshared.has(personalKeyOf(key)))
  }

  /** Validates a stale entry in the background, unless that is under way. `x`: whose request it is asked with. */
  refresh(x: Exchange, ask: Ask): void {
    if (this.#byKey.has(ask.key) || this.#resting.has(ask.key) || this.#isFull) return
    this.#start(x, ask, null, true)
  }

  /** As `ask`, for a reader that is made already. */
  place(reader: Reader): void {
    const { x, ask } = reader
    const { key } = ask
    if (this.#isFull) return this.#letGo(reader)
    const isShared = this.#isShared(key, x.request)
    // Nothing waits behind it, so what this one asks for in particular may as well be asked of the origin.
    if (!isShared && ask.stale === null && isParticular(x.request)) return this.#letGo(reader)
    if (isShared && this.#join(reader)) return
    const isSliced = (ask.slice ?? null) !== null
    if (!isSliced && isFarAhead(x.request, 0, -1, this.limits.rangeAheadBytesMax)) return this.#letGo(reader)
    this.#start(x, ask, reader, isShared && !isNotToBeStored(x.request))
  }

  #join(reader: Reader): boolean {
    for (let fill = this.#byKey.get(reader.ask.key) ?? null; fill !== null; fill = fill.sibling) {
      if (!fill.take(reader)) continue
      this.collapsed++
      return true
    }
    return false
  }

  #letGo(reader: Reader): void {
    reader.outcome = Outcome.ALONE
    reader.wake()
  }

  get #isFull(): boolean {
    return this.#running.size >= this.limits.fillsMax
  }

  #start(x: Exchange, ask: Ask, reader: Reader | null, isListed: boolean): void {
    const Kind = (ask.slice ?? null) === null ? Fill : SliceFill
    const fill = new Kind(this, ask, x, reader === null)
    this.started++
    this.#running.add(fill)
    fill.askedKey = ask.key
    this.#told.onAsked(ask.key)
    if (isListed) this.list(fill)
    fill.start(x, reader)
  }

  // What fills tell

  get hasListeners(): boolean {
    return this.#told.hasListeners
  }

  announce(ask: Ask, response: ResponseHead, onHeard: () => void): boolean {
    const rule = searchRuleFor(ask, response.fields) ?? ask.stale?.searchRule ?? null
    const ruledKey = rule === null ? '' : rule.keyOf(ask.key)
    return this.#told.onAnswer(memoryKeyOf(ask), isShort(response), onHeard, ruledKey)
  }

  announceLong(ask: Ask): void {
    this.#told.onLong(memoryKeyOf(ask))
  }

  list(fill: Fill): void {
    const { key } = fill.ask
    fill.sibling = this.#byKey.get(key) ?? null
    this.#byKey.set(key, fill)
  }

  unlist(fill: Fill): boolean {
    const { key } = fill.ask
    const first = this.#byKey.get(key)
    if (first === undefined) return false
    if (first === fill) {
      if (fill.sibling === null) this.#byKey.delete(key)
      else this.#byKey.set(key, fill.sibling)
      fill.sibling = null
      return true
    }
    for (let before = first; before.sibling !== null; before = before.sibling) {
      if (before.sibling !== fill) continue
      before.sibling = fill.sibling
      fill.sibling = null
      return true
    }
    return false
  }

  rememberUnsliced(wholeKey: string): void {
    this.#unsliced.add(wholeKey, this.limits.unslicedMs)
  }

  onFinish(fill: Fill): void {
    this.#running.delete(fill)
    const { askedKey, ask, announcedKeys } = fill
    for (const key of announcedKeys) this.#told.onAnswered(key, true)
    for (const key of new Set([ask.key, askedKey]))
      if (!announcedKeys.includes(key)) this.#told.onAnswered(key, false)
  }

  again(reader: Reader): void {
    const { slice = null } = reader.ask
    // What it waited for has turned out to come as a whole.
    if (slice !== null && slice.version === null && !this.isSliceable(slice.wholeKey, reader.x.request))
      reader.ask = { ...reader.ask, key: slice.wholeKey, slice: null }
    // It may have come meanwhile.
    const entry = this.store.peek(reader.ask.key, reader.x.request)
    const isWhole = entry !== null && (entry.flags & Rule.PARTIAL) === 0
    if (isWhole && isUsable(entry, reader, this.clock.nowMs())) {
      reader.outcome = Outcome.FILLED
      reader.entry = entry
      reader.wake()
    } else if (++reader.rounds > roundsMax) this.#letGo(reader)
    else this.place(reader)
  }

  rest(key: string): void {
    this.#resting.add(key, this.limits.restMs)
  }

  remember(key: string, unsharedMs: number): void {
    if (unsharedMs === 0) this.#unshared.delete(key)
    else this.#unshared.add(key, unsharedMs)
  }

  /** Gives up what is under way: those who wait are told that the server shuts down. */
  close(): void {
    for (const fill of this.#running) fill.close(Faults.DRAINING)
  }
}
