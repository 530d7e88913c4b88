/**
 * Plan: a compiled config. It is immutable: the server swaps one pointer to it, and running exchanges keep the route
 * they took, so a reload drops nothing. Only `config/compile.ts` makes one.
 */
import type { Fault } from '../core/faults.ts'
import type { Claims } from '../http/claims.ts'
import type { ConnectionLimits } from '../http/limits.ts'
import type { ServerSecurity } from '../net/security.ts'
import type { QuicSecurity } from '../tls/quic-security.ts'
import type { AutomaticSettings } from '../tls/acme/automatic.ts'
import type { TlsVersion } from '../net/tls-versions.ts'
import type { Origin } from '../origin/origin.ts'
import type { Exchange, RouteInfo } from '../http/exchange.ts'

export interface ListenerPlan {
  /** 'host:port', '#2' after it where port 0 stands twice, or 'unix:/path': for logs, and to tell listeners apart over a reload. */
  readonly name: string
  /** '' = every interface, IPv6 and IPv4. */
  readonly host: string
  readonly port: number
  /** Unix socket; '' for none. */
  readonly path: string
  readonly backlog: number
  /** Networks whose peers announce the client by a PROXY protocol header; 'unix': every peer of a unix socket. */
  readonly proxyProtocol?: readonly string[]
  /** Is HTTP/2 spoken as well, or alone? Without TLS a client begins with it unasked (RFC 9113 §3.3). */
  readonly http2?: boolean | 'only'
  /** Server name, '*.parent' or '*' → origin that its connections are passed on to, unread. */
  readonly tcp?: Readonly<Record<string, string>>
  /** TLS is spoken, with what differs from the plan's own; null or left out: none. */
  readonly tls?: ListenerTls | null
  /** HTTP/3 is served on the UDP port of the same number. */
  readonly http3?: boolean
}

/** Whom a listener passes connections on to, unread. */
export interface TcpRoute {
  readonly info: RouteInfo
  readonly origin: Origin
  /** Servers that could not be connected to are followed by at most so many others; 0: by none. */
  readonly retriesMax: number
  /** Tells the server who the client is; null: it is not told. */
  readonly proxyProtocol: 'v1' | 'v2' | null
}

/** The routes of one listener, by the name that a TLS client asks for. */
export interface TcpRoutes {
  readonly names: {
    /** Does any of them depend on the name? */
    readonly hasNames: boolean
    /** null: the connection is served as HTTP. */
    find(serverName: string): TcpRoute | null
  }
}

/** What a listener says of TLS, as it was written: files or PEM. */
export interface ListenerTls {
  readonly certificates?: readonly { readonly cert: string; readonly key: string }[] | undefined
  readonly minVersion?: TlsVersion | undefined
  readonly clientAuth?:
    | readonly { readonly ca: string; readonly mode: 'require' | 'optional'; readonly hosts: string[] }[]
    | undefined
}

/** TLS to clients. */
export interface TlsPlan {
  /** From the connection to the end of the handshake. */
  readonly handshakeMs: number
  /** Under way at a time; what comes beyond is closed. */
  readonly handshakesMax: number
  /** Authorities are asked by OCSP whether certificates hold, and their answers shown. */
  readonly staples: boolean
  /** By the listener's name. */
  readonly securities: ReadonlyMap<string, ServerSecurity>
  /** Listeners that serve HTTP/3, by name. */
  readonly quic?: ReadonlyMap<string, QuicSecurity>
}

/** Fields that tell the origin about the client (RFC 7239 and the older X- family), and their trust. */
export interface ForwardingPlan {
  isTrusted(address: string): boolean
  /** What is dropped of requests as they arrive; knows `requestIdField`. */
  readonly claims: Claims
  readonly sendForwarded: boolean
  readonly sendXForwarded: boolean
  /** '' sends none. */
  readonly requestIdField: string
  /** Our name in Via, CDN-Loop and the loop guard; unique to this deployment. */
  readonly viaName: string
  readonly sendVia: boolean
  /** Says in Proxy-Status on our error answers what went wrong (RFC 9209): it tells the world about the inside. */
  readonly sendProxyStatus: boolean
}

