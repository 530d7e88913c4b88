/**
 * Compiles a checked config to a Plan. The steps of a route run in this order, however they are written: https,
 * rewrite, headers, cache, the end.
 *
 * Origins whose options and bounds have not changed are carried over from the plan before, so a reload keeps their
 * connections and what they know of their servers. An origin is closed when the last plan that holds it is.
 */
import { resolve } from 'node:path'
import { Faults, NONE } from '../core/faults.ts'
import { altSvcOf } from '../engine/alt-svc.ts'
import type { ForwardingPlan, LogPlan, Plan } from '../engine/plan.ts'
import { HostRouter, type RouteRule, type SiteRules } from '../engine/router.ts'
import { createHeaders } from '../handlers/headers.ts'
import { createHttps, type HttpsOptions } from '../handlers/https.ts'
import { createMaintenance } from '../handlers/maintenance.ts'
import { createProxy } from '../handlers/proxy.ts'
import { createRedirect } from '../handlers/redirect.ts'
import { createRespond } from '../handlers/respond.ts'
import { createRewrite, pathMapOf } from '../handlers/rewrite.ts'
import { Claims } from '../http/claims.ts'
import type { Handler, RouteInfo } from '../http/exchange.ts'
import type { Origin } from '../origin/origin.ts'
import { abusePlan } from './abuse-schema.ts'
import { CacheCompiler } from './caches.ts'
import type { CompileContext, LastingContext } from './compile-context.ts'
import type { ConfigDocument, OriginDocument, RouteDocument } from './document.ts'
import { ErrorPageSet } from './error-pages.ts'
import { hashOf, looksBeyondUrl, viaNameOf, zoneOf } from './identity.ts'
import { httpsOptions } from './https-schema.ts'
import { connectionLimits, exchangeLimits } from './limits-schema.ts'
import { requireDocument, type LoadedConfig } from './load.ts'
import { nameListeners } from './listener-names.ts'
import { compileMatch } from './match-schema.ts'
import { originFromServers } from './origin-schema.ts'
import { TlsCompiler } from './tls.ts'
import { OriginKeeper } from './origins.ts'
import { networksOf } from './quantities.ts'
import { originsPassedOn, TcpCompiler } from './tcp-routes.ts'
import { hostsOf } from './host-names.ts'
import { isOriginName } from './route-schema.ts'

export type { CompileContext } from './compile-context.ts'

/** Throws a ConfigError when the config is wrong. */
export function compilePlan(loaded: LoadedConfig, context: CompileContext): Plan {
  const { previous, openListeners = [], ...lasting } = context
  const written = requireDocument(loaded)
  const listeners = nameListeners(written.listeners, previous?.listeners ?? openListeners)
  const document = { ...written, listeners: [...listeners] }
  const limits = connectionLimits(document.limits, document.timeouts, document.halfClose)
  const pages = new ErrorPageSet(document.errorPages, loaded.baseDirectory)
  const tls = new TlsCompiler(document, loaded.baseDirectory, lasting.clock)
  const keeper = new OriginKeeper(lasting, limits, tls, previous)
  const forwarding = forwardingOf(written)
  const caches = new CacheCompiler(document, lasting, loaded.baseDirectory)
  const compiler = new RouteCompiler(document, keeper, caches, forwarding, lasting)
  const sites = Object.entries(document.sites).map(([key, routes]) => compiler.site(key, routes))
  const routes = sites.flatMap((site) => site.rules.map((rule) => rule.route))
  const tcp = new TcpCompiler(document, keeper)
  const speaksTls = listeners.some((listener) => listener.tls != null)
  const tlsPlan = speaksTls ? tls.plan(lasting.tls ?? { sources: [], tickets: null }) : null
  keeper.forgetPrevious()
  return {
    hash: hashOf(written, pages, tls.contents()),
    listeners,
    router: new HostRouter(sites),
    routes: [...routes, ...tcp.routes],
    origins: keeper.origins,
    tcp: tcp.listeners,
    clientLimits: limits,
    originLimits: limits,
    connectionsMax: document.limits.connectionsMax,
    connectionsPerClientMax: document.limits.connectionsPerClientMax,
    heldBytesMax: document.limits.heldBytesMax,
    abuse: abusePlan(document.abuse),
    forwarding,
    log: logOf(document, loaded.baseDirectory),
    admin: document.admin,
    cache: caches.settings,
    errorPages: pages,
    automatic: tls.automatic(),
    tls: tlsPlan,
    altSvc: altSvcOf({ tls: tlsPlan, listeners }),
    maintenance: document.maintenance ? Faults.MAINTENANCE : NONE,
    drainMs: document.drainTimeout,
    workers: document.workers === 'auto' ? 0 : document.workers,
    close() {
      for (const route of routes) for (const handler of route.handlers) handler.close?.()
      keeper.close()
      caches.close()
    },
  }
}

