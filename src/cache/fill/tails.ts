/**
 * Tails: the rest of an answer that no store holds, for clients that have fallen behind its window. Those that fall
 * behind together share one request to the origin, from where the slowest of them is, by Range and under the strong
 * entity-tag of what was sent (RFC 9110 §13.1.5). So each gets the same representation to its end, or sees that it
 * does not.
 *
 * A tail is a window of its own, which moves at the pace of those who read it; a client that falls behind that one
 * too joins another.
 *
 * Promises: no byte is given but those of the part asked for under that tag; the origin is asked only when somebody
 * can take more; when all have left, it is told to stop.
 */
import type { Clock } from '../../core/clock.ts'
import { Faults, NONE, type Fault } from '../../core/faults.ts'
import { isSameStrongly } from '../../http/conditional.ts'
import type { Downstream, Exchange, Walk } from '../../http/exchange.ts'
import { Field } from '../../http/known-fields.ts'
import { BODY_NONE, type ResponseHead } from '../../http/message.ts'
import { readContentRange } from '../../http/ranges.ts'
import type { Transport } from '../../net/transport.ts'
import { askForAll } from './fill-request.ts'
import { Growth, type Follower, type GrowthOwner, type Rest, type RestBody } from '../store/growth.ts'
import { blockBytes, MemoryBody, type BodySpan } from '../store/memory-body.ts'
import { Patience } from './patience.ts'

export interface TailsOptions {
  /** The step by which the origin is asked. */
  readonly from: number
  /** The strong entity-tag. */
  readonly etag: string
  /** The length of the whole. */
  readonly length: number
  readonly windowBytes: number
  readonly clock: Clock
}

export class Tails implements Rest {
  readonly options: TailsOptions
  readonly #open: Set<Tail> = new Set()

  constructor(options: TailsOptions) {
    this.options = options
  }

  join(x: Exchange, position: number): RestBody {
    for (const tail of this.#open) if (tail.take(position)) return new TailBody(x, tail, position)
    const tail = new Tail(this, position)
    this.#open.add(tail)
    return new TailBody(x, tail, position)
  }

  /** Can nobody join it any more? */
  close(tail: Tail): void {
    this.#open.delete(tail)
  }
}

/** One request for the rest from `first` on. */
class Tail implements Downstream, GrowthOwner {
  remoteAddress = ''
  remotePort = 0
  localAddress = ''
  localPort = 0
  encrypted = false
  /** The offset of its first byte in the whole. It may change until the origin is asked. */
  first: number
  readonly body: MemoryBody = new MemoryBody()
  readonly growth: Growth
  readonly #tails: Tails
  readonly #patience: Patience
  #child: Exchange | null = null
  #hasAsked = false
  #isOver = false
  #isHeld = false
  #isWriting = false
  #forgotten = 0

  constructor(tails: Tails, first: number) {
    const { clock, windowBytes } = tails.options
    this.#tails = tails
    this.first = first
    this.growth = new Growth(this, tails)
    this.#patience = new Patience(clock, this.growth, windowBytes, () => this.onAdvance())
  }

  /**
   * Can a client that wants what follows `position` read from it, without making others wait or lose what they
   * need?
   */
  take(position: number): boolean {
    const reachBytes = this.#tails.options.windowBytes / 2
    if (this.#hasAsked) {
      const at = position - this.first
      return at >= this.#forgotten && at <= this.body.length + reachBytes
    }
    if (Math.abs(position - this.first) > reachBytes) return false
    this.first = Math.min(this.first, position)
    return true
  }

  /** Asks the origin, once, when somebody can take more. */
  ask(x: Exchange): void {
    if (this.#hasAsked) return
    this.#hasAsked = true
    const { from, etag, length } = this.#tails.options
    const { remoteAddress, remotePort, localAddress = '', localPort, encrypted } = x.down
    Object.assign(this, { remoteAddress, remotePort, localAddress, localPort, encrypted })
    const child = (x.walk as Walk).child(x, from, this)
    this.#child = child
    askForAll(child.request)
    const { fields } = child.request
    fields.setKnown(Field.RANGE, `bytes=${this.first}-${length - 1}`)
    fields.setKnown(Field.IF_RANGE, etag)
    child.resume(child.turn)
  }

  #finish(childFault: Fault): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#patience.close()
    this.#tails.close(this)
    const child = this.#child
    this.#child = null
    child?.walk?.endChild(child, childFault)
  }

  #fail(fault: Fault, childFault: Fault): void {
    if (this.#isOver) return
    this.#finish(childFault)
    this.growth.broken(fault)
  }

