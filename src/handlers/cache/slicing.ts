/**
 * Slicing: what the cache step does on a route whose answers are kept in slices. Where no whole answer is stored it
 * finds the index, judges it like any other answer, waits for the first slice that is needed, and answers from a body
 * that gets the others as the client reads (cache/fill/sliced-body.ts).
 *
 * The head is sent when the first slice is there or on its way: until then an origin that fails gets its own answer
 * through.
 */
import type { CacheStatus } from '../../cache/rules/cache-status.ts'
import type { Entry } from '../../cache/store/entry.ts'
import type { CachePolicy } from '../../cache/rules/policy.ts'
import { Outcome, Reader } from '../../cache/fill/reader.ts'
import { reasonRow, Reasons, Verdict, verdictOf, type Reason } from '../../cache/rules/reasons.ts'
import { ageSeconds, ttlSeconds, type EntryServer } from '../../cache/serve/serve.ts'
import type { SharedCache } from '../../cache/shared-cache.ts'
import { Slice, versionOf, type Version } from '../../cache/fill/slice.ts'
import { SlicedBody } from '../../cache/fill/sliced-body.ts'
import { judge, judgeMiss } from '../../cache/rules/verdict.ts'
import type { Clock } from '../../core/clock.ts'
import { Faults } from '../../core/faults.ts'
import { CacheResult } from '../../http/cache-result.ts'
import {
  cachePreconditions,
  hasCachePreconditions,
  NOT_MODIFIED,
  rangeStands,
} from '../../http/conditional.ts'
import { DONE, NEXT, type Exchange, type Flow } from '../../http/exchange.ts'
import { Field } from '../../http/known-fields.ts'
import type { RequestHead } from '../../http/message.ts'
import { readOpenRange, selectRanges, UNSATISFIABLE } from '../../http/ranges.ts'
import type { ReasonedAsk } from './asked.ts'
import { explainEntry } from './explain.ts'
import { standInText } from './told.ts'

/** What the cache step does for it. */
export interface SlicedStep {
  /** The key of what is kept under this URL as `more`. */
  keyOf(x: Exchange, more: string): string
  askFor(x: Exchange, key: string, stale: Entry | null, reason: Reason): ReasonedAsk
  /** Waits with it, or answers what it was told at once. */
  waitWith(x: Exchange, reader: Reader): Flow
  /** Waits with what the step is to be entered again for. */
  waitUntil(x: Exchange, kept: SliceLook, over: Promise<unknown>): Flow
  unavailable(x: Exchange, reason: Reason): Flow
}

export interface SlicingOptions {
  /** Of each slice but the last. */
  readonly bytes: number
  readonly step: SlicedStep
  readonly cache: SharedCache
  readonly clock: Clock
  readonly policy: CachePolicy
  readonly server: EntryServer
  readonly status: CacheStatus
}

/** Slices that are looked for to be explained. */
const explainedMax = 2000

/** How often an exchange begins anew because the version changed under it: an origin that never agrees with itself fails. */
const roundsMax = 3

/** What came of the origin for an exchange, before it is answered. */
interface Told {
  readonly index: Entry
  /** null: all that is needed first was stored. */
  readonly reader: Reader | null
  readonly isFirst: boolean
  readonly reason: Reason
  readonly rounds: number
}

/** Waits for the first slice of an answer. */
class SliceReader extends Reader {
  readonly body: SlicedBody
  readonly told: Told

  constructor(x: Exchange, ask: ReasonedAsk, bornAt: number, body: SlicedBody, told: Told) {
    super(x, ask, bornAt)
    this.body = body
    this.told = told
    this.rounds = told.rounds
  }
}

/** Waits to hear whether the first slice of an answer is on disk. */
export class SliceLook {
  readonly body: SlicedBody
  readonly first: number
  readonly told: Told
  isOpen: boolean

  constructor(body: SlicedBody, first: number, told: Told, isOpen = false) {
    this.body = body
    this.first = first
    this.told = told
    this.isOpen = isOpen
  }

  leave(): void {
    this.body.leave()
  }
}

export class Slicing {
  readonly #options: SlicingOptions
  readonly #cache: SharedCache

  constructor(options: SlicingOptions) {
    this.#options = options
    this.#cache = options.cache
  }

  /** Is the answer to be had in slices? Not where it has shown to be none of those, or comes as a whole just now. */
  takes(wholeKey: string, request: RequestHead): boolean {
    return this.#cache.fills.isSliceable(wholeKey, request)
  }

