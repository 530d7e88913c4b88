/**
 * A seeded wire: two Transports joined by virtual kernels, which split, delay, stall, cut and reset as the world's
 * random numbers say. It keeps the promises of src/net/transport.ts and is as nasty as they allow: bytes that were
 * lent are overwritten when the call returns, FIN and RST are not noticed while reads are paused.
 */
import type { Connector, Transport, TransportAddress, TransportEvents } from '../../src/net/transport.ts'
import type { World } from './world.ts'

const poison = 0xdb

export interface LinkOptions {
  /** Room of the virtual kernels in each direction. */
  readonly kernelBytes: number
  readonly delayMsMax: number
  readonly chunkBytesMax: number
}

/** One direction: unsent at the writer → kernel → reader. */
class Pipe {
  unsent: Buffer[] = []
  unsentBytes = 0
  kernel: Buffer[] = []
  kernelBytes = 0
  isDelivering = false
  fin = false
  finDelivered = false
  isStalled = false
}

export class SimTransport implements Transport {
  events: TransportEvents
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress = '127.0.0.1'
  readonly localPort = 8080
  readonly encrypted = false
  readonly protocol: string = ''
  readonly serverName: string = ''
  bytesRead = 0
  bytesWritten = 0
  isOpen = true
  isPaused = false
  isClosed = false
  /** An end of ours, whose writers must heed its back-pressure. */
  isNear = false
  peer: SimTransport | null = null
  readonly out: Pipe = new Pipe()
  readonly wire: SimWire
  readonly options: LinkOptions
  name = ''
  #staged: Buffer[] = []
  #stagedBytes = 0
  #needsDrain = false
  #pendingError: string | null = null

  constructor(wire: SimWire, options: LinkOptions, remoteAddress: string, remotePort: number) {
    this.wire = wire
    this.options = options
    this.remoteAddress = remoteAddress
    this.remotePort = remotePort
    this.events = silent
  }

  get unsentBytes(): number {
    return this.#stagedBytes + this.out.unsentBytes
  }

  writeText(text: string): boolean {
    return this.#write(Buffer.from(text, 'latin1'))
  }

  writeBytes(buffer: Buffer, start: number, end: number): boolean {
    return this.#write(Buffer.from(buffer.subarray(start, end)))
  }

