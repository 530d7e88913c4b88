/**
 * Wire: pairs of Transports in memory, which deliver when the test says `run()`. It keeps the promises of
 * src/net/transport.ts and is as harsh as they allow: lent bytes are spoilt when the call returns, FIN and RST are not
 * noticed while reads are paused, and who closes with bytes unread resets its peer.
 */
import type { ClientSecurity } from '../../src/net/security.ts'
import type { Connector, Transport, TransportAddress, TransportEvents } from '../../src/net/transport.ts'

const poison = 0xdb
const silent: TransportEvents = { onBytes() {}, onDrain() {}, onEnd() {}, onClose() {} }

export class WireEnd implements Transport {
  events: TransportEvents = silent
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string = '127.0.0.1'
  readonly localPort: number = 8080
  readonly encrypted: boolean = false
  readonly protocol: string = ''
  readonly serverName: string = ''
  bytesRead = 0
  isOpen = true
  isPaused = false
  peer: WireEnd = this
  readonly wire: Wire
  /** At most so many bytes arrive at once. */
  splitBytes = Infinity
  /** What it writes stays unsent: its kernel takes nothing. */
  isStalled = false
  /** Room of the kernels between the two, for what this end writes and the peer has not read. */
  kernelBytes = 1024 * 1024
  /** From here on a write returns false. */
  unsentBytesHigh = 64 * 1024
  /** How many times bytes left together. */
  sends = 0
  /** How this end was closed by its owner: '', 'destroy' or 'reset'. */
  closedBy = ''
  isClosed = false
  #handedBytes = 0
  #staged: Buffer[] = []
  #unsent: Buffer = Buffer.alloc(0)
  #inbox: Buffer = Buffer.alloc(0)
  #needsDrain = false
  #isEnding = false
  #isFinSent = false
  #isFinDelivered = false
  #error: string | null = null

  constructor(wire: Wire, remoteAddress: string, remotePort: number) {
    this.wire = wire
    this.remoteAddress = remoteAddress
    this.remotePort = remotePort
  }

