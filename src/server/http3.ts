/**
 * Http3: the UDP side of the listeners that ask for HTTP/3. One of several workers serves it: all packets of a QUIC
 * connection must reach the same process, and only the port can tell them apart.
 *
 * A reload leaves a port alone while its certificate is the same. The provider takes one certificate, once: for
 * another, or a renewed one, the port is drained, closed and opened anew; clients use TCP meanwhile.
 */
import type { ClockTimer } from '../core/clock.ts'
import type { FaultLevel } from '../core/faults.ts'
import type { Timers } from '../core/timers.ts'
import type { Plan } from '../engine/plan.ts'
import { loadProvider } from '../h3/load-provider.ts'
import type { QuicProvider } from '../h3/provider.ts'
import { H3Server, type H3Context } from '../h3/server.ts'
import type { ConnectionGuard } from '../net/security.ts'
import type { QuicIdentity, QuicSecurity } from '../tls/quic-security.ts'

/** How many requests may be under way on one connection: as many as over HTTP/2. */
const streamsMax = 100
/** The provider's own bound; ours (`limits.connectionsMax`) comes first. */
const sessionsMax = 65_535
/** How often to look whether a certificate has arrived or changed. */
const lookMs = 5000

/** The address of a listener, with its real port. */
interface Bound {
  readonly name: string
  readonly host: string
  readonly port: number
}

/** Whoever owns the listeners, and the sessions like other connections. */
export interface Http3Home {
  readonly timers: Timers
  http3Context(guard: ConnectionGuard): H3Context
  readonly listeners: { readonly addresses: readonly Bound[]; close(names: Iterable<string>): void }
  note(level: FaultLevel, message: string): void
}

/** An open port. As a guard it applies the plan in force. */
class Port implements ConnectionGuard {
  readonly client = null
  readonly session = null
  readonly serverName = ''
  readonly identity: QuicIdentity
  security: QuicSecurity
  readonly server: H3Server

  /** Throws a sentence when the port cannot be opened. */
  constructor(
    provider: QuicProvider,
    at: Bound,
    security: QuicSecurity,
    identity: QuicIdentity,
    home: Http3Home,
  ) {
    this.security = security
    this.identity = identity
    const context = home.http3Context(this)
    const { host, port } = at
    const { cert, key } = identity
    const { idleMs } = context.limits
    const options = { host, port, certificate: cert, key, idleMs, streamsMax, sessionsMax }
    try {
      this.server = new H3Server(provider, options, context)
    } catch (error) {
      throw new Error(`HTTP/3 cannot listen on UDP port ${port}: ${messageOf(error)}`, { cause: error })
    }
  }

  serves(host: string): boolean {
    return this.security.serves(host)
  }
}

export class Http3 {
  readonly #home: Http3Home
  readonly #ports = new Map<string, Port>()
  #provider: QuicProvider | null = null
  #plan: Plan | null = null
  #timer: ClockTimer | null = null
  /** What is being closed and opened, one after the other. */
  #work: Promise<void> = Promise.resolve()
  #isClosing = false

  constructor(home: Http3Home) {
    this.#home = home
  }

  /** Throws a sentence with a remedy when a listener of `plan` asks for what is not installed. */
  prepare(plan: Plan): void {
    if (securitiesOf(plan).size > 0) this.#provider ??= loadProvider()
  }

  /**
   * Opens what the first plan asks for. Rejects when a port cannot be opened; the listeners are closed again
   * then.
   */
  async open(plan: Plan): Promise<void> {
    this.#plan = plan
    try {
      await this.#next()
    } catch (error) {
      this.#home.listeners.close(plan.listeners.map(({ name }) => name))
      throw error
    }
  }

  /** Opens and closes ports as `plan` asks; failures are logged. */
  follow(plan: Plan): void {
    this.#plan = plan
    this.#next().catch((error: unknown) => this.#home.note('error', messageOf(error)))
  }

  #next(): Promise<void> {
    const next = this.#work.then(() => this.#settle())
    this.#work = next.catch(() => {})
    return next
  }

  async #settle(): Promise<void> {
    const plan = this.#plan
    if (plan === null || this.#isClosing) return
    const securities = securitiesOf(plan)
    this.#timer?.cancel()
    this.#timer = null
    if (securities.size > 0) this.#lookLater()
    await this.#closeOthers(securities, plan.drainMs)
    for (const at of this.#home.listeners.addresses) {
      const security = securities.get(at.name)
      if (security === undefined) continue
      const open = this.#ports.get(at.name)
      if (open === undefined) this.#open(at, security)
      else open.security = security
    }
  }

  #lookLater(): void {
    this.#timer = this.#home.timers.clock.after(lookMs, () => {
      if (this.#plan !== null) this.follow(this.#plan)
    })
  }

  async #closeOthers(securities: ReadonlyMap<string, QuicSecurity>, drainMs: number): Promise<void> {
    const others = [...this.#ports].filter(([name, { identity }]) => {
      const next = securities.get(name)?.identity ?? null
      return next === null || next.cert !== identity.cert || next.key !== identity.key
    })
    await Promise.all(
      others.map(async ([name, { server }]) => {
        await server.drain(drainMs)
        await server.close()
        this.#ports.delete(name)
      }),
    )
  }

  #open(at: Bound, security: QuicSecurity): void {
    const { identity } = security
    if (identity === null || this.#isClosing) return
    const provider = (this.#provider ??= loadProvider())
    this.#ports.set(at.name, new Port(provider, at, security, identity, this.#home))
  }

  /** Closes all ports; sessions that are left are cut. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#timer?.cancel()
    await Promise.all([...this.#ports.values()].map(({ server }) => server.close()))
    await this.#work
  }
}

function securitiesOf(plan: Plan): ReadonlyMap<string, QuicSecurity> {
  return plan.tls?.quic ?? nothing
}

const nothing: ReadonlyMap<string, QuicSecurity> = new Map()

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