  #write(bytes: Buffer): boolean {
    if (!this.isOpen || this.out.fin) return true
    this.#staged.push(bytes)
    this.#stagedBytes += bytes.length
    this.wire.staged.add(this)
    if (this.isNear) this.wire.unsentBytesPeak = Math.max(this.wire.unsentBytesPeak, this.unsentBytes)
    const isFull = this.unsentBytes > this.wire.highWaterBytes
    if (isFull) this.#needsDrain = true
    return !isFull
  }

  flush(): void {
    if (this.#stagedBytes === 0) return
    this.out.unsent.push(...this.#staged)
    this.out.unsentBytes += this.#stagedBytes
    this.#staged = []
    this.#stagedBytes = 0
    this.wire.staged.delete(this)
    this.moveToKernel()
  }

  /** Moves what fits into the kernel, and has it delivered. */
  moveToKernel(): void {
    const pipe = this.out
    let room = this.options.kernelBytes - pipe.kernelBytes
    while (room > 0 && pipe.unsent.length > 0) {
      const piece = pipe.unsent[0] as Buffer
      const taken = piece.subarray(0, room)
      if (taken.length === piece.length) pipe.unsent.shift()
      else pipe.unsent[0] = piece.subarray(taken.length)
      pipe.kernel.push(taken)
      pipe.kernelBytes += taken.length
      pipe.unsentBytes -= taken.length
      this.bytesWritten += taken.length
      room -= taken.length
    }
    if (this.#needsDrain && this.unsentBytes === 0) {
      this.#needsDrain = false
      this.wire.world.after(0, () => {
        if (this.isOpen && !this.isClosed) this.events.onDrain()
      })
    }
    this.schedule()
  }

  /** Has the next piece delivered to the peer. */
  schedule(): void {
    const pipe = this.out
    const peer = this.peer
    if (peer === null || pipe.isDelivering || pipe.isStalled) return
    if (peer.isClosed && this.isOpen && pipe.kernelBytes > 0) {
      this.wire.world.after(this.options.delayMsMax, () => this.#noticeLater('ECONNRESET'))
      return
    }
    if (peer.isPaused || peer.isClosed) return
    if (pipe.kernelBytes === 0 && (!pipe.fin || pipe.finDelivered)) return
    pipe.isDelivering = true
    const random = this.wire.world.random
    this.wire.world.after(random.chance(0.5) ? 0 : random.next() * this.options.delayMsMax, () => {
      pipe.isDelivering = false
      this.#deliver()
    })
  }

  #deliver(): void {
    const pipe = this.out
    const peer = this.peer as SimTransport
    if (pipe.isStalled || peer.isPaused || peer.isClosed) return
    if (pipe.kernelBytes === 0) {
      if (!pipe.fin || pipe.finDelivered || this.unsentBytes > 0) return
      pipe.finDelivered = true
      this.wire.trace(this, 'FIN')
      if (peer.isOpen) peer.events.onEnd()
      return peer.closeIfBothEnded()
    }
    const random = this.wire.world.random
    const wanted = random.chance(0.3) ? pipe.kernelBytes : random.between(1, this.options.chunkBytesMax)
    const pieces: Buffer[] = []
    let count = 0
    while (count < wanted && pipe.kernel.length > 0) {
      const piece = pipe.kernel[0] as Buffer
      const taken = piece.subarray(0, wanted - count)
      if (taken.length === piece.length) pipe.kernel.shift()
      else pipe.kernel[0] = piece.subarray(taken.length)
      pieces.push(taken)
      count += taken.length
    }
    pipe.kernelBytes -= count
    this.wire.trace(this, 'bytes', Buffer.concat(pieces))
    peer.bytesRead += count
    if (peer.isOpen) this.wire.lend(peer.events, pieces, count)
    this.moveToKernel()
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    if (!this.isPaused) return
    this.isPaused = false
    if (this.#pendingError !== null) this.fail(this.#pendingError)
    else this.peer?.schedule()
  }

  end(): void {
    if (!this.isOpen || this.out.fin) return
    this.flush()
    this.out.fin = true
    this.schedule()
    this.closeIfBothEnded()
  }

  closeIfBothEnded(): void {
    if (!this.isOpen || !this.out.fin || this.peer?.out.finDelivered !== true) return
    if (this.unsentBytes === 0) this.#close('')
    else this.wire.world.after(5, () => this.closeIfBothEnded())
  }

  destroy(): void {
    if (!this.isOpen) return
    this.#staged = []
    this.#stagedBytes = 0
    this.wire.staged.delete(this)
    this.out.unsent = []
    this.out.unsentBytes = 0
    this.out.fin = true
    this.#close('')
    // A close with bytes unread, or with bytes still coming, is a reset for the peer when those bytes arrive.
    const peer = this.peer
    if (peer === null) return
    this.schedule()
    this.wire.world.after(this.options.delayMsMax * 2 + 1, () => peer.breakOnceRead())
  }

  /** The peer has closed: a write, or what cannot be delivered any more, ends in an error. */
  breakOnceRead(): void {
    if (this.isClosed) return
    if (this.peer !== null && this.peer.out.kernelBytes > 0) {
      this.wire.world.after(1 + this.options.delayMsMax, () => this.breakOnceRead())
      // Paused for long: nothing is noticed until reading goes on.
      return
    }
    if (this.unsentBytes > 0 || this.out.kernelBytes > 0) this.#noticeLater('ECONNRESET')
  }

  reset(): void {
    if (!this.isOpen) return
    this.#staged = []
    this.#stagedBytes = 0
    this.wire.staged.delete(this)
    this.#close('')
    const peer = this.peer
    if (peer === null) return
    this.out.unsent = this.out.kernel = []
    this.out.unsentBytes = this.out.kernelBytes = 0
    this.wire.world.after(this.wire.world.random.next() * this.options.delayMsMax, () =>
      peer.#noticeLater('ECONNRESET'),
    )
  }

  #noticeLater(error: string): void {
    // Node sees neither FIN nor RST while reads are paused; a failing write is seen.
    if (this.isPaused && this.unsentBytes === 0) this.#pendingError = error
    else this.fail(error)
  }

  /** The wire breaks. */
  fail(error: string): void {
    this.#close(error)
  }

  #close(error: string): void {
    if (!this.isOpen && this.isClosed) return
    const wasOpen = this.isOpen
    this.isOpen = false
    if (!wasOpen) return
    this.wire.staged.delete(this)
    this.wire.trace(this, `closed ${error}`)
    this.wire.world.after(0, () => {
      if (this.isClosed) return
      this.isClosed = true
      this.wire.open.delete(this)
      this.events.onClose(error)
    })
  }
}