export interface LogPlan {
  readonly access: false | 'combined' | 'json'
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  /** A file, or '' for stdout. */
  readonly accessPath: string
  /** A file, or '' for stderr. */
  readonly errorPath: string
  /** Query parameters whose values are hidden, lower case. */
  readonly redactQuery: readonly string[]
  /** Header fields whose values are hidden, lower case. */
  readonly redactFields: readonly string[]
  /** Bytes waiting to be written; beyond, lines are dropped and counted. */
  readonly queueBytesMax: number
}

/** The cache that routes share. */
export interface CachePlan {
  /** Of this process. */
  readonly bytesMax: number
  /** The largest answer that is kept; 0: as the store decides. */
  readonly entryBytesMax: number
  readonly whenDeserted: 'auto' | 'finish' | 'abort'
  /** Of all processes; null, or left out: what is stored is in memory only. */
  readonly disk?: { readonly path: string; readonly bytesMax: number } | null
}

/** Who is turned away for abuse, and for how long. */
export interface AbusePlan {
  /** Connections of one client, cut off for abuse, that are not held against it. */
  readonly offencesMax: number
  /** In how long all of them are forgiven. */
  readonly windowMs: number
  /** The first time; each time again twice as long … */
  readonly banMs: number
  /** … but no longer than this, after which the times before are forgotten too. */
  readonly banMsMax: number
  isExempt(address: string): boolean
}

export interface AdminPlan {
  /** 'unix:/path', 'host:port' on a loopback address, or '' for none. */
  readonly listen: string
}

/** Answers by status that the operator wrote. */
export interface ErrorPages {
  /** null: ours. */
  find(status: number): { readonly body: Buffer; readonly contentType: string } | null
}

export interface Router {
  /** The first route that takes x, captures set on x; null when none does, and `x.fault` says why not. */
  find(x: Exchange): RouteInfo | null
  /** Why each route did or did not take x, for explain and for the log of a request that none takes. */
  explain(x: Exchange, say: (sentence: string) => void): RouteInfo | null
}

export interface AltSvc {
  /** Adds the field where it holds; an origin's own, which tells of another place, does not go through then. */
  tell(x: Exchange): void
}

export interface Plan {
  /** Of the source text and all that it pulls in: equal in all workers before a swap. */
  readonly hash: string
  readonly listeners: readonly ListenerPlan[]
  readonly router: Router
  readonly routes: readonly RouteInfo[]
  readonly origins: ReadonlyMap<string, Origin>
  /** By the listener's name; those that serve HTTP to everybody are left out. */
  readonly tcp?: ReadonlyMap<string, TcpRoutes>
  /** Towards clients. */
  readonly clientLimits: ConnectionLimits
  /** Towards origins: the same strictness for answers. */
  readonly originLimits: ConnectionLimits
  readonly connectionsMax: number
  /** Of them those of one client, at most; 0: no such bound. */
  readonly connectionsPerClientMax: number
  /** Bytes of this process that wait in memory for slow clients and origins. */
  readonly heldBytesMax: number
  /** null, or left out: nobody is turned away. */
  readonly abuse?: AbusePlan | null
  readonly forwarding: ForwardingPlan
  readonly log: LogPlan
  readonly admin: AdminPlan
  /** null, or left out: no route has a cache. */
  readonly cache?: CachePlan | null
  readonly errorPages: ErrorPages
  /** Certificates that come by themselves; null, or left out: none. */
  readonly automatic?: AutomaticSettings | null
  /** null, or left out: no listener speaks it. */
  readonly tls?: TlsPlan | null
  /** Tells clients of HTTP/3; null, or left out: there is none. */
  readonly altSvc?: AltSvc | null
  /** A fault that every request gets instead of a route, or NONE. */
  readonly maintenance: Fault
  readonly drainMs: number
  /** 0 = one a core. */
  readonly workers: number
  /** Lets go of origins and handlers: when no exchange uses it any more. */
  close(): void
}
