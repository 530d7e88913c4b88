/**
 * THE file that knows what Node does not document about its sockets. It relies on three things, and `chooseSockets`
 * (socket-mode.ts) checks each with a real connection before anything uses it. If one is missing, everything goes the
 * documented way ('plain'), which is slower but serves the same.
 *
 * - `new net.Socket({ handle, onread })`: a socket over an accepted handle that reads into our own memory. One read
 *   buffer for the whole process saves an allocation per read (measured: 1.9 µs of 5.7 µs per proxied request).
 * - `handle.onconnection` of a listening handle: gives us the accepted handle itself, before Node wraps it in a
 *   socket that nobody wants. A socket made from it has no `_server`, so the listener counts.
 * - `handle.fd`: the descriptor, so that `fs.writeSync` can write straight from borrowed memory. It tells how much
 *   the kernel took (`socket.write()` does not: true says nothing about the kernel), so only the rest is copied.
 *   Measured: for 1 KiB it costs the same as socket.write (1.1 µs of user time); for 64 KiB and more it takes 20 to
 *   40 % less CPU than copying first, with no buffers to lend, pin and give back.
 *
 * The danger of a descriptor is that it is used after it was closed, when its number may mean another connection.
 * Node closes it in `socket.destroy()` and nowhere else, and `socket.destroyed` is true from that moment:
 * `writeDirectly` checks it.
 */
import { writeSync, writevSync } from 'node:fs'
import { constants } from 'node:os'
import { Server, Socket, type SocketConstructorOpts } from 'node:net'

export type SocketMode = 'handle' | 'plain'

/**
 * The read buffer of the process. 256 KiB: a large body takes a third of the read and write calls that 64 KiB take,
 * and it stays in the processor's second cache; bytes in it are worth nothing after the event.
 */
export const readBufferBytes = 256 * 1024

/** What we use of Node's TCPWrap and PipeWrap. */
export interface SocketHandle {
  readonly fd?: number
  setNoDelay?(enable: boolean): number
  getpeername?(out: { address?: string }): number
  /** As close, and the peer is told by a reset. */
  reset?(): number
  close(): void
}

interface ListeningHandle {
  onconnection?: (this: unknown, status: number | undefined, handle?: SocketHandle) => void
}

/** Who gets the bytes that a CarrierSocket reads. */
export interface Carrier {
  onSocketBytes(buffer: Buffer, start: number, end: number): void
}

/** A socket that knows its transport, so that one callback serves all of them without a closure each. */
export class CarrierSocket extends Socket {
  carrier: Carrier | null = null
}

/** `this` is the socket: not documented, but so since onread exists; checked by the self-test. */
function onRead(this: unknown, byteCount: number, buffer: Uint8Array): boolean {
  const socket = this as CarrierSocket
  socket.carrier?.onSocketBytes(buffer as Buffer, 0, byteCount)
  return true
}

/** Where every socket of mode 'handle' reads into. */
export const readBuffer: Buffer = Buffer.allocUnsafeSlow(readBufferBytes)

function onreadOption(): { buffer: Buffer; callback: typeof onRead } {
  return { buffer: readBuffer, callback: onRead }
}

function socketOptions(mode: SocketMode): SocketConstructorOpts & { writableHighWaterMark: number } {
  return {
    allowHalfOpen: true,
    // 1: every write that is not taken at once is followed by 'drain'.
    writableHighWaterMark: 1,
    ...(mode === 'handle' ? { onread: onreadOption() } : {}),
  }
}

const handleOptions = socketOptions('handle')
const plainOptions = socketOptions('plain')

/** A socket over an accepted handle. */
export function socketOverHandle(handle: SocketHandle): CarrierSocket {
  handle.setNoDelay?.(true)
  return new CarrierSocket({ ...handleOptions, handle } as unknown as SocketConstructorOpts)
}

/** A socket that is going to connect. */
export function socketToConnect(mode: SocketMode): CarrierSocket {
  return new CarrierSocket(mode === 'handle' ? handleOptions : plainOptions)
}

/** The descriptor of a connected socket, or of an accepted handle; -1 when there is none to be had. */
export function descriptorOf(of: Socket | SocketHandle): number {
  const handle = of instanceof Socket ? (of as unknown as { _handle: SocketHandle | null })._handle : of
  return typeof handle?.fd === 'number' ? handle.fd : -1
}

/** The peer of an accepted connection; '' when it has none. */
export function peerAddressOf(of: Socket | SocketHandle): string {
  if (of instanceof Socket) return of.remoteAddress ?? ''
  const out: { address?: string } = {}
  of.getpeername?.(out)
  return out.address ?? ''
}

/** Drops an accepted connection, with a reset where that can be: it leaves nothing behind, not even a port in TIME_WAIT. */
export function dropAccepted(of: Socket | SocketHandle): void {
  if (of instanceof Socket) of.resetAndDestroy()
  else if (of.reset?.() !== 0) of.close()
}

/**
 * Puts `onHandle` in the place of Node's own way to accept. False when this server has no handle to do it with.
 * `status` is negative when accepting failed.
 */
export function takeAccepts(
  server: Server,
  onHandle: (status: number, handle: SocketHandle | null) => void,
): boolean {
  const listening = (server as unknown as { _handle: ListeningHandle | null })._handle
  if (listening === null || typeof listening.onconnection !== 'function') return false
  listening.onconnection = (status, handle) => onHandle(status ?? 0, handle ?? null)
  return true
}

/**
 * Makes `server` accept as we need it, in the documented way. The four are options of `net.createServer`; on a server
 * that was made elsewhere (and sent to this process) they can only be set as what Node keeps them in.
 */
export function takeConnections(server: Server, onSocket: (socket: CarrierSocket) => void): void {
  Object.assign(server, acceptOptions)
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => onSocket(Object.assign(socket, { carrier: null })))
}

export const acceptOptions = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true, highWaterMark: 1 }

/**
 * Writes what the kernel takes now of `head` (may be null) and `buffer[start, end)`, and says how many bytes that
 * was; negative: the error number of the system. Only while nothing waits in the socket, else the order is lost.
 */
export function writeDirectly(
  socket: Socket,
  descriptor: number,
  head: Buffer | null,
  buffer: Buffer,
  start: number,
  end: number,
): number {
  // Node has closed the descriptor, and may have given its number to another connection.
  if (socket.destroyed) return -constants.errno.ECONNRESET
  try {
    if (head === null) return writeSync(descriptor, buffer, start, end - start)
    return writevSync(descriptor, [head, buffer.subarray(start, end)])
  } catch (error) {
    const { code, errno = -constants.errno.EIO } = error as NodeJS.ErrnoException
    return code === 'EAGAIN' ? 0 : errno
  }
}
