/**
 * BodyReader: the body of an answer, whole or still growing, read from the store and sent to one client at its pace.
 *
 * Promises: it holds no bytes (it knows where it is; the body keeps them); it does not write again after the sink
 * said that it is full; it never ends an answer before all its bytes are written; it follows a growing body to its
 * end, and cuts the answer visibly when that end will never come.
 *
 * It checks that the exchange is still running whenever it is called: an answer may be cut without its knowledge.
 */
import type { Clock, ClockTimer } from '../../core/clock.ts'
import { Faults, NONE, type Fault } from '../../core/faults.ts'
import type { BodySource } from '../../http/body.ts'
import { PHASE_OVER, type Exchange } from '../../http/exchange.ts'
import type { ByteRange, MultipartFrame } from '../../http/ranges.ts'
import type { Followed, Follower, ReadableBody, Rest } from '../store/growth.ts'
import { BodySpan } from '../store/memory-body.ts'

/**
 * What is written at a stretch. A client on the same machine may take as fast as we write: the others must get their turn.
 */
export const stretchBytesMax: number = 4 * 1024 * 1024

/**
 * What is written at once. Larger writes spare a few system calls and cost memory: what the kernel does not take of one is
 * copied, and ten thousand slow clients have as many copies.
 */
export const pieceBytesMax: number = 64 * 1024

/** Shared: nothing is kept in it beyond one write, and writes do not nest (a sink does not read). */
const span = new BodySpan()

const everything: readonly ByteRange[] = [{ first: 0, last: Infinity }]

export class BodyReader implements BodySource, Follower {
  /** Offset of the next byte. */
  position: number
  previous: Follower | null = null
  next: Follower | null = null
  list: object | null = null
  readonly #x: Exchange
  readonly #life: number
  #body: ReadableBody
  #growth: Followed | null
  readonly #clock: Clock
  readonly #ranges: readonly ByteRange[]
  readonly #frame: MultipartFrame | null
  #rangeIndex = 0
  /** The head of the part under way is written. */
  #isPartBegun = false
  /** The sink is full, or the head is not on its way yet. */
  #isHeld = true
  #isWriting = false
  #isOver = false
  #pause: ClockTimer | null = null

  /**
   * `growth`: null when the body is whole. `ranges`: null for all of it; several need a `frame`. Makes itself the source of
   * `x`; `start` is called when the head is on its way.
   */
  constructor(
    x: Exchange,
    body: ReadableBody,
    growth: Followed | null,
    clock: Clock,
    ranges: readonly ByteRange[] | null = null,
    frame: MultipartFrame | null = null,
  ) {
    this.#x = x
    this.#life = x.life
    this.#body = body
    this.#growth = growth
    this.#clock = clock
    this.#ranges = ranges ?? everything
    this.#frame = frame
    this.position = (this.#ranges[0] as ByteRange).first
    x.source = this
    growth?.follow(this)
  }

  /** After `x.answer()`: writes what there is. */
  start(): void {
    this.#isHeld = false
    this.#growth?.advance(this)
    this.#write()
  }

  // As a source

  resume(): void {
    this.#isHeld = false
    if (!this.#isWriting) this.#write()
  }

  cancel(_fault: Fault): void {
    this.#leave()
  }

  // As a follower

  get readsUntil(): number {
    return (this.#ranges[this.#rangeIndex]?.last ?? -1) + 1
  }

  onGrown(): void {
    if (!this.#isHeld && !this.#isWriting) this.#write()
  }

  onBroken(fault: Fault): void {
    if (this.#isOver) return
    const isRunning = this.#isRunning()
    this.#leave()
    if (isRunning) this.#x.fail(fault === NONE ? Faults.ORIGIN_TRUNCATED : fault)
  }

  onLeftBehind(rest: Rest | null): void {
    if (this.#isOver) return
    const isOne = this.#frame === null && this.#rangeIndex < this.#ranges.length
    if (rest === null || !isOne || !this.#isRunning()) return this.onBroken(Faults.READ_TIMEOUT)
    const body = rest.join(this.#x, this.position)
    this.#body = this.#growth = body
    body.follow(this)
    // A sink that is full asks for more when it has room.
    if (!this.#isHeld && !this.#isWriting) this.#write()
  }

  #isRunning(): boolean {
    const x = this.#x
    return x.life === this.#life && !x.isFinished && x.phase !== PHASE_OVER && x.source !== null
  }

  #leave(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#pause?.cancel()
    this.#pause = null
    this.#growth?.leave(this)
  }

  #write(): void {
    if (this.#isOver || this.#pause !== null) return
    this.#isWriting = true
    try {
      let written = 0
      while (!this.#isHeld && !this.#isOver) {
        if (!this.#isRunning()) return this.#leave()
        const bytes = this.#writePiece()
        if (bytes === 0) return
        written += bytes
        if (written >= stretchBytesMax) return this.#yield()
      }
    } finally {
      this.#isWriting = false
    }
  }

  #yield(): void {
    if (this.#isOver) return
    this.#pause = this.#clock.after(0, () => {
      this.#pause = null
      if (!this.#isHeld) this.#write()
    })
  }

  /** How many bytes it wrote; 0: there is nothing to write now, or nothing any more. */
  #writePiece(): number {
    const frame = this.#frame
    if (this.#rangeIndex === this.#ranges.length) {
      if (frame !== null && !this.#isPartBegun) {
        this.#isPartBegun = true
        this.#put(frame.tail, 0, frame.tail.length)
        if (this.#isOver || this.#isHeld) return 0
      }
      this.#end()
      return 0
    }
    if (frame !== null && !this.#isPartBegun) {
      this.#isPartBegun = true
      const head = frame.heads[this.#rangeIndex] as Buffer
      this.#put(head, 0, head.length)
      return head.length
    }
    return this.#writeStored()
  }

  #writeStored(): number {
    const body = this.#body
    const end = (this.#ranges[this.#rangeIndex] as ByteRange).last + 1
    if (body.readAt(this.position, span, Math.min(end, this.position + pieceBytesMax))) {
      const { buffer, start, end: spanEnd } = span
      this.position += spanEnd - start
      const isLast = this.position === end
      if (isLast) this.#nextRange()
      this.#put(buffer, start, spanEnd)
      return spanEnd - start
    }
    // Not there yet, or on its way from where it lies.
    if (!body.isWhole || (this.position < end && body.isAway?.(this.position) === true)) return 0
    // Whole, and nothing is left of it: shorter than the range only if it was cut short, which the length of the answer
    // brings to light.
    this.#rangeIndex = this.#ranges.length
    this.#end()
    return 0
  }

  #nextRange(): void {
    this.#rangeIndex++
    this.#isPartBegun = false
    const range = this.#ranges[this.#rangeIndex]
    if (range !== undefined) this.position = range.first
  }

  #put(buffer: Buffer, start: number, end: number): void {
    if (!this.#x.out.write(buffer, start, end)) this.#isHeld = true
    if (!this.#isOver) this.#growth?.advance(this)
  }

  #end(): void {
    this.#leave()
    this.#x.out.end(null)
  }
}