  /** No whole answer is stored. */
  onMiss(x: Exchange, wholeKey: string, rounds = 0): Flow {
    const { step, policy, clock } = this.#options
    const { request } = x
    const indexKey = this.indexKeyOf(x)
    const index = this.#cache.store.find(indexKey, request)
    const version = index === null ? null : versionOf(index)
    const found = version === null ? null : index
    const reason = found === null ? judgeMiss(request) : judge(found, request, policy, clock.nowMs())
    const verdict = verdictOf(reason)
    if (verdict === Verdict.UNAVAILABLE) return step.unavailable(x, reason)
    const slice = this.#firstSlice(x, indexKey, wholeKey)
    if (found !== null && version !== null && verdict !== Verdict.VALIDATE && verdict !== Verdict.FORWARD) {
      if (verdict === Verdict.STALE) this.#cache.refresh(x, this.#askFor(x, slice, found, reason))
      const told = { index: found, reader: null, isFirst: false, reason, rounds }
      return this.#open(x, slice.ofVersion(version), version, told)
    }
    const stale = verdict === Verdict.VALIDATE ? found : null
    const reader = this.#cache.ask(x, this.#askFor(x, slice, stale, reason))
    return step.waitWith(x, reader)
  }

  /** null: nothing is stored in slices. */
  explain(x: Exchange, wholeKey: string, say: (sentence: string) => void): Flow | null {
    const { bytes, clock, policy } = this.#options
    const { store } = this.#cache
    const isTried = this.takes(wholeKey, x.request)
    say(`fetched and kept in slices of ${bytes} bytes${isTried ? '' : ', but just now as a whole'}`)
    const indexKey = this.indexKeyOf(x)
    const onDisk = isTried ? this.#cache.peekOnDisk(indexKey, x.request, null) : undefined
    const index = isTried ? (store.peek(indexKey, x.request) ?? onDisk ?? null) : null
    const version = index === null ? null : versionOf(index)
    if (index === null || version === null) return null
    const slice = new Slice({ bytes, number: 0, from: 0, indexKey, wholeKey, version })
    const count = Math.ceil(version.length / bytes)
    let kept = 0
    let files = 0
    for (let i = 0; i < Math.min(count, explainedMax); i++) {
      const { key } = slice.at(i)
      const isInMemory = store.peek(key, x.request) !== null
      const isOnDisk = (this.#cache.peekOnDisk(key, x.request, null) ?? null) !== null
      if (isInMemory || isOnDisk) kept++
      if (isOnDisk) files++
    }
    const of = count > explainedMax ? `the first ${explainedMax} of ${count}` : String(count)
    const nowMs = clock.nowMs()
    explainEntry(index, nowMs, say)
    say(
      `the whole has ${version.length} bytes under ${version.validator}; ${kept} of ${of} slices are stored` +
        (onDisk === undefined ? '' : `, ${files} of them on disk`),
    )
    const reason = judge(index, x.request, policy, nowMs)
    say(reasonRow(reason).sentence)
    const verdict = verdictOf(reason)
    const isServed = verdict === Verdict.FRESH || verdict === Verdict.STALE
    return isServed && kept === count ? DONE : NEXT
  }

  /** What is kept of it in memory: then nothing else needs to be looked for. */
  isInMemory(x: Exchange): boolean {
    return this.#cache.store.peek(this.indexKeyOf(x), x.request) !== null
  }

  indexKeyOf(x: Exchange): string {
    return this.#options.step.keyOf(x, `slices ${this.#options.bytes}`)
  }

  #askFor(x: Exchange, slice: Slice, stale: Entry | null, reason: Reason): ReasonedAsk & { slice: Slice } {
    return { ...this.#options.step.askFor(x, slice.key, stale, reason), slice }
  }

  /** What is needed first, as far as can be told before the length is known. */
  #firstSlice(x: Exchange, indexKey: string, wholeKey: string): Slice {
    const { bytes } = this.#options
    const range = readOpenRange(x.request.fields.get(Field.RANGE) ?? '')
    const number = range === null ? 0 : Math.floor(range.first / bytes)
    const isCountable = Number.isSafeInteger((number + 1) * bytes)
    const start = { bytes, from: x.step + 1, indexKey, wholeKey, version: null }
    return new Slice({ ...start, number: isCountable ? number : 0 })
  }

