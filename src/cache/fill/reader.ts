/**
 * Reader: one client's exchange that waits for a fill, and what came of it.
 *
 * The step that asks keeps it on the exchange, parks the exchange while `outcome` is WAITING, and is re-entered when
 * the outcome is known. It calls `leave` when the exchange is abandoned and when it is finished; after that nobody
 * touches the exchange.
 *
 * A reader whose outcome is PASSED is also the source of its exchange's body: the answer of the fill passes through
 * it.
 */
import { NONE, type Fault } from '../../core/faults.ts'
import type { ListNode } from '../../core/list.ts'
import type { BodySource } from '../../http/body.ts'
import type { Exchange } from '../../http/exchange.ts'
import { Fields } from '../../http/fields.ts'
import { BODY_NONE, type ResponseHead } from '../../http/message.ts'
import type { Ask } from './ask.ts'
import type { Entry } from '../store/entry.ts'
import type { Growth } from '../store/growth.ts'
import type { Vary } from '../keys/vary.ts'

/** The outcome that a reader is told. */
export const Outcome = {
  WAITING: 0,
  /** `entry` answers the request: whole, or growing while it is served. */
  FILLED: 1,
  /** The origin's answer is for this reader alone: call `takeHead`, then `answer`. */
  PASSED: 2,
  /** It is not worth waiting: the reader asks the origin itself. */
  ALONE: 3,
  /** The origin gave no answer: `fault` says why. */
  FAILED: 4,
  /** The origin failed (`status` or `fault`), and `entry`, which is stale, may stand in for it. */
  STALE: 5,
} as const
export type Outcome = (typeof Outcome)[keyof typeof Outcome]

/** The fill that a reader waits for, or whose answer passes through it. */
export interface ReaderOwner {
  /** The answer that is passed through, which is borrowed meanwhile. */
  readonly answerHead: ResponseHead
  onLeave(reader: Reader): void
  onReaderResume(): void
}

export class Reader implements ListNode<Reader>, BodySource {
  readonly x: Exchange
  ask: Ask
  outcome: Outcome = Outcome.WAITING
  entry: Entry | null = null
  /** The growth of an entry whose body is still arriving; null when it is whole. */
  growth: Growth | null = null
  fault: Fault = NONE
  /** The status of the origin's answer; 0 when there was none. */
  status = 0
  /** Did this reader cause the fill? */
  isFirst = false
  /** The origin confirmed the stored answer (304). */
  isValidated = false
  /** The answer is being stored, or was. */
  isStored = false
  /** `CacheStore.generation` when it asked: earlier purges apply to what it is given. */
  readonly bornAt: number
  /** What the answers for its key vary by, once a fill has told. */
  vary: Vary | null = null
  /** How often it was sent on from one fill to another. */
  rounds = 0
  owner: ReaderOwner | null = null
  previous: Reader | null = null
  next: Reader | null = null
  list: object | null = null
  #turn = -1
  /** How a passed body ended before the step had taken the head. */
  #held: Buffer[] | null = null
  #hasBegun = false
  #hasEnded = false
  #trailers: Fields | null = null

  constructor(x: Exchange, ask: Ask, bornAt: number) {
    this.x = x
    this.ask = ask
    this.bornAt = bornAt
  }

  /** Call it when the step is about to answer WAIT. */
  park(): void {
    this.#turn = this.x.beginWait()
  }

  /** The exchange is abandoned or finished, or needs the reader no more. A second call is harmless. */
  leave(): void {
    const { owner } = this
    this.owner = null
    this.#turn = -1
    this.#held = null
    owner?.onLeave(this)
  }

  /** `outcome` is known: re-enters the step if it is waiting. Only the fill calls this. */
  wake(): void {
    const turn = this.#turn
    this.#turn = -1
    if (turn >= 0) this.x.reenter(turn)
  }

  // A passed answer, for the step

  /** Copies the origin's head into the exchange, for the step to edit. */
  takeHead(): void {
    const { response, request } = this.x
    const head = (this.owner as ReaderOwner).answerHead
    response.reset()
    response.status = head.status
    response.reason = head.reason
    response.version = head.version
    response.statedLength = head.statedLength
    response.bodyLength = head.bodyLength
    response.fields.copyFrom(head.fields)
    if (request.method !== 'HEAD') return
    if (head.bodyLength > BODY_NONE) response.statedLength = head.bodyLength
    response.bodyLength = BODY_NONE
  }

  /** Sends the head; the body follows. The exchange may be finished when this returns. */
  answer(): void {
    const { x } = this
    const { life } = x
    const hasBody = x.response.bodyLength !== BODY_NONE
    this.#hasBegun = true
    x.source = this
    x.answer()
    if (hasBody && x.life === life && this.owner !== null) this.#release()
    // The answer is whole with its head: no body is needed.
    else if (!hasBody) this.leave()
  }

  #release(): void {
    const held = this.#held
    this.#held = null
    let isWelcome = true
    for (const piece of held ?? []) isWelcome = this.x.out.write(piece, 0, piece.length)
    if (this.owner === null) return
    if (this.#hasEnded) this.#end(this.#trailers)
    else if (held !== null && isWelcome) this.resume()
  }

  // A passed answer, for the fill

  write(buffer: Buffer, start: number, end: number): boolean {
    if (this.#hasBegun && this.#held === null) return this.x.out.write(buffer, start, end)
    this.#held ??= []
    this.#held.push(Buffer.from(buffer.subarray(start, end)))
    return false
  }

  end(trailers: Fields | null): void {
    if (this.#hasBegun && this.#held === null) return this.#end(trailers)
    this.#hasEnded = true
    if (trailers === null) return
    this.#trailers = new Fields()
    this.#trailers.copyFrom(trailers)
  }

  #end(trailers: Fields | null): void {
    const { x } = this
    this.owner = null
    if (x.source === this) x.source = null
    x.out.end(trailers)
  }

  /** The body will never be whole. */
  break(fault: Fault): void {
    this.owner = null
    this.#held = null
    this.x.fail(fault)
  }

  // The source of a passed body, for the client's stream

  resume(): void {
    this.owner?.onReaderResume()
  }

  cancel(_fault: Fault): void {
    this.leave()
  }
}
