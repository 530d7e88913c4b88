/**
 * Exchange: one request and its answer, and the seams around it: Handler and Flow (the steps of a route), Downstream
 * (the client's stream), Upstream (one attempt at an origin), Serve (what a protocol server calls).
 *
 * Above the protocol rooms, no line knows which protocol a stream speaks.
 *
 * Invariants: an exchange is served once and finished once; `turn` changes whenever it begins, finishes or waits, so
 * a late wake-up that carries an older number does nothing; at most one Upstream is current, and a callback from any
 * other is dropped and counted.
 */
import { empty } from '../core/empty.ts'
import { NONE, type Fault } from '../core/faults.ts'
import { RequestBody, type BodySink, type BodySource } from './body.ts'
import { CacheResult } from './cache-result.ts'
import type { Fields } from './fields.ts'
import type { ExchangeLimits } from './limits.ts'
import { RequestHead, ResponseHead } from './message.ts'
import { Outgoing } from './outgoing.ts'
import type { Transport } from '../net/transport.ts'

// Flow: what a handler answers.

/** Go on with the next step. */
export const NEXT = 0
/** I answer (or have answered) this exchange. */
export const DONE = 1
/** I shall call `x.resume(turn)` or `x.reenter(turn)` later. */
export const WAIT = 2
export type Flow = typeof NEXT | typeof DONE | typeof WAIT

/**
 * One step of a route. Made when the config is compiled, shared by all exchanges: it keeps nothing of one exchange in
 * itself. What it needs to keep lives on the exchange (`x.state[slot]`).
 */
export interface Handler {
  /** The directive's name in the config. */
  readonly name: string
  onRequest(x: Exchange): Flow
  /** `x.response` is complete and nothing of it was sent; it may be edited, and `x.interpose` called. */
  onResponse?(x: Exchange): Flow
  /** A fault before any byte of a final answer. DONE: I have answered. */
  onFault?(x: Exchange, fault: Fault): Flow
  /** `x.response` is our own error answer, about to be sent: its fields may be edited. Also when this step was not begun. */
  onErrorAnswer?(x: Exchange): void
  /** A 1xx other than 100 and 101 passes; `x.informational` holds it. */
  onInformational?(x: Exchange): void
  /** The client is gone, or its deadline passed: give up at once what is under way for x. `onFinish` still follows. */
  onAbandon?(x: Exchange): void
  onFinish?(x: Exchange): void
  /** For `headgate explain`: what this step would do, without doing it. Adds sentences; may edit x as onRequest would. */
  explain?(x: Exchange, say: (sentence: string) => void): Flow
  /** The plan that holds it is being closed. */
  close?(): void
}

/** What an exchange needs to know about its route. */
export interface RouteInfo {
  /** 'www.example.com[2]': site and place in its list, for logs, metrics and explain. */
  readonly name: string
  readonly site: string
  readonly handlers: readonly Handler[]
  readonly limits: ExchangeLimits
}

/** A client's stream. */
export interface Downstream extends BodySink {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress?: string
  readonly localPort: number
  readonly encrypted: boolean
  readonly guard?: Transport['guard']
  /** Who is really at the other end, where that is a proxy that announced the client; '' or left out: the client. */
  readonly relayAddress?: string
  /** Sends `x.informational`. Not called for HTTP/1.0 clients. */
  sendInformational(x: Exchange): void
  /**
   * Sends `x.response`. When its `bodyLength` is BODY_NONE the answer is whole with it; else `write`, `end` or `abort`
   * follow. The server decides framing, Connection and Date; the fields are otherwise sent as they are.
   */
  sendHead(x: Exchange): void
  /** Sends head and body at once; `x.response.bodyLength` is set from the body, which must not change any more. */
  sendWhole(x: Exchange, body: Buffer | null): void
  /**
   * Sends `x.response` (a 101, or what the protocol has for it) and gives the bare stream, or null when it is gone.
   * Whoever got the stream owns it and the exchange: it sets `transport.events`, then calls `pushKept` once, and when the
   * stream has closed it calls `Serve.finish` and then `end(null)` here (the connection leaves its server's list); the
   * protocol server does not finish it. After null the server does, as ever.
   */
  upgrade(x: Exchange): Transport | null
  /** After `upgrade`: pushes what was read behind the request's head to `transport.events`, and lets reading go on. */
  pushKept(): void
  /** Nothing may follow on this connection. */
  refuseReuse(): void
}

