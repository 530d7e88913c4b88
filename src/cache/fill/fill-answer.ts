/**
 * FillAnswer: what comes of the child exchange by which a fill asks its origin. With several workers, an answer that
 * replaces what the others have is held back until they know of it: so a client that has seen any of it does not get
 * the older one from another worker afterwards.
 *
 * What arrives within a turn or two is held back; the origin is paused meanwhile. With a single worker, or where
 * nothing changes for the others, nothing is held.
 */
import type { Fault } from '../../core/faults.ts'
import type { Clock } from '../../core/clock.ts'
import type { Downstream, Exchange } from '../../http/exchange.ts'
import { Fields } from '../../http/fields.ts'
import type { ResponseHead } from '../../http/message.ts'
import { memoryKeyOf } from './ask.ts'
import { FillReaders } from './fill-readers.ts'
import { receivedOf } from './fill-request.ts'
import type { FillTable } from './fill-table.ts'
import type { Received } from '../rules/rule.ts'

/** What has arrived meanwhile. */
class Held {
  readonly received: Received
  readonly pieces: Buffer[] = []
  hasEnded = false
  trailers: Fields | null = null

  constructor(child: Exchange, clock: Clock) {
    this.received = receivedOf(child, clock)
  }
}

const noKeys: readonly string[] = []

export abstract class FillAnswer extends FillReaders implements Downstream {
  protected abstract readonly table: FillTable
  protected child: Exchange | null = null
  /**
   * What the other workers were told: that this is asked for, and that there is news of it. A slice may turn
   * out to be something else.
   */
  askedKey = ''
  announcedKeys: readonly string[] = noKeys
  #held: Held | null = null
  /** The trailers of the answer that was held. */
  #received: Received | null = null

  protected abstract get isAsking(): boolean
  /** Does what is stored of this anywhere give way to this answer? */
  protected abstract isNews(response: ResponseHead): boolean
  protected abstract onHead(child: Exchange): void
  protected abstract onBytes(buffer: Buffer, start: number, end: number): boolean
  protected abstract onEnd(trailers: Fields | null): void
  protected abstract onAbort(fault: Fault): void
  abstract sendInformational(child: Exchange): void

  override get answerHead(): ResponseHead {
    return (this.child as Exchange).response
  }

  /** When the answer of `child` was sent and came. */
  protected receivedOf(child: Exchange): Received {
    return this.#received ?? receivedOf(child, this.table.clock)
  }

  sendHead(child: Exchange): void {
    if (child !== this.child || !this.isAsking) return
    this.#received = null
    if (!this.table.hasListeners || !this.isNews(child.response)) return this.onHead(child)
    const held = new Held(child, this.table.clock)
    this.#held = held
    // Set before the call: within it the others may hear, and the fill may end.
    const before = this.announcedKeys
    this.announcedKeys = [...before, memoryKeyOf(this.ask)]
    if (this.table.announce(this.ask, child.response, () => this.#release(child, held))) return
    this.announcedKeys = before
    this.#held = null
    this.onHead(child)
  }

  sendWhole(child: Exchange, body: Buffer | null): void {
    if (child !== this.child) return
    this.sendHead(child)
    if (body === null || body.length === 0 || child !== this.child) return
    this.write(body, 0, body.length)
    this.end(null)
  }

  write(buffer: Buffer, start: number, end: number): boolean {
    const held = this.#held
    if (held === null) return this.onBytes(buffer, start, end)
    // They are copied, since they are borrowed.
    held.pieces.push(Buffer.from(buffer.subarray(start, end)))
    return false
  }

  end(trailers: Fields | null): void {
    const held = this.#held
    if (held === null) return this.onEnd(trailers)
    held.hasEnded = true
    if (trailers === null) return
    held.trailers = new Fields()
    held.trailers.copyFrom(trailers)
  }

  abort(fault: Fault): void {
    this.#held = null
    this.onAbort(fault)
  }

  /** The others know of it. */
  #release(child: Exchange, held: Held): void {
    if (this.#held !== held) return
    this.#held = null
    this.#received = held.received
    this.onHead(child)
    let isWelcome = true
    for (const piece of held.pieces) {
      if (child !== this.child) return
      isWelcome = this.write(piece, 0, piece.length)
    }
    if (child !== this.child) return
    if (held.hasEnded) return this.end(held.trailers)
    // It had been taken for a short answer.
    if (child.response.bodyLength < 0) this.table.announceLong(this.ask)
    if (isWelcome) child.source?.resume()
  }

  /** Nobody wants what is held any more. */
  protected letGo(): void {
    this.#held = null
  }
}
