/**
 * startTls: speaks TLS on an existing transport from now on. What comes before TLS (a PROXY protocol header, a look
 * at the ClientHello) is read first, by the transport's own events. Bytes that those have read and not used must be
 * handed to `lower.events.onBytes`.
 */
import { readBuffer } from './node-handle.ts'
import { SocketTransport } from './socket.ts'
import type { TlsEngine, TlsEngineOwner, TlsRole } from './tls-engine.ts'
import { tlsMode } from './tls-mode.ts'
import { SocketEngine } from './tls-socket-engine.ts'
import { TlsTransport } from './tls-transport.ts'
import { lowerHandleOf } from './tls-wrap.ts'
import { WrapEngine } from './tls-wrap-engine.ts'
import type { Transport } from './transport.ts'

/** As `startTls`, but nothing happens before `begin` is called on it. */
export function tlsOver(
  lower: Transport,
  role: TlsRole,
  onSecure: (transport: TlsTransport) => void,
): TlsTransport {
  return new TlsTransport(lower, (owner) => makeEngine(lower, role, owner), onSecure, role.isServer)
}

/**
 * `onSecure` comes once, when the handshake is done: set the transport's `events` before returning. Or `onClose` comes to
 * `events` and nothing else; a deadline is the caller's to keep.
 */
export function startTls(
  lower: Transport,
  role: TlsRole,
  onSecure: (transport: TlsTransport) => void,
): TlsTransport {
  const transport = tlsOver(lower, role, onSecure)
  transport.begin()
  return transport
}

function makeEngine(lower: Transport, role: TlsRole, owner: TlsEngineOwner): TlsEngine {
  const socket = tlsMode() === 'wrap' && lower instanceof SocketTransport ? lower.socket : null
  const handle = socket === null ? null : lowerHandleOf(socket)
  return handle === null
    ? new SocketEngine(lower, role, owner)
    : new WrapEngine(handle, readBuffer, role, owner)
}
