/** The schema of `listeners`: where clients connect to. */
import { isIP } from 'node:net'
import { z } from 'zod'
import type { ListenerPlan, ListenerTls } from '../engine/plan.ts'
import { unixPathBytesMax } from '../origin/server-url.ts'
import { count, networks } from './quantities.ts'
import { tcpSchema } from './tcp-schema.ts'
import { listenerTlsSchema } from './tls-schema.ts'

/** 511, as nginx and Node have it; Linux cuts it to `net.core.somaxconn`. */
const backlogDefault = 511

/** ':8080', 'host:port', '[::1]:8080', '8080' or 'unix:/path' in parts, or what is wrong with it. */
export function readListen(text: string): { host: string; port: number; path: string } | string {
  if (text.startsWith('unix:')) {
    const path = text.slice(5).replace(/^\/\/(?=\/)/, '')
    if (!path.startsWith('/') || path.endsWith('/'))
      return 'a unix socket needs an absolute path, such as unix:/run/headgate.sock'
    const bytes = Buffer.byteLength(path)
    if (bytes > unixPathBytesMax)
      return `the path of a unix socket may have ${unixPathBytesMax} bytes, this one has ${bytes}`
    return { host: '', port: 0, path }
  }
  if (/^https?:\/\//i.test(text))
    return `a listener is an address, not a URL; did you mean "${text.replace(/^https?:\/\/|\/$/gi, '')}"?`
  const match = /^(?:(\[[^\]]*\]|[^:[\]]*):)?(\d{1,5})$/.exec(text)
  if (match === null) {
    if (isIP(text) === 6) return `the port is missing: "[${text}]:8080"`
    return `"${text}" is not an address to listen on, such as ":8080", "127.0.0.1:8080", "[::1]:8080" or "unix:/path"`
  }
  const host = (match[1] ?? '').replace(/^\[|\]$/g, '')
  const problem = hostProblem(host)
  if (problem !== '') return problem
  const port = Number(match[2])
  return port > 65_535
    ? `${port} is not a port: 0 to 65535`
    : { host: host === '*' ? '' : host, port, path: '' }
}

function hostProblem(host: string): string {
  if (host === '' || host === '*' || isIP(host) !== 0) return ''
  return /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(host) && /[A-Za-z]/.test(host)
    ? ''
    : `"${host}" is not an address or name of this machine`
}