class RouteCompiler {
  readonly #document: ConfigDocument
  readonly #keeper: OriginKeeper
  readonly #caches: CacheCompiler
  readonly #forwarding: ForwardingPlan
  readonly #context: LastingContext
  readonly #https: HttpsOptions | null

  constructor(
    document: ConfigDocument,
    keeper: OriginKeeper,
    caches: CacheCompiler,
    forwarding: ForwardingPlan,
    context: LastingContext,
  ) {
    this.#document = document
    this.#keeper = keeper
    this.#caches = caches
    this.#forwarding = forwarding
    this.#context = context
    this.#https = httpsOptions(document.https, document.listeners)
    // All of them, used or not: metrics and the admin page show what the config names.
    const passedOn = originsPassedOn(document)
    for (const [name, origin] of Object.entries(document.origins))
      if (!passedOn.has(name)) this.#open(name, origin)
  }

  site(key: string, routes: readonly RouteDocument[]): SiteRules {
    const rules = routes.map((route, i) => this.#rule(key, i, route))
    return { name: key, hosts: hostsOf(key), rules }
  }

  #rule(site: string, i: number, document: RouteDocument): RouteRule {
    const origin = document.origin === undefined ? null : this.#originOf(document.origin)
    const route: RouteInfo = {
      name: `${site}[${i}]`,
      site,
      handlers: this.#handlers(site, document, origin),
      limits: exchangeLimits(this.#document, origin?.timeouts, document),
    }
    return { matcher: compileMatch(document.match), route }
  }

  #originOf(reference: string): OriginDocument {
    return isOriginName(reference)
      ? (this.#document.origins[reference] as OriginDocument)
      : originFromServers(reference)
  }

  #handlers(site: string, route: RouteDocument, origin: OriginDocument | null): Handler[] {
    const { clock } = this.#context
    const handlers: Handler[] = []
    if (this.#https !== null) handlers.push(createHttps(this.#https))
    if (route.rewrite !== undefined) handlers.push(createRewrite(route.rewrite, clock))
    if (route.headers !== undefined) handlers.push(createHeaders(route.headers, clock))
    if (route.maintenance === true) handlers.push(createMaintenance())
    else if (route.redirect !== undefined) handlers.push(createRedirect(route.redirect, clock))
    else if (route.respond !== undefined) handlers.push(createRespond(route.respond, clock))
    else if (route.origin !== undefined && origin !== null) {
      const place = { site, zone: zoneOf(route), slot: handlers.length, keysTarget: looksBeyondUrl(route) }
      if (route.cache !== undefined && route.cache !== null)
        handlers.push(this.#caches.step(route.cache, place))
      handlers.push(this.#proxy(route, this.#open(route.origin, origin), origin))
    }
    return handlers
  }

  #proxy(route: RouteDocument, origin: Origin, document: OriginDocument): Handler {
    const { hide } = this.#document
    const removeFields = document.hide?.fields ?? hide.fields
    const options = {
      origin,
      hostHeader: document.hostHeader,
      retriesMax: document.retries,
      retryBodyBytesMax: document.retryBodyBytesMax,
      upgrade: document.upgrade,
      hiding: {
        removeFields: removeFields.map((name) => name.toLowerCase()),
        mapLocations: document.hide?.locations ?? hide.locations,
        mapCookies: document.hide?.cookies ?? hide.cookies,
        pathMap: pathMapOf(route.rewrite, route.match?.path ?? []),
      },
    }
    const { clock, observer } = this.#context
    return createProxy(options, { clock, observer, forwarding: this.#forwarding })
  }

  #open(name: string, document: OriginDocument): Origin {
    const connectMs = document.timeouts?.connect ?? this.#document.timeouts.connect
    return this.#keeper.open(name, document, connectMs)
  }
}

function forwardingOf(document: ConfigDocument): ForwardingPlan {
  const { forwarding } = document
  const trusted = networksOf(document.trustedProxies)
  const requestIdField = forwarding.requestId === false ? '' : forwarding.requestId
  return {
    isTrusted: (address) => trusted.has(address),
    claims: new Claims(requestIdField),
    sendForwarded: forwarding.forwarded,
    sendXForwarded: forwarding.xForwarded,
    requestIdField,
    viaName: forwarding.name ?? viaNameOf(document),
    sendVia: forwarding.via,
    sendProxyStatus: forwarding.proxyStatus,
  }
}

function logOf({ log }: ConfigDocument, baseDirectory: string): LogPlan {
  return {
    access: log.access,
    level: log.level,
    accessPath: log.accessFile === undefined ? '' : resolve(baseDirectory, log.accessFile),
    errorPath: log.errorFile === undefined ? '' : resolve(baseDirectory, log.errorFile),
    redactQuery: log.redactQuery.map((name) => name.toLowerCase()),
    redactFields: log.redactFields.map((name) => name.toLowerCase()),
    queueBytesMax: log.queueBytesMax,
  }
}
