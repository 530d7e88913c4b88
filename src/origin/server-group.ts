/**
 * ServerGroup: the Origin of the proxy step: servers, a policy that picks among them, and a pool for each.
 *
 * A request goes to a server that the policy picks among those that are available and untried. When there is none, it
 * goes, in this order, to one that is at its bound of connections (the request waits there); to one that was tried
 * and is still trusted (its connection was an old one, and it has room for a new one); to the one whose last fault is
 * longest ago. So an origin with a single server is always tried, and no request is refused while some server might
 * take it.
 */
import type { SecureContext } from 'node:tls'
import { Faults, NONE, faultRow, type Fault } from '../core/faults.ts'
import type { Timers } from '../core/timers.ts'
import type { Dial, OriginProtocol } from '../http/dial.ts'
import { WAIT, type Exchange, type Upstream, type UpstreamServer } from '../http/exchange.ts'
import { defaultOriginTls, originContext, securityFor } from '../net/client-security.ts'
import type { ClientSecurity } from '../net/security.ts'
import type { Endpoint } from './endpoint.ts'
import { OriginServer, type OriginServerOwner } from './member.ts'
import { defaultTuning, type OriginContext, type OriginOptions, type OriginTuning } from './options.ts'
import type { Origin, OriginSnapshot, OriginWaiter } from './origin.ts'
import { policies } from './policies.ts'
import { weightMax, type BalancerPolicy } from './policy.ts'
import { parseServerUrl, type ServerUrl } from './server-url.ts'
import type { Waiting } from './waiting.ts'

/** Throws when a server's URL or a weight is wrong: the config is checked first, so that would be a bug of ours. */
export function createOrigin(options: OriginOptions, context: OriginContext): Origin {
  return new ServerGroup(options, context)
}

const nobodyTried: readonly UpstreamServer[] = []

class ServerGroup implements Origin, OriginServerOwner {
  readonly name: string
  readonly options: OriginOptions
  readonly tuning: OriginTuning
  readonly mayRefuseUnseen: boolean
  readonly dial: Dial
  readonly timers: Timers
  readonly waiting: Map<Exchange, Waiting> = new Map()
  usedAtMs = -Infinity
  readonly #context: OriginContext
  readonly #servers: readonly OriginServer[]
  readonly #policy: BalancerPolicy
  /** Made when the first server is given as https. */
  #secureContext: SecureContext | null = null

  constructor(options: OriginOptions, context: OriginContext) {
    this.name = options.name
    this.options = options
    this.tuning = { ...defaultTuning, ...options }
    this.dial = context.dial
    this.timers = context.timers
    this.#context = context
    this.#servers = this.#makeServers()
    this.mayRefuseUnseen = this.#servers.some(({ url }) => this.protocolOf(url) !== 'http/1.1')
    this.#policy = new policies[this.tuning.policy](() => context.random?.() ?? Math.random())
    this.#policy.rebuild(this.#servers)
    for (const server of this.#servers) server.start()
  }

  #makeServers(): OriginServer[] {
    if (this.options.servers.length === 0) throw new Error(`origin ${this.name} has no server`)
    return this.options.servers.map(({ url, weight = 1 }) => {
      const parsed = parseServerUrl(url)
      if (typeof parsed === 'string') throw new Error(parsed)
      if (!Number.isInteger(weight) || weight < 1 || weight > weightMax)
        throw new Error(`the weight of ${url} must be a whole number from 1 to ${weightMax}, not ${weight}`)
      return new OriginServer(parsed, weight, this, this.#context.clock, this.#context.resolver)
    })
  }

  securityOf(url: ServerUrl): ClientSecurity {
    const tls = this.options.tls ?? defaultOriginTls
    this.#secureContext ??= originContext(tls)
    const protocols = this.tuning.http2 ? ['h2', 'http/1.1'] : ['http/1.1']
    return securityFor(tls, this.#secureContext, url.host, protocols)
  }

  protocolOf({ protocol }: ServerUrl): OriginProtocol {
    return protocol === 'negotiated' && !this.tuning.http2 ? 'http/1.1' : protocol
  }

  get hasOneServer(): boolean {
    return this.#servers.length === 1
  }

  open(x: Exchange, waiter: OriginWaiter): Upstream | number {
    const server = this.#policy.pick(x, x.tried) as OriginServer | null
    if (server === null) return this.#openAnyway(x, waiter, -Faults.ORIGIN_NONE)
    if (!server.pool.isFull) {
      const opened = server.pool.open(x, waiter)
      if (typeof opened !== 'number' || opened === WAIT) return opened
    }
    return this.#openBeside(x, waiter, server)
  }

  /** `full` was picked and has no room: takes another server that has, else a place in its waiting room. */
  #openBeside(x: Exchange, waiter: OriginWaiter, full: OriginServer): Upstream | number {
    const passed: UpstreamServer[] = [...x.tried, full]
    for (;;) {
      const server = this.#policy.pick(x, passed) as OriginServer | null
      if (server === null) break
      passed.push(server)
      if (server.pool.isFull) continue
      const opened = server.pool.open(x, waiter)
      if (typeof opened !== 'number' || opened === WAIT) return opened
    }
    const opened = full.pool.open(x, waiter)
    if (typeof opened !== 'number' || opened === WAIT) return opened
    return this.#openAnyway(x, waiter, opened)
  }

  /** No server is left that is available and untried. `otherwise` is the answer when no other will do. */
  #openAnyway(x: Exchange, waiter: OriginWaiter, otherwise: number): Upstream | number {
    const trusted = x.tried.length === 0 ? null : (this.#policy.pick(x, nobodyTried) as OriginServer | null)
    if (trusted !== null && !trusted.pool.isFull) {
      const opened = trusted.pool.open(x, waiter)
      if (typeof opened !== 'number' || opened === WAIT) return opened
    }
    for (const server of this.#doubtful(x)) {
      const opened = server.pool.open(x, waiter)
      if (typeof opened !== 'number' || opened === WAIT) return opened
      if (otherwise === -Faults.ORIGIN_NONE) otherwise = opened
    }
    return otherwise
  }

  cancelWait(x: Exchange): void {
    const waiting = this.waiting.get(x)
    if (waiting !== undefined) waiting.owner.onWaitCancelled(waiting)
  }

  onAttemptSuccess(upstream: Upstream): void {
    this.#serverOf(upstream.server)?.pool.onAttemptSuccess(upstream)
  }

  onAttemptFault(x: Exchange, upstream: Upstream, fault: Fault): void {
    this.#serverOf(upstream.server)?.pool.onAttemptFault(x, upstream, fault)
  }

  #serverOf(server: UpstreamServer): OriginServer | null {
    return server instanceof OriginServer ? server : null
  }