/** A server of an origin, as exchanges, policies and logs see it. */
export interface UpstreamServer {
  /** Its URL as in the config: 'http://10.0.0.11:3000'. */
  readonly name: string
}

/** One attempt at an origin: a leased stream. It is also the source of the answer's body. */
export interface Upstream extends BodySource {
  readonly server: UpstreamServer
  /** The address connected to, 'ip:port' or 'unix:/path', for the log. */
  readonly address: string
  /** The connection had served an exchange before. */
  readonly isReused: boolean
  /** Time spent on connecting for this lease, 0 when reused. */
  readonly connectMs: number
  /** Sends `x.outgoing` and attaches to `x.body`; the answer comes to `receiver`. */
  send(x: Exchange, receiver: UpstreamReceiver): void
  /** Bytes of the answer have arrived. */
  readonly hasAnswered: boolean
  /**
   * After a 101 was received (in `onHead` or later): the bare stream, null when it is gone. Whoever got it sets
   * `transport.events`, then calls `pushKept` once, and `cancel` when the stream has closed.
   */
  takeTransport(): Transport | null
  /** After `takeTransport`: pushes what was read behind the answer's head to `transport.events`. */
  pushKept(): void
  /** Gives the stream up: nothing more is heard of it. Its connection is closed unless it can serve others. */
  cancel(fault: Fault): void
}

/** Whoever sent the request: the proxy step, a health check. Calls come in the order of the answer. */
export interface UpstreamReceiver {
  /** 1xx except 101; `head` is borrowed. 100 included. */
  onInformational(x: Exchange, upstream: Upstream, head: ResponseHead): void
  /** `x.response` has been filled. */
  onHead(x: Exchange, upstream: Upstream): void
  /** False: stop until `upstream.resume()`. */
  onBody(x: Exchange, upstream: Upstream, buffer: Buffer, start: number, end: number): boolean
  onEnd(x: Exchange, upstream: Upstream, trailers: Fields | null): void
  onFault(x: Exchange, upstream: Upstream, fault: Fault): void
}

/** What the protocol servers call; the engine implements it. */
export interface Serve {
  /** A clean exchange for a stream. */
  begin(down: Downstream): Exchange
  /** `x.request` is read and `x.body` begun: walks the route. */
  serve(x: Exchange): void
  /** The head could not be read: answered from the fault table and logged, no route is asked. */
  refuse(x: Exchange, fault: Fault): void
  /** The client is gone, or its answer cannot be sent: upstreams are cancelled. `finish` must still be called. */
  abandon(x: Exchange, fault: Fault): void
  /** Answer sent or cut, request body consumed or abandoned. The exchange goes back to its pool. Once. */
  finish(x: Exchange): void
}

/** The engine's walk, as the exchange sees it. Handlers call the methods of the same names on the exchange. */
export interface Walk {
  /**
   * Makes an exchange that walks the steps from `from` on, and whose answer comes to `down`: a fill, a prefetch. It has a
   * copy of x's head (no body) to edit, starts by `child.resume(child.turn)`, holds x's plan and may outlive x. Nobody's
   * request: not in the access log, no error page; its faults come to `down.abort`. Its maker calls `endChild` once.
   */
  child(x: Exchange, from: number, down: Downstream): Exchange
  /** Its answer has ended (NONE), or nobody wants it any more: what is under way for it is given up. */
  endChild(child: Exchange, fault: Fault): void
  resume(x: Exchange): void
  reenter(x: Exchange): void
  answer(x: Exchange): void
  answerWhole(x: Exchange, body: Buffer | null): void
  fail(x: Exchange, fault: Fault): void
  inform(x: Exchange): void
  /** An exception came out of a handler or out of our own code: counted, logged, answered with 500. */
  crash(x: Exchange, error: unknown): void
}