  get #stagedBytes(): number {
    return this.#staged.reduce((sum, piece) => sum + piece.length, 0)
  }

  get unsentBytes(): number {
    return this.#stagedBytes + this.#unsent.length
  }

  get bytesWritten(): number {
    return this.#handedBytes - this.unsentBytes
  }

  /** Bytes that wait in the kernel to be read by this end. */
  get unreadBytes(): number {
    return this.#inbox.length
  }

  writeText(text: string): boolean {
    return this.#write(Buffer.from(text, 'latin1'))
  }

  writeBytes(buffer: Buffer, start: number, end: number): boolean {
    return this.#write(Buffer.from(buffer.subarray(start, end)))
  }

  #write(bytes: Buffer): boolean {
    if (!this.isOpen || this.#isEnding || bytes.length === 0) return true
    this.#handedBytes += bytes.length
    this.#staged.push(bytes)
    if (this.unsentBytes < this.unsentBytesHigh) return true
    this.flush()
    if (this.#unsent.length < this.unsentBytesHigh) return true
    this.#needsDrain = true
    return false
  }

  flush(): void {
    if (this.#staged.length === 0) return
    this.#unsent = Buffer.concat([this.#unsent, ...this.#staged])
    this.#staged = []
    this.sends++
    this.#moveToKernel()
  }

  /** Gives the kernels what they have room for. True: something moved. */
  #moveToKernel(): boolean {
    const room = this.isStalled ? 0 : Math.max(0, this.kernelBytes - this.peer.#inbox.length)
    const taken = Math.min(room, this.#unsent.length)
    if (taken === 0) return false
    if (!this.peer.isOpen) {
      // Written to one that has closed.
      this.#unsent = Buffer.alloc(0)
      this.#error ??= 'ECONNRESET'
      return true
    }
    this.peer.#inbox = Buffer.concat([this.peer.#inbox, this.#unsent.subarray(0, taken)])
    this.#unsent = this.#unsent.subarray(taken)
    return true
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  end(): void {
    this.flush()
    this.#isEnding = true
  }

  destroy(): void {
    this.#close('destroy')
  }

  reset(): void {
    this.#close('reset')
  }

  #close(how: string): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.closedBy = how
    this.#staged = []
    if (how === 'reset' || this.#inbox.length > 0) {
      this.peer.#error ??= 'ECONNRESET'
      this.peer.#inbox = Buffer.alloc(0)
    } else {
      // What the kernel has still arrives, then FIN.
      this.#isFinSent = true
    }
    this.#unsent = Buffer.alloc(0)
    this.#inbox = Buffer.alloc(0)
  }

  /** The network breaks, seen from this end. */
  break(error: string): void {
    this.#error ??= error
  }

  /** Delivers one event, if there is one. */
  step(): boolean {
    if (this.isClosed) return false
    if (!this.isOpen) return this.#deliverClose('')
    if (this.#staged.length > 0) {
      this.flush()
      return true
    }
    if (this.#moveToKernel()) return true
    if (this.#isEnding && !this.#isFinSent && this.#unsent.length === 0) {
      this.#isFinSent = true
      return true
    }
    if (this.#needsDrain && this.unsentBytes === 0) {
      this.#needsDrain = false
      this.events.onDrain()
      return true
    }
    if (this.isPaused) return false
    if (this.#inbox.length > 0) return this.#deliverBytes()
    if (this.#error !== null) return this.#deliverClose(this.#error)
    if (this.peer.#isFinSent && !this.#isFinDelivered) {
      this.#isFinDelivered = true
      this.events.onEnd()
      return true
    }
    if (this.#isFinSent && this.#isFinDelivered) return this.#deliverClose('')
    return false
  }

  #deliverBytes(): boolean {
    const count = Math.min(this.splitBytes, this.#inbox.length, this.wire.lent.length - 7)
    const { lent } = this.wire
    this.#inbox.copy(lent, 7, 0, count)
    this.#inbox = this.#inbox.subarray(count)
    this.bytesRead += count
    this.events.onBytes(lent, 7, 7 + count)
    lent.fill(poison, 0, 7 + count)
    return true
  }

  #deliverClose(error: string): boolean {
    this.isOpen = false
    this.isClosed = true
    this.events.onClose(error)
    return true
  }
}

/** A transport that is being connected. */
interface Dialing {
  readonly near: WireEnd
  readonly far: WireEnd
  readonly address: TransportAddress
  readonly onConnect: () => void
}

export class Wire implements Connector {
  readonly ends: WireEnd[] = []
  /** The one buffer that all bytes are lent from. */
  readonly lent: Buffer = Buffer.alloc(64 * 1024 + 7, poison)
  readonly dialing: Dialing[] = []
  /** Who takes a connection to an origin; null leaves it hanging, a text is the error that it ends with. */
  accept: (far: WireEnd, address: TransportAddress) => string | null | void = () => 'ECONNREFUSED'

  /** Two ends: the near one is the engine's, the far one the test's. */
  pair(remoteAddress = '192.0.2.7', remotePort = 40_000): [near: WireEnd, far: WireEnd] {
    const near = new WireEnd(this, remoteAddress, remotePort)
    const far = new WireEnd(this, '127.0.0.1', 8080)
    near.peer = far
    far.peer = near
    this.ends.push(near, far)
    return [near, far]
  }

  connect(
    address: TransportAddress,
    events: TransportEvents,
    onConnect: () => void,
    _security?: ClientSecurity | null,
    opening?: Buffer | null,
  ): Transport {
    const [near, far] = this.pair(address.host, address.port)
    near.events = events
    const begin = (): void => {
      if (opening != null) near.writeBytes(opening, 0, opening.length)
      onConnect()
    }
    this.dialing.push({ near, far, address, onConnect: begin })
    return near
  }

  /** Delivers all there is to deliver. Throws when it never comes to rest. */
  run(): void {
    for (let count = 0; this.#step(); count++) {
      if (count > 1_000_000) throw new Error('the wire does not come to rest')
    }
  }

  #step(): boolean {
    const next = this.dialing.shift()
    if (next !== undefined) {
      this.#connect(next)
      return true
    }
    let isMoved = false
    for (const end of this.ends) if (end.step()) isMoved = true
    for (let i = this.ends.length - 1; i >= 0; i--)
      if (this.ends[i]?.isClosed === true) this.ends.splice(i, 1)
    return isMoved
  }

  #connect({ near, far, address, onConnect }: Dialing): void {
    if (!near.isOpen) return
    const error = this.accept(far, address)
    if (error === null) return
    if (error === undefined) onConnect()
    else near.break(error)
  }
}

/** The far end in a test: keeps what it hears, and says what it is told to. */
export class Peer implements TransportEvents {
  readonly end: WireEnd
  text = ''
  hasEnded = false
  /** How it was closed; null while open. */
  closed: string | null = null

  constructor(end: WireEnd) {
    this.end = end
    end.events = this
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    this.text += buffer.toString('latin1', start, end)
  }

  onDrain(): void {}

  onEnd(): void {
    this.hasEnded = true
  }

  onClose(error: string): void {
    this.closed = error
  }

  /** Sends text and has everything delivered. */
  say(text: string): void {
    this.end.writeText(text)
    this.end.wire.run()
  }

  /** What it heard since it was last asked. */
  take(): string {
    const { text } = this
    this.text = ''
    return text
  }
}
