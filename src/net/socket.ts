/**
 * SocketTransport: one of Node's TCP or unix sockets as a Transport.
 *
 * It moves bytes in one of two ways that look the same from outside (test/unit/net/transport-suite.ts runs over
 * both): with a handle (one read buffer for all, writes straight to the descriptor, see node-handle.ts), or plainly
 * ('data' and `socket.write`), which is also how a TLS socket works.
 *
 * Invariants:
 * - Nothing overtakes what waits in Node's queue: bytes are written directly only while `writableLength` is 0.
 * - `socket.end()` is called only when nothing waits, because a reset during a pending shutdown fails and leaks the
 *   handle (libuv then refuses SO_LINGER).
 * - After a write failed because the peer is gone, reading goes on to the end of what the peer had sent before: the
 *   early answer to an upload may be there. Then comes `onClose('ECONNRESET')`, never `onEnd`.
 */
import { unacknowledgedBytes } from './kernel-queue.ts'
import { getSystemErrorName } from 'node:util'
import { descriptorOf, writeDirectly } from './node-handle.ts'
import type { Carrier, CarrierSocket, SocketMode } from './node-handle.ts'
import { giveBackBlock, remainderBytesLeast, takeBlock } from './remainders.ts'
import type { ProxyHeader } from './proxy-header.ts'
import {
  dropStageOf,
  enterEvent,
  leaveEvent,
  sendStageOf,
  stageBytes,
  stageBytesMax,
  stagedBytes,
  stageText,
  takeStageOf,
  type StageOwner,
} from './stage.ts'
import { tellBytes, tellDrain, tellEnd } from './telling.ts'
import type { Transport, TransportEvents } from './transport.ts'

/** From here on copying costs more than another system call would: the bytes go to the kernel from where they are. */
export const largeWriteBytes = 16 * 1024

/**
 * Unsent bytes from which a write returns false. The kernel holds some hundred KiB (loopback: 2.5 MiB) besides: who
 * has not taken 64 KiB more is slow, and holding more for him gains nothing.
 */
export const unsentBytesHigh = 64 * 1024

/** Whoever counts a transport: told once, after `onClose`. */
export interface TransportHome {
  onTransportClosed(transport: SocketTransport): void
}

/** Events that nobody hears. */
export const nobody: TransportEvents = { onBytes() {}, onDrain() {}, onEnd() {}, onClose() {} }

export class SocketTransport implements Transport, Carrier, StageOwner {
  events: TransportEvents = nobody
  home: TransportHome | null = null
  encrypted = false
  protocol = ''
  serverName = ''
  introduction: ProxyHeader | null = null
  isPaused = false
  bytesRead = 0
  readonly #socket: CarrierSocket
  /** Where direct writes go; -1: through the socket. */
  #descriptor = -1
  #handedBytes = 0
  /** Hold what Node still has to write; given back when it has. */
  readonly #blocks: Buffer[] = []
  /** Somebody was told to hold on, and is to be told when to go on. */
  #isHeldUp = false
  #isEnding = false
  /** The peer has sent FIN. */
  #isEnded = false
  /** The peer does not take writes any more; see the invariants. */
  #isBroken = false
  #isClosing = false
  #isClosed = false
  #error = ''
  #remote: { address: string; port: number } | null = null
  #local: { address: string; port: number } | null = null

  /** Takes `socket` over. It must be connected for `mode` 'handle' to write directly; else call `connected`. */
  constructor(socket: CarrierSocket, mode: SocketMode) {
    this.#socket = socket
    socket.carrier = this
    socket.on('end', onSocketEnd)
    socket.on('error', onSocketError)
    socket.on('close', onSocketClose)
    socket.on('drain', onSocketDrain)
    if (mode === 'plain') {
      socket.on('data', onSocketData)
      // An accepted socket comes paused, so that nothing is read before somebody listens.
      socket.resume()
    } else if (!socket.connecting) {
      this.#descriptor = descriptorOf(socket)
    }
  }

  /** The socket has connected: what was staged before is on its way, and from now on writes go straight. */
  connected(mode: SocketMode): void {
    if (mode === 'handle') this.#descriptor = descriptorOf(this.#socket)
  }

  get relayAddress(): string {
    return this.introduction === null ? '' : this.#peer().address
  }

  introduce(header: ProxyHeader): void {
    this.introduction = header
    this.encrypted = header.isEncrypted
    this.protocol = header.alpn
    this.serverName = header.authority.toLowerCase()
  }