  /** What a reader was told. null: nothing that is about slices. */
  told(x: Exchange, reader: Reader): Flow | null {
    const { ask, outcome, entry, growth } = reader
    const { slice = null, reason } = ask as ReasonedAsk
    if (slice === null) return null
    if (reader instanceof SliceReader) {
      if (outcome === Outcome.FAILED && reader.fault === Faults.ANSWER_CHANGED && reader.rounds < roundsMax)
        return this.onMiss(x, slice.wholeKey, reader.rounds + 1)
      if (outcome !== Outcome.FILLED || entry === null) return null
      reader.body.seed(slice.number, entry, growth)
      const { told } = reader
      const isFirst = told.isFirst || reader.isFirst
      return this.#answer(x, reader.body, { ...told, reader: told.reader ?? reader, isFirst })
    }
    const isIndex = entry !== null && entry.key === slice.indexKey
    if (!isIndex || (outcome !== Outcome.FILLED && outcome !== Outcome.STALE)) return null
    const version = versionOf(entry)
    if (version === null) return null
    const { isFirst, rounds } = reader
    const told = { index: entry, reader, isFirst, rounds, reason }
    return this.#open(x, slice.ofVersion(version), version, told)
  }

  #open(x: Exchange, slice: Slice, version: Version, told: Told): Flow {
    const ask = this.#askFor(x, slice, null, told.reason)
    const body = new SlicedBody(x, this.#cache, ask, version)
    const first = this.#firstByte(x, told.index, version)
    const opened = first < 0 || body.open(first)
    if (typeof opened === 'boolean') return this.looked(x, new SliceLook(body, first, told, opened))
    const look = new SliceLook(body, first, told)
    const over = opened.then((isOpen) => void (look.isOpen = isOpen))
    return this.#options.step.waitUntil(x, look, over)
  }

  /** What the first byte lies in is there, or must be asked for. */
  looked(x: Exchange, { body, first, told, isOpen }: SliceLook): Flow {
    if (isOpen) return this.#answer(x, body, told)
    const { store } = this.#cache
    const missed = judgeMiss(x.request, Reasons.PARTIAL_MISS)
    if (verdictOf(missed) === Verdict.UNAVAILABLE) return this.#options.step.unavailable(x, missed)
    const reason = told.reader === null ? missed : told.reason
    const needed = { ...body.askFor(first), reason }
    const reader = new SliceReader(x, needed, store.generation, body, { ...told, reason })
    this.#cache.place(reader)
    return this.#options.step.waitWith(x, reader)
  }

  /** Of the body that will be sent; -1: none will be. */
  #firstByte(x: Exchange, index: Entry, { length }: Version): number {
    const { request } = x
    const wallMs = this.#options.clock.wallMs()
    if (request.method === 'HEAD') return -1
    if (hasCachePreconditions(request) && cachePreconditions(request, index, wallMs) === NOT_MODIFIED)
      return -1
    const value = request.fields.combined(Field.RANGE)
    if (value === undefined || !rangeStands(request, index, wallMs)) return 0
    const ranges = selectRanges(value, length)
    return ranges === null ? 0 : ranges === UNSATISFIABLE ? -1 : (ranges[0]?.first ?? 0)
  }

  #answer(x: Exchange, body: SlicedBody, told: Told): Flow {
    const { server, clock, status } = this.#options
    const { index, reader } = told
    const { head, etag, lastModifiedMs, dateMs } = index
    const nowMs = clock.nowMs()
    const age = ageSeconds(index, nowMs)
    const servable = { head, etag, lastModifiedMs, dateMs, statedLength: body.length, body }
    if (reader === null) {
      const isStale = verdictOf(told.reason) === Verdict.STALE
      x.cacheResult = isStale ? CacheResult.STALE : CacheResult.HIT
      const detail = isStale ? reasonRow(told.reason).name : ''
      server.answer(x, servable, body, age, status.hitBecause(ttlSeconds(index, nowMs), detail))
      return DONE
    }
    if (reader.outcome === Outcome.STALE) {
      x.cacheResult = CacheResult.STALE
      server.answer(x, servable, body, age, standInText(status, reader, index, nowMs, reader.status))
      return DONE
    }
    const { isFirst } = told
    x.cacheResult = !isFirst
      ? CacheResult.COLLAPSED
      : reader.isValidated
        ? CacheResult.REVALIDATED
        : CacheResult.MISS
    const text = status.forwarded(reasonRow(told.reason).forwarded, {
      // Of a slice it is 206, whatever is made of it.
      status: reader.status,
      isStored: reader.isStored,
      isCollapsed: !isFirst,
    })
    server.answer(x, servable, body, age === 0 ? -1 : age, text)
    return DONE
  }
}
