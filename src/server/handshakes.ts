/**
 * Handshakes: TLS of the listeners that speak it. Handshakes are begun here for each connection, bounded in number,
 * and counted by what they agreed on or by the fault that ended them.
 */
import { Faults, type Fault } from '../core/faults.ts'
import type { Timers } from '../core/timers.ts'
import type { TlsPlan } from '../engine/plan.ts'
import type { ServerConnection } from '../http/serving.ts'
import type { ServerSecurity } from '../net/security.ts'
import type { TlsTransport } from '../net/tls-transport.ts'
import type { Transport } from '../net/transport.ts'
import { TlsStage, type TlsStageOwner } from './tls-stage.ts'
import { TurnedAway } from './turned-away.ts'

export interface HandshakesHome {
  readonly timers: Timers
  readonly onFault: (fault: Fault, peer: string) => void
  /** The handshake is done: returns the connection that serves what it has made. */
  serveDecrypted(name: string, transport: Transport): ServerConnection
  /** `after` has taken the place of `before`. */
  onReplaced(before: ServerConnection, after: ServerConnection): void
  onClosed(connection: ServerConnection): void
}

const noSecurities: ReadonlyMap<string, ServerSecurity> = new Map()

export class Handshakes implements TlsStageOwner {
  /** Handshakes under way. */
  count = 0
  /** Finished handshakes by TLS version: [all, of them resumed]. */
  readonly done: Map<string, [number, number]> = new Map()
  #plan: TlsPlan | null = null
  #next: { readonly plan: TlsPlan; readonly names: ReadonlySet<string> } | null = null
  readonly #home: HandshakesHome

  constructor(home: HandshakesHome) {
    this.#home = home
  }

  /** Applies `plan` to connections to come. */
  configure(plan: TlsPlan | null): void {
    this.#plan = plan
    this.#next = null
  }

  /** Prepares the listeners `names`, which are open already for a plan that is not in force yet. */
  prepare(plan: TlsPlan | null, names: ReadonlySet<string>): void {
    this.#next = plan === null ? null : { plan, names }
  }

  /** Begins a handshake and returns the connection that is in it; null when this listener does not speak TLS. */
  begin(name: string, lower: Transport): ServerConnection | null {
    const plan = this.#next?.names.has(name) === true ? this.#next.plan : this.#plan
    const security = plan?.securities.get(name)
    if (plan === null || security === undefined) return null
    if (this.count >= plan.handshakesMax) {
      this.#home.onFault(Faults.TLS_TOO_MANY, lower.remoteAddress)
      return new TurnedAway(lower, this.#home)
    }
    this.count++
    const { handshakeMs } = plan
    return new TlsStage(lower, { name, security, timers: this.#home.timers, handshakeMs, owner: this })
  }

  /**
   * For a listener that is gone, the rules of one that asks for certificates, since connections of the gone one
   * can still ask for every host.
   */
  rulesOf(name: string): ServerSecurity | null {
    const securities = this.#plan?.securities ?? noSecurities
    return securities.get(name) ?? [...securities.values()].find(({ asksSome }) => asksSome === true) ?? null
  }

  onSecure(stage: TlsStage, transport: TlsTransport): void {
    this.count--
    const { version = '', isResumed = false } = transport.tls ?? {}
    let counts = this.done.get(version)
    if (counts === undefined) this.done.set(version, (counts = [0, 0]))
    counts[0]++
    if (isResumed) counts[1]++
    this.#home.onReplaced(stage, this.#home.serveDecrypted(stage.name, transport))
  }

  onRefused(stage: TlsStage, fault: Fault): void {
    this.#home.onFault(fault, stage.transport.remoteAddress)
  }

  onClosed(stage: TlsStage): void {
    this.count--
    this.#home.onClosed(stage)
  }
}
