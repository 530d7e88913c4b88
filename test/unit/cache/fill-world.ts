/**
 * A world for fills: the engine, a step that caches in the plainest way that the fills' seam allows, and an origin whose
 * answers a test makes piece by piece.
 */
import { CacheStatus } from '../../../src/cache/rules/cache-status.ts'
import type { Ask } from '../../../src/cache/fill/ask.ts'
import type { FillLimits } from '../../../src/cache/fill/fill-limits.ts'
import { Fills, toldNobody, type FillsTold } from '../../../src/cache/fill/fills.ts'
import { rfcPolicy, type CachePolicy } from '../../../src/cache/rules/policy.ts'
import { Outcome, Reader } from '../../../src/cache/fill/reader.ts'
import type { Slice } from '../../../src/cache/fill/slice.ts'
import { Reasons, reasonRow, Verdict, verdictOf } from '../../../src/cache/rules/reasons.ts'
import { EntryServer } from '../../../src/cache/serve/serve.ts'
import { judge } from '../../../src/cache/rules/verdict.ts'
import type { Fault } from '../../../src/core/faults.ts'
import {
  DONE,
  NEXT,
  WAIT,
  type Exchange,
  type Flow,
  type Handler,
  type Upstream,
} from '../../../src/http/exchange.ts'
import { BODY_NONE } from '../../../src/http/message.ts'
import type { Clock } from '../../../src/core/clock.ts'
import type { Entry } from '../../../src/cache/store/entry.ts'
import { planOf, World } from '../engine/fakes.ts'
import { PlainStore } from './plain-store.ts'

/** Caches GET and HEAD by target. */
export class PlainCache implements Handler {
  readonly name = 'cache'
  readonly fills: Fills
  /** Of targets that are asked for so. */
  readonly slices = new Map<string, Slice>()
  readonly #clock: Clock
  readonly #policy: CachePolicy
  readonly #server: EntryServer
  readonly #slot = 0

  constructor(fills: Fills, clock: Clock, policy: CachePolicy) {
    this.fills = fills
    this.#clock = clock
    this.#policy = policy
    this.#server = new EntryServer(clock, new CacheStatus('edge'))
  }

