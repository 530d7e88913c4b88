/**
 * Attempts: sends requests to an origin, again where that is safe, and passes on what comes back.
 *
 * It is shared by all exchanges of a route and keeps no state of any of them: `x.upstream` is the attempt under way,
 * and a callback from any other upstream is dropped and counted.
 */
import type { Clock } from '../../core/clock.ts'
import { Faults, NONE, type Fault } from '../../core/faults.ts'
import type { Observer } from '../../engine/observer.ts'
import {
  PHASE_OVER,
  WAIT,
  type Exchange,
  type Upstream,
  type UpstreamReceiver,
  type UpstreamServer,
} from '../../http/exchange.ts'
import type { Fields } from '../../http/fields.ts'
import { cleanTrailers, type Forwarding } from '../../http/forwarding.ts'
import type { Hiding } from '../../http/hiding.ts'
import { Field } from '../../http/known-fields.ts'
import { isBodiless } from '../../http/framing.ts'
import { BODY_NONE, BODY_UNKNOWN, HTTP_1_1, type ResponseHead } from '../../http/message.ts'
import type { Origin, OriginWaiter } from '../../origin/origin.ts'
import { mayOpenAgain, maySendAgain, type RetryOptions } from './retry.ts'
import { wasAsked } from './upgrade.ts'

export interface AttemptsOptions {
  readonly origin: Origin
  /** 'client', 'origin' or a name. */
  readonly hostHeader: string
  readonly retry: RetryOptions
  readonly forwarding: Forwarding
  readonly hiding: Hiding
  readonly clock: Clock
  readonly observer: Observer
}

export class Attempts implements UpstreamReceiver, OriginWaiter {
  readonly #origin: Origin
  readonly #hostHeader: string
  readonly #retry: RetryOptions
  readonly #forwarding: Forwarding
  readonly #hiding: Hiding
  readonly #clock: Clock
  readonly #observer: Observer

  constructor(options: AttemptsOptions) {
    this.#origin = options.origin
    this.#hostHeader = options.hostHeader
    this.#retry = options.retry
    this.#forwarding = options.forwarding
    this.#hiding = options.hiding
    this.#clock = options.clock
    this.#observer = options.observer
  }

  // Towards the origin

  /**
   * Leases a stream and sends, once `x.outgoing` and the fields are made. `before` is why the last attempt
   * failed.
   */
  start(x: Exchange, before: Fault): void {
    const opened = this.#origin.open(x, this)
    if (typeof opened !== 'number') this.#send(x, opened)
    // No server is left to try: what counts is why the last attempt failed.
    else if (opened !== WAIT) x.fail(opened === -Faults.ORIGIN_NONE && before !== NONE ? before : -opened)
  }

