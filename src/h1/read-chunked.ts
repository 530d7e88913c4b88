/**
 * The reader of the chunked coding (RFC 9112 §7.1). It gives the body as spans of the input and copies nothing but
 * trailers. It takes the input in pieces of any size and keeps what it needs from earlier ones.
 *
 * It is strict in both roles: 1 to 16 hexadecimal digits without sign or space, at most 2^53 - 1; CR LF and nothing
 * else after the size and after the data; extensions checked and bounded; trailers checked like the fields of a head.
 * Trailers that are not allowed (RFC 9110 §6.5.1) are left out.
 */
import { CR, hexValue, LF } from '../core/bytes.ts'
import { Faults } from '../core/faults.ts'
import { Fields } from '../http/fields.ts'
import { cleanTrailers } from '../http/forwarding.ts'
import { defaultLimits, type ConnectionLimits } from '../http/limits.ts'
import { LINE_BAD, LINE_END, nextInLine, SIZE, SIZE_START } from './chunk-lines.ts'
import { FIELDS_WHOLE, walkFieldLines } from './field-lines.ts'
import { HeadProgress } from './head-progress.ts'

export { answerFault } from './answer-faults.ts'

/** All input is consumed up to `position`; it takes more to go on. */
export const CHUNK_MORE = 0
/** `[dataStart, dataEnd)` is a piece of the body; go on at `position`. */
export const CHUNK_DATA = 1
/** The body is whole; `position` is the first byte after it, `trailers` is filled. */
export const CHUNK_END = 2

/** 2^53 - 1 has 14; a few zeros in front are allowed, a line of them is not. */
const sizeDigitsMax = 16
/** The count of an extension's bytes begins behind its first one and takes CR LF in: that is one more than it has. */
const lineFeedBytes = 1
/** The empty line behind the trailers is not theirs. */
const emptyLineBytes = 2

// Where the reader stands. In LINE, `#lineState` says where in the line.
const LINE = 0
const DATA = 1
const DATA_CR = 2
const DATA_LF = 3
const TRAILERS = 4
const ENDED = 5

export class ChunkedReader {
  /** Valid until `reset`. */
  readonly trailers: Fields = new Fields()
  position = 0
  dataStart = 0
  dataEnd = 0
  #limits: ConnectionLimits = defaultLimits
  #state = LINE
  #lineState = SIZE_START
  /** Of the chunk that is read: its size, and later what is left of it. */
  #left = 0
  #digits = 0
  #extensionBytes = 0
  readonly #progress: HeadProgress = new HeadProgress()
  /** The trailer section so far; null until there is one. */
  #section: Buffer | null = null
  #sectionBytes = 0

  reset(limits: ConnectionLimits): void {
    this.#limits = limits
    this.#section = null
    this.#state = LINE
    this.trailers.clear()
    this.#beginLine()
  }

  #beginLine(): void {
    this.#state = LINE
    this.#lineState = SIZE_START
    this.#left = 0
    this.#digits = 0
    this.#extensionBytes = 0
  }

  /** One of CHUNK_… or -fault, in the request's faults; a client of an origin maps them by `answerFault`. */
  next(buffer: Buffer, start: number, end: number): number {
    this.position = start
    while (this.position < end) {
      switch (this.#state) {
        case DATA:
          return this.#takeData(end)
        case LINE: {
          const fault = this.#walkLine(buffer, end)
          if (fault !== 0) return -fault
          break
        }
        case DATA_CR:
          if (buffer[this.position++] !== CR) return -Faults.CHUNK_BAD
          this.#state = DATA_LF
          break
        case DATA_LF:
          if (buffer[this.position++] !== LF) return -Faults.CHUNK_BAD
          this.#beginLine()
          break
        case TRAILERS:
          return this.#takeTrailers(buffer, end)
        default:
          return CHUNK_END
      }
    }
    return this.#state === ENDED ? CHUNK_END : CHUNK_MORE
  }

  #takeData(end: number): number {
    this.dataStart = this.position
    const available = end - this.position
    const taken = available < this.#left ? available : this.#left
    this.dataEnd = this.position = this.dataStart + taken
    this.#left -= taken
    if (this.#left === 0) this.#state = DATA_CR
    return CHUNK_DATA
  }

  /** Walks the size and the extensions. NONE or a fault. */
  #walkLine(buffer: Buffer, end: number): number {
    let i = this.position
    let state = this.#lineState
    for (; i < end && state !== LINE_END; i++) {
      const byte = buffer[i] as number
      if (state <= SIZE) {
        const digit = hexValue[byte] as number
        if (digit >= 0) {
          this.#left = this.#left * 16 + digit
          if (++this.#digits > sizeDigitsMax || this.#left > Number.MAX_SAFE_INTEGER) return Faults.CHUNK_BAD
          state = SIZE
          continue
        }
        if (state === SIZE_START) return Faults.CHUNK_BAD
      } else if (++this.#extensionBytes > this.#limits.chunkExtensionBytesMax + lineFeedBytes) {
        return Faults.CHUNK_EXTENSION_TOO_LONG
      }
      state = nextInLine(state, byte)
      if (state === LINE_BAD) return Faults.CHUNK_BAD
    }
    this.#lineState = state
    this.position = i
    if (state === LINE_END) this.#state = this.#left === 0 ? TRAILERS : DATA
    return 0
  }

  /**
   * Trailers are rare and small: what has come of them is gathered in a buffer of its own and walked there, so that the
   * spans and the input need not hold still. The section without trailers, CR LF, is seen at once.
   */
  #takeTrailers(buffer: Buffer, end: number): number {
    const start = this.position
    if (this.#section === null) {
      if (end - start >= 2 && buffer[start] === CR && buffer[start + 1] === LF) {
        this.position = start + 2
        this.#state = ENDED
        return CHUNK_END
      }
      this.#section = Buffer.allocUnsafeSlow(this.#limits.trailerBytesMax + emptyLineBytes)
      this.#sectionBytes = 0
      this.#progress.reset()
    }
    const section = this.#section
    const held = this.#sectionBytes
    const taken = buffer.copy(section, held, start, end)
    this.#sectionBytes = held + taken
    const isWorth = this.#progress.isWorthWalking(section, 0, held + taken, section.length)
    const verdict = isWorth ? this.#walkTrailers(section, held + taken) : CHUNK_MORE
    if (verdict < 0) return verdict
    if (verdict === FIELDS_WHOLE) {
      this.position = start + this.#progress.walked - held
      this.#section = null
      this.#state = ENDED
      return CHUNK_END
    }
    this.position = start + taken
    return held + taken === section.length ? -Faults.TRAILER_TOO_LARGE : CHUNK_MORE
  }

  #walkTrailers(section: Buffer, end: number): number {
    const verdict = walkFieldLines(section, 0, end, this.trailers, this.#progress, this.#limits.fieldsMax)
    if (verdict < 0)
      return verdict === -Faults.FIELDS_TOO_MANY ? -Faults.TRAILER_TOO_LARGE : -Faults.TRAILER_BAD
    if (verdict !== FIELDS_WHOLE) return verdict
    const { trailers } = this
    trailers.text = section.toString('latin1', 0, this.#progress.walked)
    cleanTrailers(trailers)
    return FIELDS_WHOLE
  }
}
