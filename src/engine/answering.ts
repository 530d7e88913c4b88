/**
 * Answering: the walk outward. Answers pass the steps before the one that gave them, faults pass until a step answers
 * them, and at the end stands what the client's stream is given: an answer, a tunnel, or a cut.
 *
 * Invariants: at most one head is sent for an exchange. After `x.down.sendHead`, `sendWhole` or the end of a body,
 * `x` may be finished and serve another request, so nothing here touches it afterwards, and whoever catches an
 * exception compares `x.life`. An exception from a handler costs its own request only.
 */
import { Faults, NONE, faultRow, type Fault } from '../core/faults.ts'
import {
  PHASE_FAULT,
  PHASE_OVER,
  PHASE_REQUEST,
  PHASE_RESPONSE,
  type Downstream,
  type Exchange,
  type Walk,
} from '../http/exchange.ts'
import { HTTP_1_1, HTTP_2 } from '../http/message.ts'
import { fillErrorAnswer, type ErrorAnswerOptions } from './answer.ts'
import { HeldBody } from './held-body.ts'
import type { Observer } from './observer.ts'
import {
  tellAbandoned,
  walkErrorAnswer,
  walkFault,
  walkInformational,
  walkInward,
  walkOutward,
} from './steps.ts'
import type { AltSvc } from './plan.ts'
import type { Tunnels } from './tunnels.ts'

export abstract class Answering implements Walk {
  abstract readonly observer: Observer
  /** The upgraded exchanges. */
  abstract readonly tunnels: Tunnels
  /** null: there is nothing to announce. */
  protected abstract get altSvc(): AltSvc | null
  protected abstract readonly errorAnswers: ErrorAnswerOptions

  abstract abandon(x: Exchange, fault: Fault): void
  abstract child(x: Exchange, from: number, down: Downstream): Exchange
  abstract endChild(child: Exchange, fault: Fault): void

  // Inward

  protected inward(x: Exchange, from: number): void {
    if (walkInward(x, from)) this.fail(x, Faults.NO_ROUTE)
  }

  resume(x: Exchange): void {
    const life = x.life
    try {
      if (x.phase === PHASE_REQUEST) this.inward(x, x.step + 1)
      else if (x.phase === PHASE_RESPONSE) this.#outward(x, x.step - 1)
      else if (x.phase === PHASE_FAULT) this.#faultOutward(x, x.fault, x.step - 1)
    } catch (error) {
      this.caught(x, life, error)
    }
  }

  reenter(x: Exchange): void {
    const life = x.life
    try {
      if (x.phase === PHASE_REQUEST) this.inward(x, x.step)
      else if (x.phase === PHASE_RESPONSE) this.#outward(x, x.step)
      else if (x.phase === PHASE_FAULT) this.#faultOutward(x, x.fault, x.step)
    } catch (error) {
      this.caught(x, life, error)
    }
  }

  // Outward

  answer(x: Exchange): void {
    this.#begin(x, null, false)
  }

