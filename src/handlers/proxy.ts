/**
 * proxy: the end of a route that asks an origin.
 *
 * Inward it edits the request's fields once, leases a stream and sends; outward it hides the origin and passes on the
 * parts of the answer as they come (proxy/attempts.ts).
 *
 * Promises: a request is sent again only as proxy/retry.ts allows; an answer that breaks off at the origin is cut,
 * never completed; a client that leaves takes its upstream, or its place in the waiting room, with it in the same
 * turn.
 */
import type { Clock } from '../core/clock.ts'
import { Faults, NONE } from '../core/faults.ts'
import type { Observer } from '../engine/observer.ts'
import { DONE, type Exchange, type Flow, type Handler } from '../http/exchange.ts'
import { Forwarding, type ForwardingFields } from '../http/forwarding.ts'
import { defaultHiding, Hiding, type HidingOptions } from '../http/hiding.ts'
import { BODY_NONE, isIdempotent } from '../http/message.ts'
import type { Origin } from '../origin/origin.ts'
import { parseServerUrl } from '../origin/server-url.ts'
import { Attempts } from './proxy/attempts.ts'
import { stopsHere } from './proxy/max-forwards.ts'
import { upgradeToAsk } from './proxy/upgrade.ts'

export interface ProxyOptions {
  readonly origin: Origin
  /** 'client': what the client asked for; 'origin': the host of the server's URL; else this name. */
  readonly hostHeader: string
  /** How often a request may be sent again where that is safe; 0 = never. */
  readonly retriesMax: number
  /** A request body up to this size is kept, so that an idempotent request can be sent again. */
  readonly retryBodyBytesMax: number
  /** Whether Upgrade is passed on (WebSocket and any other protocol but HTTP itself). */
  readonly upgrade: boolean
  readonly hiding: HidingOptions
}

export const defaultProxyOptions: Omit<ProxyOptions, 'origin'> = {
  hostHeader: 'client',
  retriesMax: 1,
  retryBodyBytesMax: 64 * 1024,
  upgrade: true,
  hiding: defaultHiding,
}

export interface ProxyContext {
  readonly clock: Clock
  readonly observer: Observer
  readonly forwarding: ForwardingFields
}

export function createProxy(options: ProxyOptions, context: ProxyContext): Handler {
  return new ProxyHandler(options, context)
}

class ProxyHandler implements Handler {
  readonly name = 'origin'
  readonly #options: ProxyOptions
  readonly #forwarding: Forwarding
  readonly #attempts: Attempts

  constructor(options: ProxyOptions, context: ProxyContext) {
    const { origin, hostHeader, retriesMax } = options
    const { clock, observer } = context
    const { servers } = origin.options
    const authorities = servers.map(({ url }) => authorityOf(url))
    this.#options = options
    this.#forwarding = new Forwarding(context.forwarding)
    this.#attempts = new Attempts({
      origin,
      hostHeader,
      retry: { retriesMax, serverCount: servers.length },
      forwarding: this.#forwarding,
      hiding: new Hiding(options.hiding, authorities),
      clock,
      observer,
    })
  }

  onRequest(x: Exchange): Flow {
    const { method } = x.request
    // It would show a script the cookies and tokens that it must not read, and helps nobody (RFC 9110 §9.3.8).
    if (method === 'TRACE') x.fail(Faults.METHOD_REFUSED)
    else if (method !== 'OPTIONS' || !stopsHere(x)) {
      this.#prepare(x)
      this.#attempts.start(x, NONE)
    }
    return DONE
  }

  #prepare(x: Exchange): void {
    const { request, outgoing } = x
    const { origin } = this.#options
    this.#forwarding.edit(x)
    outgoing.method = request.method
    outgoing.target = x.target
    outgoing.upgrade = request.upgrade !== '' && this.#options.upgrade ? upgradeToAsk(x) : ''
    if (request.bodyLength !== BODY_NONE && (isIdempotent(request.method) || origin.mayRefuseUnseen))
      x.body.gather(this.#options.retryBodyBytesMax)
  }

  onAbandon(x: Exchange): void {
    if (x.upstream === null) this.#attempts.cancelWait(x)
  }

  explain(x: Exchange, say: (sentence: string) => void): Flow {
    const { origin } = this.#options
    this.#prepare(x)
    const { outgoing, request } = x
    const server = origin.peek(x)
    outgoing.host = server === null ? request.authority : this.#attempts.hostFor(x, server)
    const who = server === null ? 'no server of which is available' : server.name
    const { proxyProtocol } = origin.options
    const told = proxyProtocol == null ? '' : `, told of the client by the PROXY protocol (${proxyProtocol})`
    say(`asks origin "${origin.name}", ${who}${told}`)
    say(`sends ${outgoing.method} ${outgoing.target} with`)
    say(`  host: ${outgoing.host}`)
    if (outgoing.upgrade !== '') say(`  upgrade: ${outgoing.upgrade}`)
    const fields = request.fields.toArray()
    for (let i = 0; i < fields.length; i += 2) {
      const name = (fields[i] as string).toLowerCase()
      if (!notCopied.has(name)) say(`  ${name}: ${fields[i + 1]}`)
    }
    return DONE
  }
}

/** The codec writes these itself. */
const notCopied: ReadonlySet<string> = new Set(['host', 'connection', 'content-length', 'transfer-encoding'])

function authorityOf(url: string): string {
  const parsed = parseServerUrl(url)
  // The config's check has refused what cannot be read.
  return typeof parsed === 'string' ? '' : parsed.authority
}
