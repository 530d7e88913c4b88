/**
 * cache: a step before an origin that answers from what is stored, has what is missing fetched for all clients that
 * want it, and lets pass what may not be shared.
 *
 * Inward: what bypasses the cache, the key, what the store has, the verdict (cache/rules/verdict.ts); then an answer
 * from an entry (cache/serve/serve.ts), or a reader of a fill (cache/fill/fills.ts), which re-enters when there is
 * something to tell. Outward: what an answer to an unsafe method invalidates, and Cache-Status on what was passed.
 *
 * The straight path is a fresh hit: key, find, judge, answer. Nothing is kept on the exchange for it.
 */
import type { CacheStatus } from '../cache/rules/cache-status.ts'
import type { Entry } from '../cache/store/entry.ts'
import { Lookup } from '../cache/disk/lookup.ts'
import { keyHost, type CacheKey } from '../cache/keys/key.ts'
import { PartKeeper } from '../cache/fill/part-keeper.ts'
import { partKeyDigest } from '../cache/store/partial.ts'
import type { CachePolicy } from '../cache/rules/policy.ts'
import { PostKeeper } from '../cache/fill/post-keeper.ts'
import { Outcome, Reader } from '../cache/fill/reader.ts'
import { reasonRow, Reasons, Verdict, verdictOf, type Reason } from '../cache/rules/reasons.ts'
import { Rule } from '../cache/rules/rule.ts'
import type { EntryServer } from '../cache/serve/serve.ts'
import type { SharedCache } from '../cache/shared-cache.ts'
import type { CacheStore } from '../cache/store/store.ts'
import { judge, judgeMiss, mayServeOnError } from '../cache/rules/verdict.ts'
import type { Clock } from '../core/clock.ts'
import { faultRow, NONE, type Fault } from '../core/faults.ts'
import { CacheResult } from '../http/cache-result.ts'
import { DONE, NEXT, WAIT, type Exchange, type Flow, type Handler } from '../http/exchange.ts'
import { Field } from '../http/known-fields.ts'
import type { ReasonedAsk } from './cache/asked.ts'
import { goOnAfter, invalidate } from './cache/invalidate.ts'
import { isLeft } from './cache/kept.ts'
import type { CacheContext, CacheOptions } from './cache/options.ts'
import { isKeyedByContent, QueryContent } from './cache/query-content.ts'
import { explainPassed, explainRequest, explainVerdict } from './cache/explain.ts'
import {
  notStored,
  Passed,
  passedBody,
  passedBy,
  passedMethod,
  passedSeldom,
  stored,
} from './cache/passed.ts'
import { PurgeAnswer } from './cache/purge-method.ts'
import { SliceLook, Slicing, type SlicedStep } from './cache/slicing.ts'
import { addStatus, forwardedText, missed, reasonOf, standInText, type Asked } from './cache/told.ts'
import { UseCounts } from './cache/use-counts.ts'

export function createCache(options: CacheOptions, context: CacheContext): Handler {
  context.cache.spellings.note(options.key)
  return new CacheStep(options, context)
}

class CacheStep implements Handler, SlicedStep {
  readonly name = 'cache'
  readonly #options: CacheOptions
  readonly #clock: Clock
  readonly #cache: SharedCache
  readonly #store: CacheStore
  readonly #key: CacheKey
  readonly #policy: CachePolicy
  readonly #slot: number
  readonly #keysTarget: boolean
  readonly #status: CacheStatus
  readonly #server: EntryServer
  readonly #uses: UseCounts | null
  readonly #slicing: Slicing | null