function listenerName(host: string, port: number, path: string): string {
  if (path !== '') return `unix:${path}`
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function planOf(
  host: string,
  port: number,
  path: string,
  backlog = backlogDefault,
  more: Pick<ListenerPlan, 'http2' | 'proxyProtocol' | 'tcp'> = { http2: true },
): ListenerPlan {
  return { name: listenerName(host, port, path), host, port, path, backlog, ...more }
}

/**
 * The plan of a listener as it was written; settings that most listeners do not have are left out unless they
 * are set.
 */
function written(
  http2: ListenerPlan['http2'],
  proxyProtocol: readonly string[],
  tcp: ListenerPlan['tcp'],
): Pick<ListenerPlan, 'http2' | 'proxyProtocol' | 'tcp'> {
  return {
    ...(http2 === undefined ? {} : { http2 }),
    ...(proxyProtocol.length === 0 ? {} : { proxyProtocol }),
    ...(tcp === undefined ? {} : { tcp }),
  }
}

const listenText = z.string().transform((text, context): ListenerPlan => {
  const read = readListen(text)
  if (typeof read !== 'string') return planOf(read.host, read.port, read.path)
  context.addIssue({ code: 'custom', message: read })
  return z.NEVER
})

const port = count(0, 65_535).meta({ title: 'port' })

const backlog = count(1, 65_535).default(backlogDefault).meta({
  description: 'Connections that wait to be accepted; the system may cut it (`net.core.somaxconn`).',
})

const http2 = z
  .union([z.boolean(), z.literal('only')])
  .default(true)
  .meta({
    description:
      'Speak HTTP/2 as well as HTTP/1: over TLS where the client chooses it, without TLS with a client that begins with it. ' +
      '`only`: nothing else, as for a port of gRPC.',
  })

const http3 = z
  .boolean()
  .default(false)
  .meta({
    description:
      'Serve HTTP/3 as well, on the UDP port of the same number. Needs `tls`, and the package `@currentspace/http3`, which is ' +
      'installed beside (docs/http3.md).',
  })

const inet = z.strictObject({
  host: z
    .string()
    .refine(
      (host) => hostProblem(host.replace(/^\[|\]$/g, '')) === '',
      'an address or name of this machine is expected',
    )
    .default('')
    .meta({
      description: 'Address to listen on; left out: every interface, IPv6 and IPv4.',
      samples: ['127.0.0.1', '::1'],
    }),
  port: port.meta({ description: 'Port; 0 lets the system choose.', samples: [80] }),
  backlog,
  proxyProtocol: networks()
    .default([])
    .meta({
      description:
        'Peers that announce the client by a PROXY protocol header, version 1 or 2, before anything else: they must ' +
        'send it, and its addresses are believed. Everybody else is served as the client that it is.',
      samples: ['10.0.0.0/8', ['192.0.2.10', '2001:db8::/32']],
    }),
  http2,
  http3,
  tcp: tcpSchema,
  tls: listenerTlsSchema.optional(),
})

/** The plan with `tls` where the listener speaks it. */
function secured(plan: ListenerPlan, tls: ListenerTls | null | undefined): ListenerPlan {
  return tls == null ? plan : { ...plan, tls }
}

const unix = z.strictObject({
  path: z
    .string()
    .refine(
      (path) => typeof readListen(`unix:${path}`) !== 'string',
      'a unix socket needs an absolute path of at most 107 bytes',
    )
    .meta({ description: 'Instead of host and port: a unix socket.', samples: ['/run/headgate/http.sock'] }),
  backlog,
  proxyProtocol: z.boolean().default(false).meta({
    description: 'Whoever connects to the unix socket announces the client by a PROXY protocol header.',
  }),
  http2,
  tcp: tcpSchema,
  tls: listenerTlsSchema.optional(),
})

const listener = z.union([
  port.transform((number) => planOf('', number, '')),
  listenText,
  inet.transform((at) => {
    const host = at.host.replace(/^\[|\]$/g, '')
    const more = written(at.http2, at.proxyProtocol, at.tcp)
    const plan = secured(planOf(host === '*' ? '' : host, at.port, '', at.backlog, more), at.tls)
    return at.http3 ? { ...plan, http3: true } : plan
  }),
  unix.transform((at) =>
    secured(
      planOf('', 0, at.path, at.backlog, written(at.http2, at.proxyProtocol ? ['unix'] : [], at.tcp)),
      at.tls,
    ),
  ),
])

const one = z.union([
  port.transform((number) => [planOf('', number, '')]),
  listenText.transform((plan) => [plan]),
])

/** The plan of a listener as it was written; null when it cannot be read. */
export function readListener(input: unknown): ListenerPlan | null {
  return listener.safeParse(input).data ?? null
}

/**
 * Do both want the same socket, or does one want an address that the other, on every interface, includes? Port
 * 0 is a new port each time.
 */
export function clash(a: ListenerPlan, b: ListenerPlan): boolean {
  if (a.path !== '' || b.path !== '') return a.path === b.path
  return a.port !== 0 && a.port === b.port && (a.host === b.host || a.host === '' || b.host === '')
}

export const listenersSchema = z
  .union([one, z.array(listener).min(1, 'at least one listener is needed')])
  .prefault([':8080'])
  .meta({
    description:
      'Where clients connect to: a port, `":port"`, `"host:port"`, `"unix:/path"` or an object; one, or a list. ' +
      'Port 8080 by default, as it needs no privilege.',
    samples: [[80, '127.0.0.1:8080', { host: '::1', port: 8081 }, 'unix:/run/headgate/http.sock']],
  })
