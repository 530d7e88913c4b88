/**
 * Listener: accepts connections and hands them on as transports.
 *
 * It either listens itself or adopts a listening server that somebody else opened (workers get theirs from the
 * supervisor and share its accept queue). It counts its own connections: Node cannot do that for sockets that are
 * made from handles.
 *
 * Too many connections: what arrives while the owner `isFull`, or when descriptors run short, is accepted and closed
 * at once, unless `onCrowded` made room. It is not left waiting in the kernel's queue, for two reasons: Node cannot
 * stop accepting without closing the listening socket, and a client that is closed at once can try elsewhere at once,
 * while in the queue it sees a server that hangs.
 *
 * Descriptors: the kernel hands out the lowest free number, so the number of an accepted connection tells how many
 * are in use. Some are kept free for origins, logs and reloads (`descriptorReserve…`), so that accepting never runs
 * into EMFILE: libuv would then close connections silently (it keeps one descriptor in reserve to do so).
 */
import { chmodSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import type { FaultLevel } from '../core/faults.ts'
import { openFilesMax } from './descriptors.ts'
import { ListenError } from './listen-error.ts'
import {
  acceptOptions,
  descriptorOf,
  dropAccepted,
  peerAddressOf,
  socketOverHandle,
  takeAccepts,
  takeConnections,
  type CarrierSocket,
  type SocketHandle,
  type SocketMode,
} from './node-handle.ts'
import { chooseSockets } from './socket-mode.ts'
import { SocketTransport, type TransportHome } from './socket.ts'
import { enterEvent, leaveEvent } from './stage.ts'
import type { Transport, TransportAddress } from './transport.ts'
import { removeStaleSocket } from './unix-path.ts'

/** Of a unix socket: everybody may connect, as to a port; who may not is the folder's matter. */
export const pathModeDefault = 0o666
/** Descriptors kept for other things than accepted connections: an eighth of all, within these bounds. */
export const descriptorReserveLeast = 16
export const descriptorReserveMost = 256

/** Connections that the kernel holds until we come to them, unless net.core.somaxconn is smaller. nginx: 511. */
const backlogDefault = 4096

export interface ListenerOptions {
  /** A connection came. Set `transport.events` before returning; it reads from then on. */
  onTransport(transport: Transport): void
  /** Is there no room for another connection? `open` are those of this listener; its owner may have several. */
  isFull?(open: number): boolean
  /** Is anybody turned away? Then `turnsAway` is asked for each that comes, by its address ('' of a unix socket). */
  isTurningAway?(): boolean
  turnsAway?(address: string): boolean
  /** There is no room for the next connection. True: idle ones were closed, so that it can have theirs. */
  onCrowded?(): boolean
  /** Told with the line that there are too many; may take its time. */
  whoHolds?(): string
  /** A line for the log: at most one a second of each kind. */
  note?(level: FaultLevel, message: string): void
  readonly backlog?: number
  /** Permissions of a unix socket's file; `pathModeDefault` when absent. */
  readonly pathMode?: number
  /** For tests. By default what the self-test chose, and the system's limit. */
  readonly mode?: SocketMode
  readonly descriptorsMax?: number
}

export class Listener implements TransportHome {
  /** Open now. */
  connections = 0
  acceptedCount = 0
  /** Closed at once: for `isFull`, for want of descriptors; and what the system could not accept. */
  refusedCount = 0
  shortageCount = 0
  failedCount = 0
  readonly #options: ListenerOptions
  readonly #descriptorsUsable: number
  readonly #notedMs: Map<string, number> = new Map()
  #server: Server | null = null
  #path = ''

  constructor(options: ListenerOptions) {
    this.#options = options
    const most = options.descriptorsMax ?? openFilesMax()
    const reserve = Math.min(Math.max(descriptorReserveLeast, Math.floor(most / 8)), descriptorReserveMost)
    this.#descriptorsUsable = most - reserve
  }

  get isListening(): boolean {
    return this.#server?.listening === true
  }

  /** Where it listens; the port is the one that the system chose when 0 was asked for. */
  get address(): TransportAddress {
    const bound = this.#server?.address() ?? null
    if (bound === null || typeof bound === 'string') return { host: '', port: 0, path: bound ?? this.#path }
    return { host: bound.address, port: bound.port, path: '' }
  }

  /** The server, to be sent to a worker process. */
  get server(): Server | null {
    return this.#server
  }

  /**
   * Listens on `address`: host '' is every address (IPv6 and IPv4; IPv4 alone where IPv6 is off), port 0 any free one.
   * A unix socket's file is removed first when nobody answers on it. Rejects with a ListenError.
   */
  async listen(address: TransportAddress): Promise<void> {
    const server = createServer(acceptOptions)
    try {
      await listening(server, address, this.#options.backlog ?? backlogDefault)
    } catch (error) {
      throw new ListenError((error as NodeJS.ErrnoException).code ?? 'EIO', address)
    }
    this.#path = address.path
    if (address.path !== '') chmodSync(address.path, this.#options.pathMode ?? pathModeDefault)
    await this.adopt(server)
  }

  /** Accepts on a server that is listening already. It is this listener's from now on. */
  async adopt(server: Server): Promise<void> {
    this.#server = server
    server.on('error', (error: NodeJS.ErrnoException) => this.#failed(error.code ?? error.message))
    // Right away, in the documented way: connections may be waiting while the self-test runs.
    takeConnections(server, (socket) => this.#onSocket(socket))
    const mode = this.#options.mode ?? (await chooseSockets())
    if (mode === 'handle' && this.isListening) {
      takeAccepts(server, (status, handle) => this.#onHandle(status, handle))
    }
  }

  /** Stops accepting, and removes the file of a unix socket that `listen` made. Open connections live on. */
  close(): void {
    const server = this.#server
    this.#server = null
    server?.close()
  }

  onTransportClosed(): void {
    this.connections--
  }

  #onHandle(status: number, handle: SocketHandle | null): void {
    if (handle === null) this.#failed(String(status))
    else if (this.#isTurnedAway(handle)) dropAccepted(handle)
    else if (this.#hasRoom(descriptorOf(handle))) this.#take(socketOverHandle(handle), 'handle')
    else handle.close()
  }

  #onSocket(socket: CarrierSocket): void {
    if (this.#isTurnedAway(socket)) dropAccepted(socket)
    else if (this.#hasRoom(descriptorOf(socket))) this.#take(socket, 'plain')
    else socket.destroy()
  }

  #take(socket: CarrierSocket, mode: SocketMode): void {
    const transport = new SocketTransport(socket, mode)
    transport.home = this
    this.connections++
    this.acceptedCount++
    enterEvent()
    try {
      this.#options.onTransport(transport)
    } finally {
      leaveEvent()
    }
  }

  #isTurnedAway(peer: CarrierSocket | SocketHandle): boolean {
    const options = this.#options
    return options.isTurningAway?.() === true && options.turnsAway?.(peerAddressOf(peer)) === true
  }

  #hasRoom(descriptor: number): boolean {
    const isFull = this.#options.isFull?.(this.connections) === true
    const isShort = descriptor >= this.#descriptorsUsable
    if (!isFull && !isShort) return true
    if (this.#options.onCrowded?.() === true) return true
    if (isShort) {
      this.shortageCount++
      this.#note(
        'shortage',
        () => `File descriptors run short: ${this.shortageCount} connections closed so far.`,
      )
    } else {
      this.refusedCount++
      this.#note('full', () => {
        const who = this.#options.whoHolds?.() ?? ''
        return `There are as many connections as may be: ${this.refusedCount} more closed so far.${who}`
      })
    }
    return false
  }

  #failed(code: string): void {
    this.failedCount++
    this.#note('accept', () => `A connection could not be accepted (${code}): ${this.failedCount} so far.`)
  }

  #note(kind: string, message: () => string): void {
    const nowMs = performance.now()
    if (nowMs - (this.#notedMs.get(kind) ?? -Infinity) < 1000) return
    this.#notedMs.set(kind, nowMs)
    this.#options.note?.('warn', message())
  }
}

async function listening(server: Server, address: TransportAddress, backlog: number): Promise<void> {
  const { host, port, path } = address
  if (path !== '') {
    const obstacle = await removeStaleSocket(path)
    if (obstacle !== '') throw Object.assign(new Error(obstacle), { code: obstacle })
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', () => {
      server.off('error', reject)
      resolve()
    })
    // exclusive: inside a cluster worker Node would ask the primary process for the socket, behind our back.
    const where = path !== '' ? { path } : host === '' ? { port } : { host, port }
    server.listen({ ...where, backlog, exclusive: true })
  })
}