  constructor(options: CacheOptions, { clock, cache }: CacheContext) {
    this.#options = options
    this.#clock = clock
    this.#cache = cache
    this.#store = cache.store
    this.#key = options.key
    this.#policy = options.policy
    this.#slot = options.slot
    this.#keysTarget = options.keysTarget ?? false
    this.#server = cache.serverNamed(options.statusName)
    this.#status = this.#server.status
    this.#uses = options.minUses > 1 ? new UseCounts() : null
    const { policy, sliceBytes: bytes = 0 } = options
    const parts = { bytes, step: this, cache, clock, policy, server: this.#server, status: this.#status }
    this.#slicing = bytes === 0 ? null : new Slicing(parts)
  }

  onRequest(x: Exchange): Flow {
    if (x.state.length !== 0 && x.state[this.#slot] !== undefined) return this.#again(x)
    const passed = passedBy(x, this.#options.bypass)
    if (passed !== null) return this.#pass(x, passed)
    return this.#byKey(x, this.keyOf(x))
  }

  #byKey(x: Exchange, key: string): Flow {
    const entry = this.#store.find(key, x.request)
    return entry === null ? this.#look(x, key) : this.#found(x, key, entry)
  }

  #found(x: Exchange, key: string, entry: Entry): Flow {
    const nowMs = this.#clock.nowMs()
    const reason = judge(entry, x.request, this.#policy, nowMs)
    if (reason !== Reasons.FRESH)
      return this.#lookNewer(x, key, reason) ?? this.#notFresh(x, key, entry, reason, nowMs)
    x.cacheResult = CacheResult.HIT
    this.#server.hit(x, entry, nowMs)
    return DONE
  }

  /** Another worker may be asking the origin already. null: none is, or it matters not. */
  #lookNewer(x: Exchange, key: string, reason: Reason): Flow | null {
    if (verdictOf(reason) !== Verdict.VALIDATE) return null
    return this.#await(x, this.#cache.lookNewer(x, key, this.#options.folding))
  }

  /** It is not in memory: waits for what the disk has, if there is one. */
  #look(x: Exchange, key: string): Flow {
    const slicing = this.#slicing
    const isSliced = slicing !== null && x.request.method !== 'QUERY' && slicing.takes(key, x.request)
    if (isSliced && slicing.isInMemory(x)) return this.#miss(x, key)
    const wantsPart = slicing === null && x.request.method === 'GET' && x.request.fields.has(Field.RANGE)
    const more = isSliced ? [slicing.indexKeyOf(x)] : wantsPart ? [this.keyOf(x, partKeyDigest)] : []
    const { folding } = this.#options
    return this.#await(x, this.#cache.look(x, [key, ...more], folding, isSliced)) ?? this.#miss(x, key)
  }

  #await(x: Exchange, lookup: Lookup | null): Flow | null {
    if (lookup === null) return null
    if (lookup.isOver) return this.#foundBelow(x, lookup)
    lookup.before = x.state[this.#slot]
    x.state[this.#slot] = lookup
    return lookup.park()
  }

  #looked(x: Exchange, lookup: Lookup): Flow {
    x.state[this.#slot] = lookup.before
    const entry = this.#store.peek(lookup.key, x.request)
    return entry === null ? this.#foundBelow(x, lookup) : this.#answerBy(x, lookup.key, entry)
  }

  #foundBelow(x: Exchange, { key, entry: found, isVaried }: Lookup): Flow {
    if (found === null) return this.#miss(x, key, null, isVaried)
    // The index of its slices is in memory by now.
    if (this.#slicing !== null && found.key === this.#slicing.indexKeyOf(x)) return this.#miss(x, key)
    const isPart = (found.flags & Rule.PARTIAL) !== 0
    return isPart ? this.#miss(x, key, found) : this.#answerBy(x, key, found)
  }

  #answerBy(x: Exchange, key: string, entry: Entry): Flow {
    const nowMs = this.#clock.nowMs()
    const reason = judge(entry, x.request, this.#policy, nowMs)
    if (reason !== Reasons.FRESH) return this.#notFresh(x, key, entry, reason, nowMs)
    x.cacheResult = CacheResult.HIT
    this.#server.hit(x, entry, nowMs)
    return DONE
  }

  /** `more`: what else is kept under this URL, such as its parts. */
  keyOf(x: Exchange, more = ''): string {
    return this.#key.of(x.request, this.#keysTarget ? more + ' ' + x.rewrittenTarget : more)
  }

  #pass(x: Exchange, passed: Passed): Flow {
    const { purgeMethod } = this.#options
    if (passed === passedMethod && purgeMethod !== null && x.request.method === 'PURGE')
      return purgeMethod.onRequest(x, this.#slot)
    if (passed === passedMethod && this.#policy.storesQuery && isKeyedByContent(x, this.#options.bypass)) {
      const content = (x.state[this.#slot] = new QueryContent(x))
      return content.take() ? this.#byContent(x, content) : WAIT
    }
    const mayKeep = passed === passedMethod && x.request.method === 'POST' && this.#policy.storesPost
    x.state[this.#slot] = mayKeep ? this.#postKeeper(x) : passed
    x.cacheResult = CacheResult.BYPASS
    return NEXT
  }

  /** As `onRequest`, for a QUERY whose content is there. */
  #byContent(x: Exchange, content: QueryContent): Flow {
    return content.digest === '' ? this.#pass(x, passedBody) : this.#byKey(x, this.keyOf(x, content.digest))
  }

  #postKeeper(x: Exchange): PostKeeper {
    const ask = this.askFor(x, this.keyOf(x), null, Reasons.METHOD)
    return new PostKeeper(x, ask, this.#cache)
  }

  /** `found`: the part that there is on disk. `isVaried`: there may be answers to other requests. */
  #miss(x: Exchange, key: string, found: Entry | null = null, isVaried = false): Flow {
    const { request } = x
    const slicing = this.#slicing
    const isForPart = slicing === null && request.fields.has(Field.RANGE)
    const part = isForPart ? (this.#store.find(this.keyOf(x, partKeyDigest), request) ?? found) : null
    if (part !== null && this.#answerPart(x, part)) return DONE
    const isSliced = slicing !== null && request.method !== 'QUERY' && slicing.takes(key, request)
    const reason = judgeMiss(request, missed({ part, isVaried, isKept: this.#store.has(key) }))
    // What is kept in slices has been asked for often enough, be it by another worker or before a restart.
    const isCounted = verdictOf(reason) !== Verdict.UNAVAILABLE && !(isSliced && slicing.isInMemory(x))
    const uses = isCounted ? (this.#uses?.add(key) ?? Infinity) : Infinity
    if (uses < this.#options.minUses) return this.#pass(x, passedSeldom)
    return isSliced ? slicing.onMiss(x, key) : this.#forward(x, key, null, reason)
  }

  /** From a stored 206 that has what is asked for. */
  #answerPart(x: Exchange, part: Entry): boolean {
    const nowMs = this.#clock.nowMs()
    if (judge(part, x.request, this.#policy, nowMs) !== Reasons.FRESH) return false
    if (!this.#server.part(x, part, nowMs)) return false
    x.cacheResult = CacheResult.HIT
    return true
  }

  #notFresh(x: Exchange, key: string, entry: Entry, reason: Reason, nowMs: number): Flow {
    const verdict = verdictOf(reason)
    if (verdict === Verdict.STALE) {
      // Begun first: the exchange may be finished when it is answered.
      this.#cache.refresh(x, this.askFor(x, key, entry, reason))
      x.cacheResult = CacheResult.STALE
      this.#server.stale(x, entry, nowMs, reasonRow(reason).name)
      return DONE
    }
    return this.#forward(x, key, verdict === Verdict.VALIDATE ? entry : null, reason)
  }

  /** Has the origin asked, unless somebody asks it already. */
  #forward(x: Exchange, key: string, stale: Entry | null, reason: Reason): Flow {
    if (verdictOf(reason) === Verdict.UNAVAILABLE) return this.unavailable(x, reason)
    return this.waitWith(x, this.#cache.ask(x, this.askFor(x, key, stale, reason)))
  }

  waitWith(x: Exchange, reader: Reader): Flow {
    x.state[this.#slot] = reader
    if (reader.outcome !== Outcome.WAITING) return this.#told(x, reader)
    reader.park()
    return WAIT
  }

  waitUntil(x: Exchange, kept: SliceLook, over: Promise<unknown>): Flow {
    x.state[this.#slot] = kept
    const turn = x.beginWait()
    void over.then(() => x.reenter(turn))
    return WAIT
  }

  askFor(x: Exchange, key: string, stale: Entry | null, reason: Reason): ReasonedAsk {
    const host = keyHost(x.request)
    const { policy, folding } = this.#options
    const origin = x.request.scheme + '://' + host
    const kept = x.state[this.#slot]
    const content = kept instanceof QueryContent ? kept : null
    return { key, site: this.#key.site, host, origin, policy, folding, stale, reason, content }
  }

  unavailable(x: Exchange, reason: Reason): Flow {
    x.cacheResult = CacheResult.MISS
    x.response.status = 504
    x.response.fields.addKnown(Field.CACHE_STATUS, this.#status.refused(reasonRow(reason).name))
    x.answerWhole(null)
    return DONE
  }

  #again(x: Exchange): Flow {
    const kept = x.state[this.#slot]
    if (kept instanceof Reader) return this.#told(x, kept)
    if (kept instanceof Lookup) return this.#looked(x, kept)
    if (kept instanceof QueryContent) return this.#byContent(x, kept)
    if (kept instanceof SliceLook && this.#slicing !== null) return this.#slicing.looked(x, kept)
    const { purgeMethod: purge } = this.#options
    return kept instanceof PurgeAnswer && purge !== null ? purge.onAnswer(x, kept) : NEXT
  }

  // What a reader was told

  #told(x: Exchange, reader: Reader): Flow {
    const { entry, outcome } = reader
    const sliced = this.#slicing?.told(x, reader) ?? null
    if (sliced !== null) return sliced
    if (outcome === Outcome.ALONE) return this.#alone(x, reader)
    if (outcome === Outcome.FAILED) {
      x.cacheResult = CacheResult.ERROR
      x.fail(reader.fault)
    } else if (outcome === Outcome.PASSED) {
      x.cacheResult = CacheResult.MISS
      reader.takeHead()
      addStatus(x, forwardedText(this.#status, reader))
      reader.answer()
    } else if (entry !== null) this.#serve(x, reader, entry)
    return DONE
  }

  #alone(x: Exchange, { ask }: Reader): Flow {
    const { request } = x
    x.cacheResult = CacheResult.MISS
    if (request.method === 'GET' && request.fields.has(Field.RANGE)) {
      const part = { ...ask, key: this.keyOf(x, partKeyDigest) }
      x.state[this.#slot] = new PartKeeper(x, part, this.#cache)
    }
    return NEXT
  }

  #serve(x: Exchange, reader: Reader, entry: Entry): void {
    const nowMs = this.#clock.nowMs()
    if (reader.outcome === Outcome.STALE) return this.#standIn(x, reader, entry, reader.status)
    x.cacheResult = !reader.isFirst
      ? CacheResult.COLLAPSED
      : reader.isValidated
        ? CacheResult.REVALIDATED
        : CacheResult.MISS
    this.#server.fetched(x, entry, reader.growth, nowMs, forwardedText(this.#status, reader))
  }

  /** The origin failed, by `status` or by its silence (0). */
  #standIn(x: Exchange, asked: Asked, entry: Entry, status: number): void {
    const nowMs = this.#clock.nowMs()
    x.cacheResult = CacheResult.STALE
    this.#server.standIn(x, entry, nowMs, standInText(this.#status, asked, entry, nowMs, status))
  }

  // Outward

  /** The origin's answer to a request that went there by itself. */
  onResponse(x: Exchange): Flow {
    const kept = x.state[this.#slot]
    if (x.response.status === 101) return NEXT
    if (kept instanceof PostKeeper) {
      const isUndisturbed = kept.isUndisturbed(x)
      const invalidated = invalidate(x, this.#key, this.#cache)
      const isKept = isUndisturbed && kept.keep(x)
      addStatus(x, this.#status.forwarded('method', isKept ? stored : notStored))
      return goOnAfter(x, invalidated, isKept ? this.#cache.announce(kept, x.response) : null)
    }
    if (kept instanceof Passed) {
      const invalidated = invalidate(x, this.#key, this.#cache)
      addStatus(x, this.#status.forwarded(reasonRow(kept.reason).forwarded, notStored, kept.detail))
      return goOnAfter(x, invalidated)
    }
    const isStored = kept instanceof PartKeeper && kept.keep(x)
    const { forwarded } = reasonRow(reasonOf(kept as Reader | PartKeeper))
    const announced = isStored ? this.#cache.announce(kept, x.response) : null
    addStatus(x, this.#status.forwarded(forwarded, isStored ? stored : notStored))
    return goOnAfter(x, announced)
  }

  onFault(x: Exchange, fault: Fault): Flow {
    const kept = x.state[this.#slot]
    const isAlone = kept instanceof PartKeeper || (kept instanceof Reader && kept.outcome === Outcome.ALONE)
    if (!isAlone) return NEXT
    const { stale } = kept.ask
    const nowMs = this.#clock.nowMs()
    if (stale !== null && fault !== NONE && mayServeOnError(stale, x.request, this.#policy, 0, nowMs)) {
      this.#standIn(x, kept, stale, 0)
      return DONE
    }
    x.cacheResult = CacheResult.ERROR
    return NEXT
  }

  /** Our own answer to what the origin did not answer. */
  onErrorAnswer(x: Exchange): void {
    const kept = x.state[this.#slot]
    if (!(kept instanceof Reader || kept instanceof PartKeeper)) return
    const { forwarded } = reasonRow(reasonOf(kept))
    addStatus(x, this.#status.forwarded(forwarded, notStored, faultRow(x.fault).name))
  }

  onAbandon(x: Exchange): void {
    this.#leave(x)
  }

  onFinish(x: Exchange): void {
    if (x.state.length !== 0) this.#leave(x)
  }

  #leave(x: Exchange): void {
    const kept = x.state[this.#slot]
    if (isLeft(kept)) kept.leave()
  }

  explain(x: Exchange, say: (sentence: string) => void): Flow {
    const passed = explainPassed(x, this.#options, say)
    if (passed !== null) return passed
    const key = this.keyOf(x)
    const entry = this.#store.peek(key, x.request)
    const onDisk = this.#cache.peekOnDisk(key, x.request, this.#options.folding)
    explainRequest(x, this.#options, say)
    const isStored = (entry ?? onDisk ?? null) !== null
    const sliced = isStored ? null : (this.#slicing?.explain(x, key, say) ?? null)
    return (
      sliced ??
      explainVerdict(
        x,
        { entry, onDisk, isKept: this.#store.has(key) },
        this.#policy,
        this.#clock.nowMs(),
        say,
      )
    )
  }
}
