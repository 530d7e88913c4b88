/**
 * OriginKeeper: the origins of one plan. One that is the same as in the plan before is carried over, with its
 * connections and what it knows of its servers.
 *
 * Invariant: an origin counts the plans that hold it, and is closed by the last one.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Plan } from '../engine/plan.ts'
import type { ConnectionLimits } from '../http/limits.ts'
import { createOrigin } from '../origin/server-group.ts'
import type { Origin, OriginOptions } from '../origin/origin.ts'
import type { LastingContext } from './compile-context.ts'
import type { OriginDocument } from './document.ts'
import type { TlsCompiler } from './tls.ts'

/** How many plans hold an origin. */
const holders = new WeakMap<Origin, number>()
/** Origins made for connections that are passed on: on those somebody else reads and writes. */
const passedOn = new WeakSet<Origin>()

export class OriginKeeper {
  readonly origins = new Map<string, Origin>()
  /** The names of origins for connections that are passed on, by the reference in the config. */
  readonly #tcpNames = new Map<string, string>()
  readonly #context: LastingContext
  readonly #limits: ConnectionLimits
  readonly #tls: TlsCompiler
  /**
   * Set only while the plan is compiled: a plan that kept the one before it would keep all plans since the
   * start.
   */
  #previous: Plan | undefined
  #isClosed = false

  constructor(
    context: LastingContext,
    limits: ConnectionLimits,
    tls: TlsCompiler,
    previous: Plan | undefined,
  ) {
    this.#context = context
    this.#tls = tls
    this.#limits = limits
    this.#previous = previous
  }

  /** Every origin of the plan has been opened. */
  forgetPrevious(): void {
    this.#previous = undefined
  }

  /** The origin of this name. It is made, or carried over, on the first call. */
  open(name: string, document: OriginDocument, connectMs: number): Origin {
    return this.#open(name, document, connectMs, false)
  }

  #open(name: string, document: OriginDocument, connectMs: number, isTcp: boolean): Origin {
    const known = this.origins.get(name)
    if (known !== undefined) return known
    const options = {
      ...optionsOf(name, document, connectMs),
      // On connections that are passed on, whoever passes them on writes it.
      proxyProtocol: isTcp ? null : (document.proxyProtocol ?? null),
      ...(isSecure(document) ? { tls: this.#tls.originTls(document.tls) } : {}),
    }
    const origin = this.#carriedOver(options, isTcp) ?? this.#make(options, isTcp)
    holders.set(origin, (holders.get(origin) ?? 0) + 1)
    this.origins.set(name, origin)
    return origin
  }

  /** Like `open`, for connections that are passed on unread. */
  openTcp(name: string, document: OriginDocument, connectMs: number): Origin {
    const known = this.#tcpNames.get(name)
    const own = known ?? (this.origins.has(name) ? `${name} (tcp)` : name)
    this.#tcpNames.set(name, own)
    return this.#open(own, document, connectMs, true)
  }

  #carriedOver(options: OriginOptions, isTcp: boolean): Origin | null {
    const previous = this.#previous
    // Its connections were made within the former bounds.
    if (previous === undefined || !isDeepStrictEqual(previous.originLimits, this.#limits)) return null
    const origin = previous.origins.get(options.name)
    if (origin === undefined || passedOn.has(origin) !== isTcp) return null
    return isDeepStrictEqual(origin.options, options) ? origin : null
  }

  #make(options: OriginOptions, isTcp: boolean): Origin {
    const { clock, timers, resolver, observer } = this.#context
    const origin = createOrigin(options, {
      dial: isTcp ? this.#context.dialForTcp() : this.#context.dialFor(this.#limits),
      timers,
      clock,
      resolver,
      onEvent: (level, message) => observer.note(level, message),
    })
    if (isTcp) passedOn.add(origin)
    return origin
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const origin of this.origins.values()) {
      const left = (holders.get(origin) ?? 1) - 1
      holders.set(origin, left)
      if (left === 0) origin.close()
    }
  }
}

function isSecure({ servers }: OriginDocument): boolean {
  return servers.some(({ url }) => url.toLowerCase().startsWith('https:'))
}

function optionsOf(name: string, document: OriginDocument, connectMs: number): OriginOptions {
  return {
    name,
    servers: document.servers,
    policy: document.balance,
    http2: document.http2,
    connectMs,
    idleMs: document.keepAlive,
    connectionAgeMaxMs: document.connectionAgeMax,
    connectionsMax: document.connectionsMax,
    connectingMax: document.connectingMax,
    waitingMax: document.waitingMax,
    waitMs: document.wait,
    passOverMinMs: document.passOver.min,
    passOverMaxMs: document.passOver.max,
    knockMs: document.passOver.knock,
    ttlMinMs: document.resolve.ttlMin,
    ttlMaxMs: document.resolve.ttlMax,
  }
}