  onRequest(x: Exchange): Flow {
    const { method } = x.request
    if (method !== 'GET' && method !== 'HEAD') return NEXT
    const waited = x.state[this.#slot]
    if (waited instanceof Reader) return this.#told(x, waited)
    const nowMs = this.#clock.nowMs()
    const entry = this.fills.store.find(x.request.target, x.request)
    const reason = entry === null ? Reasons.MISS : judge(entry, x.request, this.#policy, nowMs)
    const verdict = verdictOf(reason)
    if (entry !== null && verdict === Verdict.FRESH) {
      this.#server.hit(x, entry, nowMs)
      return DONE
    }
    if (entry !== null && verdict === Verdict.STALE) {
      this.fills.refresh(x, this.#askOf(x, entry))
      this.#server.stale(x, entry, nowMs, reasonRow(reason).name)
      return DONE
    }
    const reader = this.fills.ask(x, this.#askOf(x, entry))
    x.state[this.#slot] = reader
    if (reader.outcome !== Outcome.WAITING) return this.#told(x, reader)
    reader.park()
    return WAIT
  }

  #askOf(x: Exchange, stale: Entry | null): Ask {
    const { target } = x.request
    const slice = this.slices.get(target) ?? null
    const key = slice?.key ?? target
    return { key, slice, site: '', host: '', origin: '', policy: this.#policy, folding: null, stale }
  }

  #told(x: Exchange, reader: Reader): Flow {
    const nowMs = this.#clock.nowMs()
    const { entry } = reader
    const status = { status: reader.status, isStored: reader.isStored, isCollapsed: !reader.isFirst }
    const text = new CacheStatus('edge').forwarded('miss', status)
    if (reader.outcome === Outcome.ALONE) return NEXT
    if (reader.outcome === Outcome.FAILED) x.fail(reader.fault)
    else if (reader.outcome === Outcome.STALE) this.#server.stale(x, entry as Entry, nowMs, 'stale-if-error')
    else if (reader.outcome === Outcome.FILLED)
      this.#server.fetched(x, entry as Entry, reader.growth, nowMs, text)
    else {
      reader.takeHead()
      reader.answer()
    }
    return DONE
  }

  onAbandon(x: Exchange): void {
    this.#leave(x)
  }

  onFinish(x: Exchange): void {
    this.#leave(x)
  }

  #leave(x: Exchange): void {
    const reader = x.state[this.#slot]
    if (reader instanceof Reader) reader.leave()
  }
}

/** One request that reached the origin: a test answers it. */
export class Asked implements Upstream {
  readonly server = { name: 'origin' }
  readonly address = '10.0.0.1:80'
  readonly isReused = false
  readonly connectMs = 0
  hasAnswered = false
  readonly x: Exchange
  readonly method: string
  readonly target: string
  readonly fields: string[]
  readonly isChild: boolean
  resumes = 0
  cancelled: Fault | null = null
  /** What the sink said last. */
  isWelcome = true

  constructor(x: Exchange) {
    this.x = x
    this.method = x.request.method
    this.target = x.request.target
    this.fields = x.request.fields.toArray()
    this.isChild = x.isChild
  }

  field(name: string): string | undefined {
    const i = this.fields.findIndex((text, at) => at % 2 === 0 && text.toLowerCase() === name)
    return i < 0 ? undefined : this.fields[i + 1]
  }

  send(): void {}
  resume(): void {
    this.resumes++
  }
  cancel(fault: Fault): void {
    this.cancelled = fault
  }
  takeTransport(): null {
    return null
  }
  pushKept(): void {}

  /** `length`: of the body; BODY_NONE ends the answer. */
  head(status: number, length: number, fields: readonly string[] = []): this {
    const { x } = this
    this.hasAnswered = true
    const { response } = x
    response.status = status
    response.bodyLength = response.statedLength = length
    for (let i = 0; i < fields.length; i += 2)
      response.fields.add(fields[i] as string, fields[i + 1] as string)
    if (length === BODY_NONE) x.upstream = null
    else x.source = this
    x.answer()
    return this
  }

  body(bytes: Buffer | string): this {
    if (this.cancelled !== null) return this
    // Lent, as a codec does.
    const lent = Buffer.from(bytes)
    this.isWelcome = this.x.out.write(lent, 0, lent.length)
    lent.fill(0xdb)
    return this
  }

  end(): void {
    if (this.cancelled !== null) return
    this.x.upstream = null
    this.x.source = null
    this.x.out.end(null)
  }

  fail(fault: Fault): void {
    this.x.upstream = null
    this.x.source = null
    this.x.fail(fault)
  }
}

class ScriptedOrigin implements Handler {
  readonly name = 'origin'
  readonly asked: Asked[] = []

  onRequest(x: Exchange): Flow {
    const asked = new Asked(x)
    x.upstream = asked
    this.asked.push(asked)
    return DONE
  }
}

export class FillWorld extends World {
  readonly store: PlainStore
  readonly fills: Fills
  readonly asked: Asked[]
  readonly slices: Map<string, Slice>

  constructor(
    limits: Partial<FillLimits> = {},
    policy: Partial<CachePolicy> = {},
    entryBytesMax = Infinity,
    told: FillsTold = toldNobody,
  ) {
    const origin = new ScriptedOrigin()
    const plan = planOf([])
    super(plan)
    this.store = new PlainStore(entryBytesMax)
    const { clock, timers } = this
    this.fills = new Fills({ store: this.store, clock, timers, limits, told })
    const cache = new PlainCache(this.fills, clock, { ...rfcPolicy, ...policy })
    plan.route = { ...(plan.route as NonNullable<typeof plan.route>), handlers: [cache, origin] }
    this.asked = origin.asked
    this.slices = cache.slices
  }

  /** The request that reached the origin as number `i`. */
  at(i: number): Asked {
    const asked = this.asked[i]
    if (asked === undefined) throw new Error(`${this.asked.length} requests reached the origin`)
    return asked
  }

  /** Nothing is under way. */
  get isAtRest(): boolean {
    return this.fills.size === 0 && this.store.growing.size === 0 && this.engine.running === 0
  }
}