  answerWhole(x: Exchange, body: Buffer | null): void {
    // Whoever answers with a whole body needs no answer from an origin any more.
    const { source } = x
    x.source = null
    if (source !== null && source !== x.upstream) source.cancel(NONE)
    if (x.upstream !== null) this.cancelUpstream(x, NONE)
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
      this.caught(x, life, error)
    }
  }

  #outward(x: Exchange, from: number): void {
    if (x.out instanceof HeldBody) this.#outwardHeld(x, x.out, from)
    else if (walkOutward(x, from)) this.#send(x)
  }

  /** The walk goes on after a wait; what arrived of the body meanwhile follows the head. */
  #outwardHeld(x: Exchange, held: HeldBody, from: number): void {
    const life = x.life
    x.out = held.next
    this.#outward(x, from)
    if (x.life !== life || x.isFinished || x.phase === PHASE_OVER) return
    if (x.out instanceof HeldBody) {
      // It waits again, one step farther out: what was held stays held.
      held.release(x.out)
    } else if (x.isHeadSent) {
      const { source } = x
      if (held.release(x.out)) source?.resume()
    }
  }

  #send(x: Exchange): void {
    if (seemsTunnel(x)) return this.fail(x, Faults.ANSWER_NO_TUNNEL)
    x.isHeadSent = true
    if (!x.isChild) this.altSvc?.tell(x)
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
    // The client's server reports a client that is gone; for an origin that is gone we can still answer.
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
      this.caught(x, life, error)
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
      this.#dropSource(x, fault)
      if (x.upstream !== null) this.cancelUpstream(x, fault)
      x.clearAnswer()
      this.#faultOutward(x, fault, x.step - 1)
    } catch (error) {
      this.caught(x, life, error)
    }
  }

  #cut(x: Exchange, fault: Fault): void {
    x.phase = PHASE_OVER
    const { out } = x
    this.#dropSource(x, fault)
    if (x.upstream !== null) this.cancelUpstream(x, fault)
    out.abort(fault)
  }

  #faultOutward(x: Exchange, fault: Fault, from: number): void {
    if (walkFault(x, fault, from)) this.#answerFault(x, fault)
  }

  #answerFault(x: Exchange, fault: Fault): void {
    this.#dropSource(x, fault)
    x.clearAnswer()
    // Nobody reads an error page of a child: whoever waits for it decides by itself.
    if (x.isChild) return this.#cut(x, fault)
    const body = this.fillError(x, fault)
    if (body === null) return this.#cut(x, fault)
    try {
      walkErrorAnswer(x)
    } catch (error) {
      // The answer goes out as that step has left it: another error answer would reach the same step.
      this.noteCrash(error)
    }
    this.sendError(x, fault, body)
  }

  protected sendError(x: Exchange, fault: Fault, body: Buffer): void {
    x.phase = PHASE_RESPONSE
    x.isHeadSent = true
    if (faultRow(fault).closes) x.down.refuseReuse()
    x.down.sendWhole(x, body)
  }

  /** null: this fault has no answer. */
  protected fillError(x: Exchange, fault: Fault): Buffer | null {
    if (faultRow(fault).status === 0) return null
    return fillErrorAnswer(x, fault, this.errorAnswers)
  }

  /** Tells the steps that were begun, then releases what is still held. */
  protected giveUp(x: Exchange, fault: Fault): void {
    tellAbandoned(x)
    this.#dropSource(x, fault)
    if (x.upstream !== null) this.cancelUpstream(x, fault)
  }

  /** The producer of the body is told that nobody wants it: it may be read from a store, and hold others back. */
  #dropSource(x: Exchange, fault: Fault): void {
    const { source } = x
    x.source = null
    if (source !== null && source !== x.upstream) source.cancel(fault)
  }

  /** The upstream is first forgotten, then cancelled: whatever it still says comes from one that is not current. */
  protected cancelUpstream(x: Exchange, fault: Fault): void {
    const { upstream } = x
    x.upstream = null
    if (x.source === upstream) x.source = null
    upstream?.cancel(fault)
  }

  crash(x: Exchange, error: unknown): void {
    this.caught(x, x.life, error)
  }

  protected caught(x: Exchange, life: number, error: unknown): void {
    this.noteCrash(error)
    if (x.life !== life || x.isFinished || x.phase === PHASE_OVER) return
    x.turn++
    x.fault = Faults.INTERNAL
    this.observer.onFault(x, Faults.INTERNAL)
    try {
      if (x.upstream !== null) this.cancelUpstream(x, Faults.INTERNAL)
      // The steps are not asked again: one of them is what failed.
      if (x.isHeadSent) this.#cut(x, Faults.INTERNAL)
      else this.#answerFault(x, Faults.INTERNAL)
    } catch (second) {
      this.noteCrash(second)
    }
  }

  protected noteCrash(error: unknown): void {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.observer.note('error', message)
  }
}

/**
 * Would the client take this answer for its tunnel? Any 2xx opens one for an extended CONNECT (RFC 9110 §9.3.6,
 * RFC 8441 §4), and the text of a page would then be read as frames. An origin that does not know Upgrade
 * answers the GET that it was sent with 200.
 */
function seemsTunnel({ request, response }: Exchange): boolean {
  if (request.upgrade === '' || request.version < HTTP_2) return false
  return response.status >= 200 && response.status < 300
}