  // The child's answer

  sendHead(child: Exchange): void {
    if (child !== this.#child) return
    const { response } = child
    if (response.bodyLength === BODY_NONE) this.#fail(Faults.ORIGIN_TRUNCATED, NONE)
    else if (!this.#isRest(response)) this.#fail(Faults.ANSWER_CHANGED, Faults.CLIENT_GONE)
  }

  #isRest({ status, fields }: ResponseHead): boolean {
    const { etag, length } = this.#tails.options
    const range = readContentRange(fields.get(Field.CONTENT_RANGE) ?? '')
    if (status !== 206 || range === null || range.length !== length) return false
    if (!isSameStrongly(fields.get(Field.ETAG) ?? '', etag)) return false
    return range.first === this.first && range.last === length - 1
  }

  sendWhole(child: Exchange, body: Buffer | null): void {
    this.sendHead(child)
    if (child !== this.#child || body === null) return
    this.write(body, 0, body.length)
    this.end()
  }

  get #leftBytes(): number {
    return this.#tails.options.length - this.first - this.body.length
  }

  write(buffer: Buffer, start: number, end: number): boolean {
    const child = this.#child
    if (child === null) return true
    child.bytesSent += end - start
    if (end - start > this.#leftBytes) {
      this.#fail(Faults.ORIGIN_TRUNCATED, Faults.ORIGIN_TRUNCATED)
      return true
    }
    this.#isWriting = true
    this.body.append(buffer, start, end)
    this.growth.grown()
    this.#forget()
    if (!this.#isOver) this.#patience.look(this.body.length)
    this.#isWriting = false
    this.#isHeld = this.#isAhead
    return !this.#isHeld
  }

  #forget(): void {
    const offset = this.body.length - this.#tails.options.windowBytes
    if (offset < this.#forgotten + blockBytes) return
    this.#forgotten = this.body.forget(offset)
    this.growth.forgotten(this.#forgotten)
  }

  /** The window, as for an answer that no store takes. */
  get #isAhead(): boolean {
    if (this.#isOver || this.growth.size === 0) return false
    const ahead = this.body.length - this.growth.front
    return this.#patience.isWaiting || ahead > this.#tails.options.windowBytes / 2
  }

  end(): void {
    if (this.#child === null) return
    if (this.#leftBytes > 0) return this.#fail(Faults.ORIGIN_TRUNCATED, NONE)
    this.#finish(NONE)
    this.body.finish()
    this.growth.isWhole = true
    this.growth.grown()
  }

  abort(fault: Fault): void {
    if (this.#child !== null) this.#fail(fault, NONE)
  }

  // Pace

  onAdvance(): void {
    if (!this.#isHeld || this.#isWriting || this.#isAhead) return
    this.#isHeld = false
    this.#child?.source?.resume()
  }

  onDeserted(): void {
    this.#finish(Faults.CLIENT_GONE)
  }

  // What a stream of a client can do besides, and this one never is asked for.

  sendInformational(): void {}

  upgrade(): Transport | null {
    return null
  }

  pushKept(): void {}

  refuseReuse(): void {}
}

/** A tail as one client reads it, with the offsets of the whole. */
class TailBody implements RestBody, Follower {
  readonly single = null
  readonly length: number
  previous: Follower | null = null
  next: Follower | null = null
  list: object | null = null
  readonly #x: Exchange
  readonly #tail: Tail
  #position: number
  #reader: Follower | null = null

  constructor(x: Exchange, tail: Tail, position: number) {
    this.#x = x
    this.#tail = tail
    this.#position = position
    this.length = position + Infinity
  }

  get position(): number {
    return this.#position - this.#tail.first
  }

  get isWhole(): boolean {
    return this.#tail.growth.isWhole
  }

  readAt(offset: number, span: BodySpan, end = Infinity): boolean {
    const tail = this.#tail
    tail.ask(this.#x)
    return tail.body.readAt(offset - tail.first, span, end - tail.first)
  }

  follow(follower: Follower): void {
    this.#reader = follower
    this.#tail.growth.follow(this)
  }

  leave(): void {
    this.#reader = null
    this.#tail.growth.leave(this)
  }

  advance({ position }: Follower): void {
    this.#position = position
    this.#tail.growth.advance(this)
  }

  onGrown(): void {
    this.#reader?.onGrown()
  }

  onBroken(fault: Fault): void {
    this.#reader?.onBroken(fault)
  }

  onLeftBehind(rest: Rest | null): void {
    this.#reader?.onLeftBehind(rest)
  }
}
