/**
 * Engine: what the protocol servers call. It takes each exchange from beginning to end over the route that it takes,
 * and makes sure that each is answered, cut or abandoned once (answering.ts) and finished once.
 *
 * Invariants: an exchange holds its plan until it is finished; one that was abandoned hears nothing more from the
 * steps or upstreams that were working for it; the observer is told exactly once of each that was served.
 */
import type { Clock } from '../core/clock.ts'
import { Faults, NONE, type Fault } from '../core/faults.ts'
import type { Timers } from '../core/timers.ts'
import { Exchange, PHASE_OVER, type Downstream, type Serve } from '../http/exchange.ts'
import type { ErrorAnswerOptions } from './answer.ts'
import { Answering } from './answering.ts'
import { hasPassedHere, identify } from './arrival.ts'
import { answersChallenge, type HttpChallenges } from './challenges.ts'
import { Generations } from './generation.ts'
import type { Observer } from './observer.ts'
import type { Plan } from './plan.ts'
import { RequestIds } from './request-id.ts'
import { tellFinished } from './steps.ts'
import type { AltSvc } from './plan.ts'
import { Tunnels } from './tunnels.ts'
import { UnroutedNotes } from './unrouted.ts'

export interface EngineOptions {
  readonly clock: Clock
  readonly timers: Timers
  readonly observer: Observer
  readonly plan: Plan
  readonly requestIds?: RequestIds
  /** Answers to http-01 challenges; absent: there are never any. */
  readonly challenges?: HttpChallenges
  /** How many finished exchanges are kept for reuse; each is about 6 KiB. */
  readonly pooledMax?: number
}

/** As many as a busy worker has under way at once; beyond that they are made and thrown away. */
const defaultPooledMax = 1024

export class Engine extends Answering implements Serve {
  readonly clock: Clock
  readonly observer: Observer
  /** The upgraded exchanges. */
  readonly tunnels: Tunnels
  readonly #pooledMax: number
  readonly #free: Exchange[] = []
  readonly #requestIds: RequestIds
  readonly #unrouted: UnroutedNotes
  readonly #generations: Generations
  readonly #challenges: HttpChallenges | null

  constructor(options: EngineOptions) {
    super()
    this.clock = options.clock
    this.tunnels = new Tunnels(options.timers, this)
    this.observer = options.observer
    this.#unrouted = new UnroutedNotes(options.observer)
    this.#generations = new Generations(options.plan)
    this.#challenges = options.challenges ?? null
    this.#requestIds = options.requestIds ?? new RequestIds()
    this.#pooledMax = options.pooledMax ?? defaultPooledMax
  }

  protected get errorAnswers(): ErrorAnswerOptions {
    const { errorPages, forwarding } = this.plan
    return { errorPages, proxyStatusName: forwarding.sendProxyStatus ? forwarding.viaName : '' }
  }

  protected get altSvc(): AltSvc | null {
    return this.plan.altSvc ?? null
  }

  /** The plan that new exchanges are served with. */
  get plan(): Plan {
    return this.#generations.current.plan
  }

  /** Serves new exchanges with `plan`; the old one is closed when its last exchange is finished. */
  swap(plan: Plan): void {
    this.#generations.swap(plan)
  }

  /** How many exchanges are under way, tunnels included. */
  get running(): number {
    return this.#generations.running
  }

  get tunnelCount(): number {
    return this.tunnels.size
  }

  /** The server is draining: closes tunnels in their protocol's way, and those still to come as well. */
  drainTunnels(): void {
    this.tunnels.drain()
  }

  /** The time for that is over: cuts the tunnels. Their exchanges end when both of their connections are gone. */
  cutTunnels(): void {
    this.tunnels.cutAll(Faults.DRAINING)
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
      this.caught(x, life, error)
    }
  }

  refuse(x: Exchange, fault: Fault): void {
    const { life } = x
    x.fault = fault
    x.clientAddress = x.down.remoteAddress
    x.requestIds = this.#requestIds
    try {
      const body = this.fillError(x, fault)
      this.observer.onRefuse(x, fault, this.clock.nowMs())
      if (body === null) x.down.abort(fault)
      else this.sendError(x, fault, body)
    } catch (error) {
      this.caught(x, life, error)
    }
  }

  abandon(x: Exchange, fault: Fault): void {
    if (x.isFinished || x.phase === PHASE_OVER) return
    const life = x.life
    x.phase = PHASE_OVER
    // Whoever waits holds an older number now.
    x.turn++
    if (x.fault === NONE) x.fault = fault
    // It is nobody's fault that the readers of a child are gone.
    if (!x.isChild) this.observer.onFault(x, fault)
    try {
      this.giveUp(x, fault)
    } catch (error) {
      this.caught(x, life, error)
    }
  }

  finish(x: Exchange): void {
    if (x.isFinished) return
    x.isFinished = true
    x.phase = PHASE_OVER
    x.turn++
    // The whole answer was sent and its producer is still attached: nobody needs it any more.
    if (x.upstream !== null) this.cancelUpstream(x, x.fault)
    tellFinished(x, this.#onFinishException)
    const { lease } = x
    // Without one it was refused: that was told already, or it never came to anything.
    if (lease !== null) {
      if (x.isChild) this.observer.onFetch(x, this.clock.nowMs())
      else this.observer.onFinish(x, this.clock.nowMs())
      lease.release()
    }
    x.reset()
    if (this.#free.length < this.#pooledMax) this.#free.push(x)
  }

  readonly #onFinishException = (error: unknown): void => this.noteCrash(error)

  // Children

  child(x: Exchange, from: number, down: Downstream): Exchange {
    const child = this.begin(down)
    child.isChild = true
    child.request.copyFrom(x.request)
    child.route = x.route
    child.lease = x.lease
    child.lease?.retain()
    child.captures.push(...x.captures)
    child.captureNames.push(...x.captureNames)
    child.clientAddress = x.clientAddress
    child.isPeerTrusted = x.isPeerTrusted
    child.requestId = x.requestId
    child.rewrittenTarget = x.rewrittenTarget
    // As if the step before had just been left, so that `resume` begins with `from`.
    child.firstStep = child.stepsBegun = from
    child.step = from - 1
    return child
  }

  endChild(child: Exchange, fault: Fault): void {
    if (fault !== NONE) this.abandon(child, fault)
    this.finish(child)
  }

  // Inward

  #route(x: Exchange, plan: Plan): void {
    const { forwarding } = plan
    identify(x, forwarding, this.#requestIds)
    const challenges = this.#challenges
    if (challenges !== null && challenges.size > 0 && answersChallenge(x, challenges)) return
    if (hasPassedHere(x, forwarding.viaName)) return this.fail(x, Faults.LOOP)
    const { guard } = x.down
    if (guard != null && !guard.serves(x.request.host)) return this.fail(x, Faults.MISDIRECTED)
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
    this.inward(x, 0)
  }
}