/** What an exchange holds while it runs, and lets go of when it is finished: the plan it was served with. */
export interface Lease {
  /** A child holds it, too. */
  retain(): void
  release(): void
}

/** Where the walk of an exchange is: what `resume` goes on with. */
export const PHASE_REQUEST = 0
export const PHASE_RESPONSE = 1
export const PHASE_FAULT = 2
/** Cut or abandoned: whatever still comes has no effect. */
export const PHASE_OVER = 3

/** A sink put between the answer and the client by a handler (compression, a cache that stores). */
export interface InterposedSink extends BodySink, BodySource {
  next: BodySink
  source: BodySource | null
}

export class Exchange {
  readonly request: RequestHead = new RequestHead()
  readonly response: ResponseHead = new ResponseHead()
  readonly informational: ResponseHead = new ResponseHead()
  readonly body: RequestBody = new RequestBody()
  readonly outgoing: Outgoing = new Outgoing()
  down: Downstream = nobody
  /** The answer's way to the client: `down`, or the outermost sink interposed. */
  out: BodySink = nobody
  route: RouteInfo | null = null
  /** The index of the step that runs or waits. */
  step = 0
  /** The first of its steps: 0, or where a child began. */
  firstStep = 0
  /** It was made by `Walk.child`: no client asked for it. */
  isChild = false
  /** How many steps were begun: those hear of faults on their way out, of a departure and of the end. */
  stepsBegun = 0
  phase = PHASE_REQUEST
  /** Changes whenever it is begun, finished or waits. */
  turn = 0
  /** How many times it was begun. What still holds it after a call that may have finished it compares this. */
  life = 0
  walk: Walk | null = null
  /** null: it is not served, or was refused. */
  lease: Lease | null = null
  /** The current attempt, null for none. */
  upstream: Upstream | null = null
  /** The producer of the answer's body; `out` calls its `resume`. */
  source: BodySource | null = null
  /** The sink interposed last, null for none. */
  #lastSink: InterposedSink | null = null
  /** The body of an answer that is sent whole, while the walk outward waits. */
  whole: Buffer | null = null
  isWhole = false
  /** The captures of the route's match: $1 … and :name. */
  readonly captures: string[] = []
  readonly captureNames: string[] = []
  /** Handlers keep their own state of this exchange here, by the slot they were given when compiled. */
  readonly state: unknown[] = []

  // What the log tells.
  startMs = 0
  /** The client's address: the peer's, or what a trusted proxy says. */
  clientAddress = ''
  /** Is the peer itself a trusted proxy? */
  isPeerTrusted = false
  /** Makes the request id when one is needed. */
  requestIds: { next(): string } | null = null
  #requestId = ''
  attempts = 0
  /** The servers tried so far, in order. */
  readonly tried: UpstreamServer[] = []
  /** The address of the last attempt. */
  upstreamAddress = ''
  connectMs = 0
  /** From serve to the first byte of the origin's head; -1 when there was none. */
  firstByteMs = -1
  bytesSent = 0
  /** What the cache did. */
  cacheResult: CacheResult = CacheResult.NONE
  /** Why it failed; NONE when it did not. */
  fault: Fault = NONE
  /** The answer's head has been given to `down`: no other answer is possible. */
  isHeadSent = false
  isFinished = false
  /** The target after `rewrite`; '' = as received. */
  rewrittenTarget = ''
  /** Set by `explain`: nothing may be sent. */
  isDry = false

  begin(down: Downstream, walk: Walk, nowMs: number): void {
    this.turn++
    this.life++
    this.down = down
    this.out = down
    this.walk = walk
    this.startMs = nowMs
    this.isFinished = false
  }

