/**
 * Engine: walks an exchange through the steps of its route, inward with the request, outward with the answer or the
 * fault, and sees to it that each exchange is answered, cut or abandoned once and finished once.
 *
 * Invariants: `x.step` is the step that runs or waits; an answer passes the `onResponse` of the steps before the one that
 * gave it; after `x.down.sendHead`, `sendWhole` or the end of a body, `x` may be finished and serve another request, so
 * nothing here touches it afterwards, and what catches exceptions compares `x.life`. An exception out of a handler
 * costs its own request only.
 */
import type { Clock } from '../core/clock.ts'
import { Faults, NONE, faultRow, type Fault } from '../core/faults.ts'
import {
  Exchange,
  PHASE_FAULT,
  PHASE_OVER,
  PHASE_REQUEST,
  PHASE_RESPONSE,
  type Downstream,
  type Serve,
  type Walk,
} from '../http/exchange.ts'
import type { Timers } from '../core/timers.ts'
import { HTTP_1_1 } from '../http/message.ts'
import { fillErrorAnswer } from './answer.ts'
import { hasPassedHere, identify } from './arrival.ts'
import { Generations } from './generation.ts'
import { HeldBody } from './held-body.ts'
import type { Observer } from './observer.ts'
import type { Plan } from './plan.ts'
import { RequestIds } from './request-id.ts'
import {
  tellAbandoned,
  tellFinished,
  walkFault,
  walkInformational,
  walkInward,
  walkOutward,
} from './steps.ts'
import { Tunnels } from './tunnels.ts'
import { UnroutedNotes } from './unrouted.ts'

export interface EngineOptions {
  readonly clock: Clock
  readonly timers: Timers
  readonly observer: Observer
  readonly plan: Plan
  /** Finished exchanges kept for further use; each is about 6 KiB. */
  readonly pooledMax?: number
  /** Says `Proxy-Status` (RFC 9209) on error answers. Off: it tells the world about the inside. */
  readonly sendProxyStatus?: boolean
}

/** As many as a busy worker has under way at once; beyond, they are made and thrown away. */
const defaultPooledMax = 1024

export class Engine implements Serve, Walk {
  readonly clock: Clock
  readonly observer: Observer
  /** The exchanges that were upgraded. */
  readonly tunnels: Tunnels
  readonly #pooledMax: number
  readonly #sendProxyStatus: boolean
  readonly #free: Exchange[] = []
  readonly #requestIds = new RequestIds()
  readonly #unrouted: UnroutedNotes
  readonly #generations: Generations

  constructor(options: EngineOptions) {
    this.clock = options.clock
    this.tunnels = new Tunnels(options.timers, this)
    this.observer = options.observer
    this.#unrouted = new UnroutedNotes(options.observer)
    this.#generations = new Generations(options.plan)
    this.#pooledMax = options.pooledMax ?? defaultPooledMax
    this.#sendProxyStatus = options.sendProxyStatus ?? false
  }

  /** The plan that new exchanges are served with. */
  get plan(): Plan {
    return this.#generations.current.plan
  }

  /** Serves new exchanges with `plan`; the old one is closed when its last exchange is finished. */
  swap(plan: Plan): void {
    this.#generations.swap(plan)
  }

  /** Exchanges under way, tunnels included. */
  get running(): number {
    return this.#generations.running
  }

  get tunnelCount(): number {
    return this.tunnels.size
  }

  /** The server drains: tunnels, and those still to come, are closed in their protocol's way. */
  drainTunnels(): void {
    this.tunnels.drain()
  }

  // What the protocol servers call

  begin(down: Downstream): Exchange {
    const x = this.#free.pop() ?? new Exchange()
    x.begin(down, this, this.clock.nowMs())
    return x
  }

  serve(x: Exchange): void {
    const life = x.life
    const generation = this.#generations.current
    generation.running++
    x.lease = generation
    try {
      this.#route(x, generation.plan)
    } catch (error) {
      this.#caught(x, life, error)
    }
  }

  refuse(x: Exchange, fault: Fault): void {
    x.fault = fault
    x.clientAddress = x.down.remoteAddress
    x.requestId = this.#requestIds.next()
    const body = this.#fillError(x, fault)
    this.observer.onRefuse(x, fault, this.clock.nowMs())
    if (body === null) x.down.abort(fault)
    else this.#sendError(x, fault, body)
  }

