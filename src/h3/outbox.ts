/**
 * Outbox: what is to be sent on a stream and has not been handed to the provider yet. The provider's own queue is
 * long (some MiB for all streams together), and it reports late that a client does not read. So a stream hands it at
 * most `turnBytesMax` per turn of the event loop, and nothing while the provider says that the stream waits for the
 * client's window.
 *
 * Invariants: nothing overtakes what waits; the end leaves last and once; while there is no room, either a turn is
 * due, or the stream is full and the provider will tell when there is room.
 */
import type { QuicEndpoint, QuicField } from './provider.ts'

/** As much as the event loop reads at once from an origin. */
export const turnBytesMax = 256 * 1024

/** After this, what the provider did not take is offered again, whatever it reports. */
const retryMs = 20

interface Piece {
  readonly fields: readonly QuicField[] | null
  readonly isTrailers: boolean
  bytes: Buffer
  readonly ends: boolean
}

const nothing = Buffer.alloc(0)

/** The owner of an outbox. */
export interface OutboxHome {
  readonly endpoint: QuicEndpoint
  readonly session: number
  readonly stream: number
  /** Calls `onTurn` in a later turn, after this delay. */
  later(ms: number): void
}

export class Outbox {
  /** Everything has been handed over, the end included. */
  isEnded = false
  waitingBytes = 0
  /** Bytes handed over so far. */
  sentBytes = 0
  readonly #home: OutboxHome
  readonly #pieces: Piece[] = []
  #turnBytes = 0
  #isFull = false
  #isTurnDue = false
  #isClosed = false

  constructor(home: OutboxHome) {
    this.#home = home
  }

  /** Does nothing wait, so that more is welcome? */
  get hasRoom(): boolean {
    return this.#pieces.length === 0 && !this.#isFull && this.#turnBytes < turnBytesMax
  }

  head(fields: readonly QuicField[], ends: boolean): void {
    this.#add({ fields, isTrailers: false, bytes: nothing, ends })
  }

  /** Returns false: stop until there is room. The bytes were taken all the same. */
  data(buffer: Buffer, start: number, end: number): boolean {
    const turnEnd = Math.min(end, start + turnBytesMax - this.#turnBytes)
    const taken = this.hasRoom ? this.#send(buffer, start, turnEnd, false) : 0
    if (start + taken < end)
      this.#push({
        fields: null,
        isTrailers: false,
        bytes: Buffer.from(buffer.subarray(start + taken, end)),
        ends: false,
      })
    if (this.hasRoom) return true
    if (!this.#isFull) this.#wake()
    return false
  }

  /** `body` and the end. */
  whole(body: Buffer): void {
    this.#add({ fields: null, isTrailers: false, bytes: body, ends: true })
  }

  end(trailers: readonly QuicField[] | null): void {
    this.#add({ fields: trailers, isTrailers: trailers !== null, bytes: nothing, ends: true })
  }

  /** The client's window is closed. */
  full(): void {
    this.#isFull = true
  }

  /** The client's window is open again. */
  room(): void {
    this.#isFull = false
    this.flush()
  }

  /** A turn of its own has come. */
  onTurn(): void {
    this.#isTurnDue = false
    this.#turnBytes = 0
    this.flush()
  }

  /** Nothing is sent any more. */
  close(): void {
    this.#isClosed = true
    this.#pieces.length = 0
    this.waitingBytes = 0
  }

  #add(piece: Piece): void {
    this.#push(piece)
    this.flush()
  }

  #push(piece: Piece): void {
    if (this.#isClosed) return
    this.#pieces.push(piece)
    this.waitingBytes += piece.bytes.length
  }

  /** Hands over what it can. */
  flush(): void {
    while (!this.#isClosed) {
      const piece = this.#pieces[0]
      if (piece === undefined) return
      if (!this.#hand(piece)) {
        // The provider does not always report that there is room in its queue again.
        if (!this.#isFull) this.#wake(retryMs)
        return
      }
      this.#pieces.shift()
      if (piece.ends) this.isEnded = true
    }
  }

  /** False: not all of it was taken. */
  #hand(piece: Piece): boolean {
    const { endpoint, session, stream } = this.#home
    const { fields, bytes, ends } = piece
    if (fields !== null) {
      return piece.isTrailers
        ? endpoint.sendTrailers(session, stream, fields)
        : endpoint.sendHeaders(session, stream, fields, ends)
    }
    if (bytes.length === 0) return endpoint.send(session, stream, bytes, 0, 0, ends) >= 0
    if (this.#isFull) return false
    if (this.#turnBytes >= turnBytesMax) return false
    const length = Math.min(bytes.length, turnBytesMax - this.#turnBytes)
    const taken = this.#send(bytes, 0, length, ends && length === bytes.length)
    this.waitingBytes -= taken
    if (taken === bytes.length) return true
    piece.bytes = bytes.subarray(taken)
    return false
  }

  #send(buffer: Buffer, start: number, end: number, ends: boolean): number {
    const { endpoint, session, stream } = this.#home
    const taken = Math.max(0, endpoint.send(session, stream, buffer, start, end, ends))
    this.#turnBytes += taken
    this.sentBytes += taken
    if (this.#turnBytes >= turnBytesMax) this.#wake()
    return taken
  }

  #wake(ms = 0): void {
    if (this.#isTurnDue || this.#isClosed) return
    this.#isTurnDue = true
    this.#home.later(ms)
  }
}