export interface SimOriginSocket {
  accept(transport: SimTransport): void
}

export class SimWire implements Connector {
  readonly world: World
  readonly open: Set<SimTransport> = new Set()
  readonly staged: Set<SimTransport> = new Set()
  readonly highWaterBytes: number
  /** By port: who listens. Absent: refused. null: packets are swallowed. */
  readonly listeners: Map<number, SimOriginSocket | null> = new Map()
  linkCount = 0
  /** The largest amount that ever waited in an end of ours. */
  unsentBytesPeak = 0
  readonly #lent: Buffer = Buffer.alloc(256 * 1024, poison)
  readonly options: LinkOptions

  constructor(world: World, options: LinkOptions) {
    this.world = world
    this.options = options
    this.highWaterBytes = world.random.pick([4 * 1024, 16 * 1024, 64 * 1024])
    world.afterEvent.push(() => {
      for (const transport of this.staged) transport.flush()
    })
  }

  /** Two ends, the near one ours. */
  link(address: string, port: number): [SimTransport, SimTransport] {
    const near = new SimTransport(this, this.options, address, port)
    const far = new SimTransport(this, this.options, '127.0.0.1', 8080)
    const number = ++this.linkCount
    near.isNear = true
    near.name = `link ${number} edge→`
    far.name = `link ${number} →edge`
    near.peer = far
    far.peer = near
    this.open.add(near)
    this.open.add(far)
    return [near, far]
  }

  connect(address: TransportAddress, events: TransportEvents, onConnect: () => void): Transport {
    const [near, far] = this.link(address.host, address.port)
    near.events = events
    const delayMs = this.world.random.next() * this.options.delayMsMax
    this.world.after(delayMs, () => {
      if (!near.isOpen) return this.#forget(far)
      const listener = this.listeners.get(address.port)
      // Packets are swallowed: the near end waits for an answer that never comes.
      if (listener === null) return this.#forget(far)
      if (listener === undefined) {
        this.#forget(far)
        return near.fail('ECONNREFUSED')
      }
      listener.accept(far)
      onConnect()
    })
    return near
  }

  trace(from: SimTransport, what: string, bytes?: Buffer): void {
    const { trace } = this.world
    if (trace === null) return
    const text =
      bytes === undefined ? '' : ` ${bytes.length} ${JSON.stringify(bytes.toString('latin1').slice(0, 300))}`
    trace(`${this.world.nowMs().toFixed(1)} ${from.name} ${what}${text}`)
  }

  #forget(transport: SimTransport): void {
    transport.isOpen = false
    transport.isClosed = true
    this.open.delete(transport)
  }

  /** Bytes in the one shared buffer, spoilt as soon as the call returns. */
  lend(events: TransportEvents, pieces: Buffer[], count: number): void {
    const start = this.world.random.between(0, 64)
    let at = start
    for (const piece of pieces) at += piece.copy(this.#lent, at)
    events.onBytes(this.#lent, start, start + count)
    this.#lent.fill(poison, start, start + count)
  }
}

const silent: TransportEvents = { onBytes() {}, onDrain() {}, onEnd() {}, onClose() {} }
