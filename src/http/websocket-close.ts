/**
 * How an intermediary closes a WebSocket (RFC 6455 §5.2, §5.5.1, §7.4.1): with a Close frame of 1001 (going away),
 * inserted where a frame of that direction ends. In the middle of another frame it would be read as part of the
 * payload.
 *
 * `FrameWalk` finds these ends. It costs a few operations per frame and touches no payload byte. A control frame may
 * stand between the fragments of a message, so the end of any frame will do.
 */

/** 1001: an endpoint is going away, such as a server going down. */
const goingAway = 1001

/** The frame as a server sends it: unmasked. */
export function closeFrameToClient(): Buffer {
  return Buffer.from([0x88, 0x02, goingAway >> 8, goingAway & 0xff])
}

/**
 * The frame as a client sends it: masked. The mask need not be secret here: it protects caches against chosen
 * payloads.
 */
export function closeFrameToOrigin(): Buffer {
  const mask = [0x4a, 0x91, 0x2c, 0xe7] as const
  return Buffer.from([0x88, 0x82, ...mask, (goingAway >> 8) ^ mask[0], (goingAway & 0xff) ^ mask[1]])
}

/** The longest header: two bytes, eight of length, four of mask. */
const headerBytesMax = 14
const closeOpcode = 0x8

/** Follows the frames of one direction. */
export class FrameWalk {
  readonly #header: Uint8Array = new Uint8Array(headerBytesMax)
  #headerBytes = 0
  #payloadLeft = 0
  /** A Close frame has passed: nothing may follow it. */
  hasClosed = false

  /** Is it between two frames? */
  get isBetween(): boolean {
    return this.#headerBytes === 0 && this.#payloadLeft === 0
  }

  /** Walks over `buffer[start, end)`. */
  walk(buffer: Buffer, start: number, end: number): void {
    let at = start
    while (at < end) at = this.#step(buffer, at, end)
  }

  /** Walks to the first end of a frame and gives its place; -1 when there is none in `buffer[start, end)`. */
  walkToEnd(buffer: Buffer, start: number, end: number): number {
    let at = start
    while (at < end) {
      at = this.#step(buffer, at, end)
      if (this.isBetween) return at
    }
    return -1
  }

  /** Skips a payload, as far as it is there, or one byte of a header. */
  #step(buffer: Buffer, at: number, end: number): number {
    if (this.#payloadLeft > 0) {
      const taken = Math.min(this.#payloadLeft, end - at)
      this.#payloadLeft -= taken
      return at + taken
    }
    this.#header[this.#headerBytes++] = buffer[at] as number
    if (this.#headerBytes >= 2 && this.#headerBytes === this.#headerLength()) {
      this.#payloadLeft = this.#payloadLength()
      if (((this.#header[0] as number) & 0x0f) === closeOpcode) this.hasClosed = true
      this.#headerBytes = 0
    }
    return at + 1
  }

  #headerLength(): number {
    const second = this.#header[1] as number
    const short = second & 0x7f
    return 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + ((second & 0x80) === 0 ? 0 : 4)
  }

  #payloadLength(): number {
    const short = (this.#header[1] as number) & 0x7f
    if (short < 126) return short
    let length = 0
    for (let i = 2; i < (short === 126 ? 4 : 10); i++) length = length * 256 + (this.#header[i] as number)
    return length
  }
}