  abandon(x: Exchange, fault: Fault): void {
    if (x.isFinished || x.phase === PHASE_OVER) return
    const life = x.life
    x.phase = PHASE_OVER
    // Whoever waits holds an older number now.
    x.turn++
    if (x.fault === NONE) x.fault = fault
    this.observer.onFault(x, fault)
    try {
      this.#giveUp(x, fault)
    } catch (error) {
      this.#caught(x, life, error)
    }
  }

  finish(x: Exchange): void {
    if (x.isFinished) return
    x.isFinished = true
    x.phase = PHASE_OVER
    x.turn++
    // All of the answer was sent and its producer still holds on: it is of no use any more.
    if (x.upstream !== null) this.#cancelUpstream(x, x.fault)
    tellFinished(x, this.#onFinishException)
    const { lease } = x
    // Without one it was refused: that was told already, or it never came to anything.
    if (lease !== null) {
      this.observer.onFinish(x, this.clock.nowMs())
      lease.release()
    }
    x.reset()
    if (this.#free.length < this.#pooledMax) this.#free.push(x)
  }

  readonly #onFinishException = (error: unknown): void => this.#noteCrash(error)

  // Inward

  #route(x: Exchange, plan: Plan): void {
    const { forwarding } = plan
    identify(x, forwarding, this.#requestIds)
    if (hasPassedHere(x, forwarding.viaName)) return this.fail(x, Faults.LOOP)
    if (plan.maintenance !== NONE) return this.fail(x, plan.maintenance)
    const route = plan.router.find(x)
    if (route === null) {
      const reason = x.fault === NONE ? Faults.NO_ROUTE : x.fault
      this.#unrouted.note(x, plan.router, this.clock.nowMs())
      x.fault = NONE
      return this.fail(x, reason)
    }
    x.route = route
    const bytesMax = route.limits.requestBodyBytesMax
    x.body.bytesMax = bytesMax
    // Before any step runs, and before 100 (Continue) invites the body.
    if (x.request.bodyLength > bytesMax) return this.fail(x, Faults.BODY_TOO_LARGE)
    this.#inward(x, 0)
  }

  #inward(x: Exchange, from: number): void {
    if (walkInward(x, from)) this.fail(x, Faults.NO_ROUTE)
  }

  resume(x: Exchange): void {
    const life = x.life
    try {
      if (x.phase === PHASE_REQUEST) this.#inward(x, x.step + 1)
      else if (x.phase === PHASE_RESPONSE) this.#outward(x, x.step - 1)
      else if (x.phase === PHASE_FAULT) this.#faultOutward(x, x.fault, x.step - 1)
    } catch (error) {
      this.#caught(x, life, error)
    }
  }

  reenter(x: Exchange): void {
    const life = x.life
    try {
      if (x.phase === PHASE_REQUEST) this.#inward(x, x.step)
      else if (x.phase === PHASE_RESPONSE) this.#outward(x, x.step)
      else if (x.phase === PHASE_FAULT) this.#faultOutward(x, x.fault, x.step)
    } catch (error) {
      this.#caught(x, life, error)
    }
  }

  // Outward

  answer(x: Exchange): void {
    this.#begin(x, null, false)
  }

  answerWhole(x: Exchange, body: Buffer | null): void {
    // Whoever answers whole needs no answer of an origin any more.
    const { source } = x
    x.source = null
    if (source !== null && source !== x.upstream) source.cancel(NONE)
    if (x.upstream !== null) this.#cancelUpstream(x, NONE)
    x.response.bodyLength = x.response.statedLength = body === null ? 0 : body.length
    this.#begin(x, body, true)
  }

  #begin(x: Exchange, whole: Buffer | null, isWhole: boolean): void {
    if (x.phase === PHASE_OVER) return
    const life = x.life
    try {
      if (x.isHeadSent) throw new Error('answered twice')
      x.whole = whole
      x.isWhole = isWhole
      this.#outward(x, x.step - 1)
    } catch (error) {
      this.#caught(x, life, error)
    }
  }