  /** For what speaks over the same descriptor: null while there is none, or in the plain way. */
  get socket(): CarrierSocket | null {
    return this.#descriptor === -1 ? null : this.#socket
  }

  get remoteAddress(): string {
    return this.#told?.sourceAddress ?? this.#peer().address
  }

  get remotePort(): number {
    return this.#told?.sourcePort ?? this.#peer().port
  }

  get localAddress(): string {
    return this.#told?.destinationAddress ?? this.#self().address
  }

  get localPort(): number {
    return this.#told?.destinationPort ?? this.#self().port
  }

  get arrivedAt(): { readonly address: string; readonly port: number } {
    return this.#self()
  }

  /** Whose addresses hold instead of the socket's own. A client behind a unix socket has none, which is told as well. */
  get #told(): ProxyHeader | null {
    return this.introduction?.isLocal === false ? this.introduction : null
  }

  get unsentBytes(): number {
    return stagedBytes(this) + this.#socket.writableLength
  }

  get bytesWritten(): number {
    return this.#handedBytes - this.#socket.writableLength
  }

  unacknowledgedBytes(): number {
    // Node closes the descriptor as it destroys the socket, and its number may be another connection's by now.
    return this.#socket.destroyed ? -1 : unacknowledgedBytes(this.#descriptor)
  }

  get isOpen(): boolean {
    return !this.#isClosing && !this.#socket.destroyed
  }

  writeText(text: string): boolean {
    if (!this.#isWritable()) return true
    if (text.length > stageBytesMax) {
      const bytes = Buffer.from(text, 'latin1')
      return this.writeBytes(bytes, 0, bytes.length)
    }
    stageText(this, text)
    return this.#hasRoom()
  }

  writeBytes(buffer: Buffer, start: number, end: number): boolean {
    if (!this.#isWritable() || end <= start) return true
    if (end - start < largeWriteBytes) stageBytes(this, buffer, start, end)
    else this.#writeLarge(buffer, start, end)
    return this.#hasRoom()
  }

  flush(): void {
    sendStageOf(this)
  }

  pause(): void {
    if (this.isPaused) return
    this.isPaused = true
    this.#socket.pause()
  }

  resume(): void {
    if (!this.isPaused) return
    this.isPaused = false
    if (!this.#socket.destroyed) this.#socket.resume()
  }

  end(): void {
    if (!this.#isWritable()) return
    sendStageOf(this)
    this.#isEnding = true
    if (this.#socket.writableLength === 0) this.#socket.end()
  }

  destroy(): void {
    this.#close(false)
  }

  reset(): void {
    this.#close(true)
  }

  // The stage's side

  sendStaged(buffer: Buffer, length: number): void {
    if (this.#isWritable()) this.#send(null, buffer, 0, length)
  }

  // The socket's side

  onSocketBytes(buffer: Buffer, start: number, end: number): void {
    this.bytesRead += end - start
    if (this.#isClosing) return
    tellBytes(this.events, buffer, start, end)
  }

  onSocketDrained(): void {
    const socket = this.#socket
    if (socket.writableLength > 0 || socket.destroyed) return
    for (let block = this.#blocks.pop(); block !== undefined; block = this.#blocks.pop()) giveBackBlock(block)
    if (this.#isEnding) {
      if (!socket.writableEnded) socket.end()
    }
    if (!this.#isHeldUp || this.#isClosing) return
    this.#isHeldUp = false
    tellDrain(this.events)
  }

  onSocketEnded(): void {
    this.#isEnded = true
    if (this.#isClosing) return
    if (this.#isBroken) {
      this.destroy()
      return
    }
    tellEnd(this.events)
  }

  onSocketFailed(code: string): void {
    // One name for "the peer is gone", whether the kernel said it at a read or at a write.
    if (this.#error === '' && !this.#isClosing) this.#error = code === 'EPIPE' ? 'ECONNRESET' : code
  }

  onSocketClosed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#isClosing = true
    dropStageOf(this)
    enterEvent()
    try {
      this.events.onClose(this.#error)
      this.home?.onTransportClosed(this)
    } finally {
      this.events = nobody
      this.home = null
      leaveEvent()
    }
  }

  #isWritable(): boolean {
    return !this.#isEnding && !this.#isBroken && !this.#isClosing && !this.#socket.destroyed
  }

  #hasRoom(): boolean {
    if (this.unsentBytes < unsentBytesHigh) return true
    // A full stage alone is no reason to hold on: it leaves now, and often whole.
    sendStageOf(this)
    if (this.#socket.writableLength < unsentBytesHigh) return true
    this.#isHeldUp = true
    return false
  }

  #writeLarge(buffer: Buffer, start: number, end: number): void {
    if (this.#descriptor === -1 || this.#socket.writableLength > 0) {
      sendStageOf(this)
      this.#send(null, buffer, start, end)
    } else if (stagedBytes(this) > 0) {
      this.#send(takeStageOf(this), buffer, start, end)
    } else {
      this.#send(null, buffer, start, end)
    }
  }

  /** Hands `head` and `buffer[start, end)` to the kernel, and copies what it does not take into Node's queue. */
  #send(head: Buffer | null, buffer: Buffer, start: number, end: number): void {
    const headBytes = head === null ? 0 : head.length
    const socket = this.#socket
    this.#handedBytes += headBytes + end - start
    let taken = 0
    if (this.#descriptor !== -1 && socket.writableLength === 0) {
      taken = writeDirectly(socket, this.#descriptor, head, buffer, start, end)
      if (taken < 0) return this.#break(getSystemErrorName(taken))
      if (taken === headBytes + end - start) return
    }
    if (head !== null && taken < headBytes) socket.write(Buffer.from(head.subarray(taken)))
    this.#queue(buffer, start + Math.max(0, taken - headBytes), end)
  }

  /** Leaves a copy with Node, to be written when the kernel has room. */
  #queue(buffer: Buffer, start: number, end: number): void {
    const bytes = end - start
    if (bytes < remainderBytesLeast) {
      this.#socket.write(Buffer.from(buffer.subarray(start, end)))
      return
    }
    const block = takeBlock(bytes)
    buffer.copy(block, 0, start, end)
    this.#blocks.push(block)
    this.#socket.write(block.subarray(0, bytes))
  }

  #break(code: string): void {
    this.onSocketFailed(code)
    this.#isBroken = true
    // Without reading nobody would see the end; and other errors do not end the reading.
    const isReading = !this.isPaused && !this.#isEnded
    if (!isReading || this.#error !== 'ECONNRESET') this.#socket.destroy()
  }

  #close(withReset: boolean): void {
    if (this.#isClosing) return
    this.#isClosing = true
    dropStageOf(this)
    const socket = this.#socket
    if (withReset && !socket.destroyed && this.#canReset()) socket.resetAndDestroy()
    else socket.destroy()
  }

  /**
   * A unix socket cannot, nor one that has not connected (Node would wait for it to), nor one whose FIN is on its way:
   * libuv refuses that (EINVAL), and Node would leave the handle open for good. Nothing was left to send then.
   */
  #canReset(): boolean {
    const socket = this.#socket
    const isFinishing = socket.writableEnded && !socket.writableFinished
    return !isFinishing && !socket.connecting && socket.remotePort !== undefined
  }

  #peer(): { address: string; port: number } {
    const { remoteAddress, remotePort } = this.#socket
    if (remoteAddress === undefined) return this.#remote ?? nowhere
    return (this.#remote ??= { address: unmapped(remoteAddress), port: remotePort ?? 0 })
  }

  #self(): { address: string; port: number } {
    if (this.#local !== null) return this.#local
    const { localAddress, localPort } = this.#socket
    if (localAddress === undefined || localPort === undefined) return nowhere
    return (this.#local = { address: unmapped(localAddress), port: localPort })
  }
}

const nowhere = { address: '', port: 0 }

/** IPv4 in the clothes of IPv6 (RFC 4291 §2.5.5.2) as IPv4: one client has one name. */
function unmapped(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

const transportOf = (socket: CarrierSocket): SocketTransport => socket.carrier as SocketTransport

function onSocketData(this: CarrierSocket, bytes: Buffer): void {
  transportOf(this).onSocketBytes(bytes, 0, bytes.length)
}

function onSocketEnd(this: CarrierSocket): void {
  transportOf(this).onSocketEnded()
}

function onSocketError(this: CarrierSocket, error: NodeJS.ErrnoException): void {
  transportOf(this).onSocketFailed(error.code ?? 'EIO')
}

function onSocketClose(this: CarrierSocket): void {
  transportOf(this).onSocketClosed()
}

function onSocketDrain(this: CarrierSocket): void {
  transportOf(this).onSocketDrained()
}
