/** Where the admin listener may be: a unix socket, or an address that only this machine can reach. */
import * as net from 'node:net'

export interface AdminAddress {
  /** Unix socket; '' for TCP. */
  readonly path: string
  readonly host: string
  readonly port: number
}

/** Is it 127.0.0.0/8, ::1, or the name that RFC 6761 §6.3 keeps for them? */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  if (net.isIPv4(host)) return host.startsWith('127.')
  if (!net.isIPv6(host)) return false
  return new net.SocketAddress({ address: host, family: 'ipv6' }).address === '::1'
}

/** Reads 'unix:/path' or 'host:port'. Throws a sentence when it is neither, or could be reached from outside. */
export function readAdminAddress(listen: string): AdminAddress {
  if (listen.startsWith('unix:')) {
    const path = listen.slice(5)
    if (path === '') throw new Error('admin: the path of the unix socket is missing')
    return { path, host: '', port: 0 }
  }
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(listen)
  if (match === null) throw new Error(`admin: '${listen}' is neither unix:/path nor host:port`)
  const host = match[1] ?? match[2] ?? ''
  const port = Number(match[3])
  if (port > 65535) throw new Error(`admin: ${port} is no port`)
  if (!isLoopback(host))
    throw new Error(
      `admin: '${listen}' is not a loopback address; who can reach the admin listener can stop the server`,
    )
  return { path: '', host, port }
}