  #send(x: Exchange, upstream: Upstream): void {
    x.upstream = upstream
    x.upstreamAddress = upstream.address
    x.connectMs = upstream.connectMs
    x.outgoing.host = this.hostFor(x, upstream.server)
    upstream.send(x, this)
  }

  hostFor(x: Exchange, server: UpstreamServer): string {
    if (this.#hostHeader === 'client' && x.request.authority !== '') return x.request.authority
    // A client of HTTP/1.0 may have named no host; an origin of HTTP/1.1 must be given one.
    if (this.#hostHeader === 'client' || this.#hostHeader === 'origin')
      return this.#origin.authorityOf(server)
    return this.#hostHeader
  }

  onOpened(x: Exchange, turn: number, upstream: Upstream): void {
    if (x.turn === turn) return this.#send(x, upstream)
    this.#observer.onStaleCallback()
    upstream.cancel(Faults.CLIENT_GONE)
  }

  onOpenFailed(x: Exchange, turn: number, fault: Fault): void {
    if (x.turn !== turn) this.#observer.onStaleCallback()
    else if (mayOpenAgain(x, fault, this.#retry)) this.#again(x, fault)
    else x.fail(fault)
  }

  onFault(x: Exchange, upstream: Upstream, fault: Fault): void {
    if (upstream !== x.upstream) return this.#observer.onStaleCallback()
    x.upstream = null
    if (x.source === upstream) x.source = null
    this.#origin.onAttemptFault(x, upstream, fault)
    if (maySendAgain(x, upstream, fault, this.#retry)) this.#again(x, fault)
    else x.fail(fault)
  }

  #again(x: Exchange, fault: Fault): void {
    // No server is left to try: it is one failure, reported once.
    if (this.#origin.peek(x) === null) return x.fail(fault)
    this.#observer.onFault(x, fault)
    // Once its body is under way the client no longer waits for anything.
    if (!x.body.awaitsContinue) x.request.fields.removeKnown(Field.EXPECT)
    this.start(x, fault)
  }

  cancelWait(x: Exchange): void {
    this.#origin.cancelWait(x)
  }

  // Towards the client

  onInformational(x: Exchange, upstream: Upstream, head: ResponseHead): void {
    if (upstream !== x.upstream) return this.#observer.onStaleCallback()
    this.#origin.onAttemptSuccess(upstream)
    // The upstream has already passed this on by `body.continue()`, if the client waits for it.
    if (head.status === 100) return
    if (x.request.version < HTTP_1_1 || x.isHeadSent) return
    const { informational } = x
    informational.reset()
    informational.status = head.status
    informational.reason = head.reason
    informational.fields.copyFrom(head.fields)
    this.#hiding.edit(x, informational)
    x.inform()
  }

  onHead(x: Exchange, upstream: Upstream): void {
    if (upstream !== x.upstream) return this.#observer.onStaleCallback()
    x.firstByteMs = this.#clock.nowMs() - x.startMs
    this.#origin.onAttemptSuccess(upstream)
    const { response } = x
    if (response.status === 101 && !wasAsked(x)) return x.fail(Faults.ANSWER_UPGRADE_BAD)
    if (!this.#hide(x)) return
    // Without a body it is whole with its head, and the client's server may finish the exchange with it: so it waits
    // for the upstream to have ended, which comes in the same turn.
    if (response.bodyLength === BODY_NONE && response.status !== 101) return
    x.source = upstream
    x.answer()
  }

  /** Returns false when it went wrong, and was answered. */
  #hide(x: Exchange): boolean {
    const { response } = x
    try {
      this.#hiding.edit(x, response)
      this.#forwarding.addVia(response.fields, response.version)
      return true
    } catch (error) {
      x.walk?.crash(x, error)
      return false
    }
  }

  onBody(x: Exchange, upstream: Upstream, buffer: Buffer, start: number, end: number): boolean {
    if (upstream === x.upstream) return x.out.write(buffer, start, end)
    this.#observer.onStaleCallback()
    return true
  }

  onEnd(x: Exchange, upstream: Upstream, trailers: Fields | null): void {
    if (upstream !== x.upstream) return this.#observer.onStaleCallback()
    x.upstream = null
    if (x.source === upstream) x.source = null
    if (trailers !== null) {
      cleanTrailers(trailers)
      this.#hiding.editTrailers(trailers)
    }
    if (x.response.bodyLength === BODY_NONE) this.#answerEmpty(x, trailers)
    else x.out.end(trailers)
  }

  /**
   * Trailers may stand behind no bytes at all, also where Content-Length has said so (RFC 9113 §8.1): Go answers calls of
   * gRPC that fail like that. They go on behind an empty body.
   */
  #answerEmpty(x: Exchange, trailers: Fields | null): void {
    const { response, request } = x
    if (trailers === null || request.method === 'HEAD' || isBodiless(response.status)) return x.answer()
    response.bodyLength = BODY_UNKNOWN
    const { life } = x
    x.answer()
    if (x.life === life && !x.isFinished && x.phase !== PHASE_OVER) x.out.end(trailers)
  }
}