  #outward(x: Exchange, from: number): void {
    if (x.out instanceof HeldBody) this.#outwardHeld(x, x.out, from)
    else if (walkOutward(x, from)) this.#send(x)
  }

  /** The walk goes on after a wait; what came of the body meanwhile follows the head. */
  #outwardHeld(x: Exchange, held: HeldBody, from: number): void {
    const life = x.life
    x.out = held.next
    this.#outward(x, from)
    if (x.life !== life || x.isFinished || x.phase === PHASE_OVER) return
    if (x.out instanceof HeldBody) {
      // Waits again, one step farther out: what was held stays held.
      held.release(x.out)
    } else if (x.isHeadSent) {
      const { source } = x
      if (held.release(x.out)) source?.resume()
    }
  }

  #send(x: Exchange): void {
    x.isHeadSent = true
    const { down, out, whole } = x
    if (!x.isWhole)
      return x.upstream !== null && x.response.status === 101 ? this.#switch(x) : down.sendHead(x)
    if (out === down) return down.sendWhole(x, whole)
    const isHead = x.request.method === 'HEAD'
    down.sendHead(x)
    if (whole !== null && !isHead) out.write(whole, 0, whole.length)
    out.end(null)
  }

  #switch(x: Exchange): void {
    const fault = this.tunnels.open(x)
    if (fault === NONE) return
    // The client's server tells of a client that is gone; an origin that is gone can still be answered for.
    x.isHeadSent = false
    if (fault === Faults.CLIENT_GONE) this.abandon(x, fault)
    else this.fail(x, fault)
  }

  inform(x: Exchange): void {
    if (x.phase === PHASE_OVER || x.isHeadSent || x.request.version < HTTP_1_1) return
    const life = x.life
    try {
      walkInformational(x)
      x.down.sendInformational(x)
    } catch (error) {
      this.#caught(x, life, error)
    }
  }

  // Faults

  fail(x: Exchange, fault: Fault): void {
    if (x.isFinished || x.phase === PHASE_OVER) return
    const life = x.life
    // Whoever waits holds an older number now.
    x.turn++
    if (x.fault === NONE) x.fault = fault
    this.observer.onFault(x, fault)
    try {
      if (x.isHeadSent || faultRow(fault).status === 0) return this.#cut(x, fault)
      if (x.upstream !== null) this.#cancelUpstream(x, fault)
      x.clearAnswer()
      this.#faultOutward(x, fault, x.step - 1)
    } catch (error) {
      this.#caught(x, life, error)
    }
  }

  #cut(x: Exchange, fault: Fault): void {
    x.phase = PHASE_OVER
    const { out } = x
    if (x.upstream !== null) this.#cancelUpstream(x, fault)
    out.abort(fault)
  }

  #faultOutward(x: Exchange, fault: Fault, from: number): void {
    if (walkFault(x, fault, from)) this.#answerFault(x, fault)
  }

  #answerFault(x: Exchange, fault: Fault): void {
    x.clearAnswer()
    const body = this.#fillError(x, fault)
    if (body === null) return this.#cut(x, fault)
    this.#sendError(x, fault, body)
  }

  #sendError(x: Exchange, fault: Fault, body: Buffer): void {
    x.phase = PHASE_RESPONSE
    x.isHeadSent = true
    if (faultRow(fault).closes) x.down.refuseReuse()
    x.down.sendWhole(x, body)
  }

  /** null: this fault has no answer. */
  #fillError(x: Exchange, fault: Fault): Buffer | null {
    if (faultRow(fault).status === 0) return null
    const { errorPages, forwarding } = this.plan
    const proxyStatusName = this.#sendProxyStatus ? forwarding.viaName : ''
    return fillErrorAnswer(x, fault, { errorPages, proxyStatusName })
  }

  /** Tells the steps that were begun, then lets go of what is still held. */
  #giveUp(x: Exchange, fault: Fault): void {
    tellAbandoned(x)
    const { source } = x
    x.source = null
    if (source !== null && source !== x.upstream) source.cancel(fault)
    if (x.upstream !== null) this.#cancelUpstream(x, fault)
  }

  /** First forgotten, then cancelled: whatever it still says comes from one that is not current. */
  #cancelUpstream(x: Exchange, fault: Fault): void {
    const { upstream } = x
    x.upstream = null
    if (x.source === upstream) x.source = null
    upstream?.cancel(fault)
  }

  crash(x: Exchange, error: unknown): void {
    this.#caught(x, x.life, error)
  }

  #caught(x: Exchange, life: number, error: unknown): void {
    this.#noteCrash(error)
    if (x.life !== life || x.isFinished || x.phase === PHASE_OVER) return
    x.turn++
    x.fault = Faults.INTERNAL
    this.observer.onFault(x, Faults.INTERNAL)
    try {
      if (x.upstream !== null) this.#cancelUpstream(x, Faults.INTERNAL)
      // The steps are not asked again: one of them is what failed.
      if (x.isHeadSent) this.#cut(x, Faults.INTERNAL)
      else this.#answerFault(x, Faults.INTERNAL)
    } catch (second) {
      this.#noteCrash(second)
    }
  }

  #noteCrash(error: unknown): void {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.observer.note('error', message)
  }
}
