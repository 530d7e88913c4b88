/**
 * Compiles `tcp` of the listeners: for each listener its routes by server name. Their origins are those of the
 * config, made for connections that are passed on: one that HTTP routes use as well exists twice, the second time
 * under a name of its own.
 */
import type { TcpRoute, TcpRoutes } from '../engine/plan.ts'
import type { RouteInfo } from '../http/exchange.ts'
import { ServerNames } from '../tcp/server-names.ts'
import type { ConfigDocument, OriginDocument } from './document.ts'
import { exchangeLimits } from './limits-schema.ts'
import { originFromServers } from './origin-schema.ts'
import type { OriginKeeper } from './origins.ts'
import { isOriginName } from './route-schema.ts'

/** The origins that only listeners name. */
export function originsPassedOn(document: ConfigDocument): Set<string> {
  const names = new Set(document.listeners.flatMap(({ tcp = {} }) => Object.values(tcp)))
  for (const routes of Object.values(document.sites))
    for (const { origin } of routes) if (origin !== undefined) names.delete(origin)
  return names
}

export class TcpCompiler {
  readonly listeners: Map<string, TcpRoutes> = new Map()
  readonly routes: RouteInfo[] = []
  readonly #document: ConfigDocument
  readonly #keeper: OriginKeeper

  constructor(document: ConfigDocument, keeper: OriginKeeper) {
    this.#document = document
    this.#keeper = keeper
    for (const { name, tcp } of document.listeners) {
      if (tcp === undefined) continue
      const names = new ServerNames<TcpRoute>()
      for (const [pattern, origin] of Object.entries(tcp))
        names.add(pattern, this.#route(name, pattern, origin))
      this.listeners.set(name, { names })
    }
  }

  #route(listener: string, pattern: string, reference: string): TcpRoute {
    const document = this.#documentOf(reference)
    const info: RouteInfo = {
      name: `${listener}[${pattern}]`,
      site: listener,
      handlers: [],
      limits: exchangeLimits(this.#document, document.timeouts, {}),
    }
    this.routes.push(info)
    const connectMs = document.timeouts?.connect ?? this.#document.timeouts.connect
    return {
      info,
      origin: this.#keeper.openTcp(reference, document, connectMs),
      retriesMax: document.retries,
      proxyProtocol: document.proxyProtocol ?? null,
    }
  }

  #documentOf(reference: string): OriginDocument {
    return isOriginName(reference)
      ? (this.#document.origins[reference] as OriginDocument)
      : originFromServers(reference)
  }
}
