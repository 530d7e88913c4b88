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
  /**
   * 'host:port', with '#2' after it where port 0 occurs twice, or 'unix:/path': for logs, and to recognise
   * listeners over a reload.
   */
  readonly name: string
  /** '' = every interface, IPv6 and IPv4. */
  readonly host: string
  readonly port: number
  /** Unix socket; '' for none. */
  readonly path: string
  readonly backlog: number
  /** Networks whose peers announce the client with a PROXY protocol header; 'unix': every peer of a unix socket. */
  readonly proxyProtocol?: readonly string[]
  /** Is HTTP/2 spoken, too, or alone? Without TLS a client may begin with it unasked (RFC 9113 §3.3). */
  readonly http2?: boolean | 'only'
  /** Server name, '*.parent' or '*' → the origin that its connections are passed on to, unread. */
  readonly tcp?: Readonly<Record<string, string>>
  /** TLS is spoken, with these differences from the plan's own; null or absent: it is not. */
  readonly tls?: ListenerTls | null
  /** HTTP/3 is served on the UDP port of the same number. */
  readonly http3?: boolean
}

/** Where a listener passes connections on to, unread. */
export interface TcpRoute {
  readonly info: RouteInfo
  readonly origin: Origin
  /** How many other servers are tried after one that could not be connected to; 0: none. */
  readonly retriesMax: number
  /** How the server is told who the client is; null: it is not told. */
  readonly proxyProtocol: 'v1' | 'v2' | null
}

/** The routes of one listener, by the name that a TLS client asks for. */
export interface TcpRoutes {
  readonly names: {
    /** Does any of them depend on the name? */
    readonly hasNames: boolean
    /** The route for this name; null: the connection is served as HTTP. */
    find(serverName: string): TcpRoute | null
  }
}

/** What a listener says about TLS, as it was written: files or PEM. */
export interface ListenerTls {
  readonly certificates?: readonly { readonly cert: string; readonly key: string }[] | undefined
  readonly minVersion?: TlsVersion | undefined
  readonly clientAuth?:
    | readonly { readonly ca: string; readonly mode: 'require' | 'optional'; readonly hosts: string[] }[]
    | undefined
}

/** TLS to clients. */
export interface TlsPlan {
  /** The time from the connection to the end of the handshake. */
  readonly handshakeMs: number
  /** How many handshakes may be under way; connections beyond that are closed. */
  readonly handshakesMax: number
  /** Are authorities asked by OCSP whether certificates are valid, and their answers stapled? */
  readonly staples: boolean
  /** By the listener's name. */
  readonly securities: ReadonlyMap<string, ServerSecurity>
  /** Listeners that serve HTTP/3, by name. */
  readonly quic?: ReadonlyMap<string, QuicSecurity>
}

/** Which fields tell the origin about the client (RFC 7239 and the older X- family), and whose are trusted. */
export interface ForwardingPlan {
  isTrusted(address: string): boolean
  /** What is dropped from requests as they arrive; knows `requestIdField`. */
  readonly claims: Claims
  readonly sendForwarded: boolean
  readonly sendXForwarded: boolean
  /** '' sends none. */
  readonly requestIdField: string
  /** Our name in Via, CDN-Loop and the loop guard, unique to this deployment. */
  readonly viaName: string
  readonly sendVia: boolean
  /**
   * Whether Proxy-Status on our error answers says what went wrong (RFC 9209), which tells the world about the
   * inside.
   */
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
  /** How many bytes may wait to be written; beyond that, lines are dropped and counted. */
  readonly queueBytesMax: number
}

/** The cache that routes share. */
export interface CachePlan {
  /** The bytes that it may hold in this process. */
  readonly bytesMax: number
  /** The size of the largest answer that is stored; 0: as the store decides. */
  readonly entryBytesMax: number
  readonly whenDeserted: 'auto' | 'finish' | 'abort'
  /** The folder of all processes; null or absent: answers are stored in memory only. */
  readonly disk?: { readonly path: string; readonly bytesMax: number } | null
}

/** When clients are turned away for abuse, and for how long. */
export interface AbusePlan {
  /** How many connections of one client may be cut off for abuse before it is turned away. */
  readonly offencesMax: number
  /** The time in which all of them are forgiven. */
  readonly windowMs: number
  /** How long the first ban lasts; each further one lasts twice as long … */
  readonly banMs: number
  /** … but no longer than this, after which earlier bans are forgotten too. */
  readonly banMsMax: number
  isExempt(address: string): boolean
}

export interface AdminPlan {
  /** 'unix:/path', 'host:port' on a loopback address, or '' for none. */
  readonly listen: string
}

/** The operator's own pages, by status. */
export interface ErrorPages {
  /** The page for this status; null: ours is used. */
  find(status: number): { readonly body: Buffer; readonly contentType: string } | null
}

export interface Router {
  /** The first route that takes x, with its captures set on x; null when none does, and then `x.fault` says why. */
  find(x: Exchange): RouteInfo | null
  /** Says why each route did or did not take x, for `explain` and for the log of a request that none takes. */
  explain(x: Exchange, say: (sentence: string) => void): RouteInfo | null
}

export interface AltSvc {
  /**
   * Adds the field where it applies; an origin's own field, which is about another place, is then not passed
   * on.
   */
  tell(x: Exchange): void
}

export interface Plan {
  /** The hash of the config and everything that it includes: equal in all workers before a swap. */
  readonly hash: string
  readonly listeners: readonly ListenerPlan[]
  readonly router: Router
  readonly routes: readonly RouteInfo[]
  readonly origins: ReadonlyMap<string, Origin>
  /** By the listener's name, without those that serve HTTP to everybody. */
  readonly tcp?: ReadonlyMap<string, TcpRoutes>
  /** The limits towards clients. */
  readonly clientLimits: ConnectionLimits
  /** The limits towards origins, which are as strict about answers. */
  readonly originLimits: ConnectionLimits
  readonly connectionsMax: number
  /** How many of them one client may hold; 0: no such bound. */
  readonly connectionsPerClientMax: number
  /** How many bytes may wait in this process's memory for slow clients and origins. */
  readonly heldBytesMax: number
  /** null or absent: nobody is turned away. */
  readonly abuse?: AbusePlan | null
  readonly forwarding: ForwardingPlan
  readonly log: LogPlan
  readonly admin: AdminPlan
  /** null or absent: no route has a cache. */
  readonly cache?: CachePlan | null
  readonly errorPages: ErrorPages
  /** Automatic certificates; null or absent: none. */
  readonly automatic?: AutomaticSettings | null
  /** null or absent: no listener speaks TLS. */
  readonly tls?: TlsPlan | null
  /** Announces HTTP/3 to clients; null or absent: there is none. */
  readonly altSvc?: AltSvc | null
  /** A fault that every request gets instead of a route, or NONE. */
  readonly maintenance: Fault
  readonly drainMs: number
  /** 0: one per core. */
  readonly workers: number
  /** Releases origins and handlers, once no exchange uses the plan any more. */
  close(): void
}