  peek(x: Exchange): UpstreamServer | null {
    const passed: UpstreamServer[] = [...x.tried]
    for (;;) {
      const server = this.#policy.peek(x, passed) as OriginServer | null
      if (server === null) break
      if (!server.pool.isFull) return server
      passed.push(server)
    }
    const full = passed[x.tried.length]
    if (full !== undefined) return full
    const trusted = this.#policy.peek(x, nobodyTried) as OriginServer | null
    if (trusted !== null && !trusted.pool.isFull) return trusted
    return this.#doubtful(x)[0] ?? null
  }

  /** The servers that are passed over and that x has not tried, the least recently faulted first. */
  #doubtful(x: Exchange): OriginServer[] {
    return this.#servers
      .filter((server) => !server.isAvailable && !x.tried.includes(server))
      .sort((a, b) => a.pool.faultedAtMs - b.pool.faultedAtMs)
  }

  authorityOf(server: UpstreamServer): string {
    return this.#serverOf(server)?.url.authority ?? ''
  }

  snapshot(): OriginSnapshot {
    const nowMs = this.timers.clock.nowMs()
    return {
      name: this.name,
      policy: this.#policy.name,
      waiting: this.waiting.size,
      servers: this.#servers.map((server) => server.snapshot(nowMs)),
    }
  }

  close(): void {
    for (const server of this.#servers) server.close()
  }

  // What the servers tell

  onAvailability(): void {
    this.#policy.rebuild(this.#servers)
  }

  canGoElsewhere(x: Exchange): boolean {
    return this.#servers.some((server) => server.isAvailable && !x.tried.includes(server))
  }

  onVerdict(endpoint: Endpoint, fault: Fault): void {
    const { server, addressText, passing } = endpoint
    const who = `${server.name} of origin ${this.name}`
    const where = this.#serverOf(server)?.url.isName === true ? ` (at ${addressText})` : ''
    if (fault === NONE) {
      this.#context.onEvent?.('info', `${who}${where} is in order again`)
      return
    }
    // The only server goes on being tried, so the time for which it is passed over is not worth telling.
    const isOnly = this.hasOneServer
    const whileMs = Math.round(passing.untilMs - this.timers.clock.nowMs())
    const what = isOnly ? 'faults' : `is passed over for ${whileMs} ms`
    const level = passing.faults === 1 ? 'warn' : 'debug'
    this.#context.onEvent?.(level, `${who}${where} ${what}: ${faultRow(fault).sentence}`)
  }

  onNameFault(server: OriginServer, reason: string): void {
    const isKnown = server.pool.endpoints.list.length > 0
    const what = isKnown ? 'addresses known before stay in use' : 'until it can it takes no requests'
    this.#context.onEvent?.(
      'warn',
      `${server.name} of origin ${this.name} cannot be resolved (${reason}); ${what}`,
    )
  }
}
