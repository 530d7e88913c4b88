/**
 * SocketConnector: makes outgoing transports over TCP and unix sockets. It is given addresses, never names: whoever
 * resolves names decides how long an address is good and in which order addresses are tried (origin/name-watch.ts).
 *
 * With `security`, TLS is spoken from the first byte, and `onConnect` comes when the handshake is done.
 *
 * SO_KEEPALIVE stays off: each of our connections has a deadline of its own that finds a dead peer sooner.
 */
import { isIP } from 'node:net'
import { socketToConnect, type SocketMode } from './node-handle.ts'
import { socketMode } from './socket-mode.ts'
import { nobody, SocketTransport } from './socket.ts'
import { enterEvent, leaveEvent } from './stage.ts'
import type { ClientSecurity } from './security.ts'
import { tlsOver } from './start-tls.ts'
import type { TlsRole } from './tls-engine.ts'
import type { TlsTransport } from './tls-transport.ts'
import type { Connector, Transport, TransportAddress, TransportEvents } from './transport.ts'

export class SocketConnector implements Connector {
  readonly #mode: SocketMode | null

  /** `mode` is for tests: by default it is what the self-test chose. */
  constructor(mode: SocketMode | null = null) {
    this.#mode = mode
  }

  connect(
    address: TransportAddress,
    events: TransportEvents,
    onConnect: () => void,
    security: ClientSecurity | null = null,
    opening: Buffer | null = null,
  ): Transport {
    if (security === null) return this.#connect(address, events, onConnect, opening)
    const begin = (): void => {
      // TLS writes past the stage.
      if (opening !== null) lower.flush()
      transport.begin()
    }
    const lower = this.#connect(address, nobody, begin, opening)
    const role: TlsRole = { isServer: false, security }
    const transport: TlsTransport = tlsOver(lower, role, onConnect)
    transport.events = events
    return transport
  }

  #connect(
    address: TransportAddress,
    events: TransportEvents,
    onConnect: () => void,
    opening: Buffer | null,
  ): SocketTransport {
    const mode = this.#mode ?? socketMode()
    const socket = socketToConnect(mode)
    const transport = new SocketTransport(socket, mode)
    transport.events = events
    socket.once('connect', () => {
      transport.connected(mode)
      if (!transport.isOpen) return
      enterEvent()
      try {
        if (opening !== null) transport.writeBytes(opening, 0, opening.length)
        onConnect()
      } finally {
        leaveEvent()
      }
    })
    if (address.path !== '') {
      socket.connect({ path: address.path })
    } else if (isIP(address.host) === 0) {
      // A name would be looked up by Node in its thread pool, past our resolver: refused.
      socket.destroy(Object.assign(new Error(`${address.host} is not an address`), { code: 'EINVAL' }))
    } else {
      socket.setNoDelay(true)
      socket.connect({ host: address.host, port: address.port })
    }
    return transport
  }
}
