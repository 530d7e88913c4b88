/**
 * The serving contexts of single HTTP versions: what the server of one version sees of the owner of all connections.
 */
import type { DateText } from '../core/clock.ts'
import type { Fault, FaultLevel } from '../core/faults.ts'
import type { Timers } from '../core/timers.ts'
import type { H3Context } from '../h3/server.ts'
import type { Serve } from '../http/exchange.ts'
import type { ConnectionLimits } from '../http/limits.ts'
import type { ServerConnection, ServingContext } from '../http/serving.ts'
import type { ConnectionGuard } from '../net/security.ts'

/** Who owns the connections of all versions. */
export interface AllVersions extends ServingContext {
  readonly isFull: boolean
  turnsAway(address: string): boolean
  onOpened(connection: ServerConnection): void
  onFault(fault: Fault, peer: string): void
  note(level: FaultLevel, message: string): void
}

export class OneVersionContext implements ServingContext {
  readonly serve: Serve
  readonly timers: Timers
  readonly dateText: DateText
  protected readonly all: AllVersions

  constructor(all: AllVersions) {
    this.serve = all.serve
    this.timers = all.timers
    this.dateText = all.dateText
    this.all = all
  }

  get limits(): ConnectionLimits {
    return this.all.limits
  }

  onClosed(connection: ServerConnection): void {
    this.all.onClosed(connection)
  }
}

/** Sessions of HTTP/3 are connections like the others. */
export class Http3Context extends OneVersionContext implements H3Context {
  readonly guard: ConnectionGuard

  constructor(all: AllVersions, guard: ConnectionGuard) {
    super(all)
    this.guard = guard
  }

  takes(address: string): boolean {
    return !this.all.isFull && !this.all.turnsAway(address)
  }

  onOpened(session: ServerConnection): void {
    this.all.onOpened(session)
  }

  onFault(fault: Fault, peer: string): void {
    this.all.onFault(fault, peer)
  }

  note(level: FaultLevel, message: string): void {
    this.all.note(level, message)
  }
}