  /** What it is called in logs and to the origin: made when somebody first asks, as nobody does for most cache hits. */
  get requestId(): string {
    if (this.#requestId === '' && this.requestIds !== null) this.#requestId = this.requestIds.next()
    return this.#requestId
  }

  set requestId(id: string) {
    this.#requestId = id
  }

  /** Cleans it for reuse. */
  reset(): void {
    this.turn++
    this.request.reset()
    this.response.reset()
    this.informational.reset()
    this.body.reset()
    this.outgoing.reset()
    this.down = this.out = nobody
    this.route = this.walk = this.lease = this.upstream = this.source = null
    this.step = this.stepsBegun = this.firstStep = 0
    this.phase = PHASE_REQUEST
    this.#lastSink = null
    this.whole = null
    empty(this.captures)
    empty(this.captureNames)
    empty(this.state)
    empty(this.tried)
    this.clientAddress = this.#requestId = this.upstreamAddress = this.rewrittenTarget = ''
    this.requestIds = null
    this.isChild = this.isPeerTrusted = this.isHeadSent = this.isDry = this.isWhole = false
    this.attempts = this.connectMs = this.bytesSent = 0
    this.firstByteMs = -1
    this.cacheResult = CacheResult.NONE
    this.fault = NONE
  }

  /** A handler that is about to answer WAIT takes the number its wake-up must carry. */
  beginWait(): number {
    return ++this.turn
  }

  /** Goes on after the step that waits. False: too late, nothing was done. */
  resume(turn: number): boolean {
    if (turn !== this.turn || this.walk === null) return false
    this.turn++
    this.walk.resume(this)
    return true
  }

  /** Runs the step that waits again. */
  reenter(turn: number): boolean {
    if (turn !== this.turn || this.walk === null) return false
    this.turn++
    this.walk.reenter(this)
    return true
  }

  /**
   * Puts `sink` before the client, behind those interposed by steps nearer to the origin: bytes pass the sinks in the
   * order in which `onResponse` runs. Only from `onResponse`; `source` must be set before.
   */
  interpose(sink: InterposedSink): void {
    sink.next = this.down
    sink.source = this.source
    if (this.#lastSink === null) this.out = sink
    else this.#lastSink.next = sink
    this.#lastSink = sink
    this.source = sink
  }

  /** Forgets an answer that was begun and of which nothing was sent. */
  clearAnswer(): void {
    this.response.reset()
    this.out = this.down
    this.#lastSink = null
    this.source = null
    this.whole = null
    this.isWhole = false
  }

  // What a handler does with an exchange that it answers. After each of these `x` may be finished, and even serve
  // another request: touch it no more.

  /** `response` is filled, its body follows through `out` (none follows when `bodyLength` is BODY_NONE). */
  answer(): void {
    this.walk?.answer(this)
  }

  /** `response` is filled and `body` is all that follows; `bodyLength` is set from it. */
  answerWhole(body: Buffer | null): void {
    this.walk?.answerWhole(this, body)
  }

  /** Cannot be answered: steps nearer to the client may, else our error answer is sent, or the answer is cut. */
  fail(fault: Fault): void {
    this.walk?.fail(this, fault)
  }

  /** `informational` is filled and passes outward. */
  inform(): void {
    this.walk?.inform(this)
  }

  /** The target that an origin is asked for. */
  get target(): string {
    return this.rewrittenTarget === '' ? this.request.target : this.rewrittenTarget
  }
}

/** The Downstream of an exchange that has none. */
export const nobody: Downstream = {
  remoteAddress: '',
  remotePort: 0,
  localPort: 0,
  encrypted: false,
  sendInformational() {},
  sendHead() {},
  sendWhole() {},
  upgrade: () => null,
  pushKept() {},
  refuseReuse() {},
  write: () => true,
  end() {},
  abort() {},
}
