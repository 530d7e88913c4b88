/** KeeperEntry: one name for which certificates are kept, and when something is due for it. */
import { freshState, type KeptCertificate, type RenewalState } from './certificate-record.ts'
import type { Issuer } from './issuer.ts'
import { earliestTryMs } from './schedule.ts'

export class KeeperEntry {
  readonly name: string
  issuer: Issuer
  /**
   * It came by a handshake rather than from the config: it is renewed while it is asked for, and dropped when
   * it is not.
   */
  readonly isOnDemand: boolean
  certificate: KeptCertificate | null = null
  state: RenewalState = freshState
  isLoaded = false
  isBusy = false
  /** Somebody asked for a new certificate by name. */
  isForced = false
  /** For an entry on demand: a handshake has asked for it since the last certificate was obtained. */
  isWanted = false
  /** By the monotonic clock: when it was last used, and when the worker that orders was last told. */
  usedMs = 0
  toldMs = -Infinity
  readonly #waiting: ((certificate: KeptCertificate | null) => void)[] = []

  constructor(name: string, issuer: Issuer, isOnDemand: boolean) {
    this.name = name
    this.issuer = issuer
    this.isOnDemand = isOnDemand
  }

  needsCertificate(nowMs: number): boolean {
    return this.isForced || this.certificate === null || this.state.renewAtMs <= nowMs
  }

  /** The wall time at which something is due: obtaining a certificate, or asking the CA when to renew. */
  dueMs(nowMs: number): number {
    const { state } = this
    if (this.isForced) return nowMs
    // A certificate that nobody asks for any more is not renewed.
    if (this.isOnDemand && !this.isWanted) return Infinity
    if (this.needsCertificate(nowMs)) return Math.max(state.retryAtMs, earliestTryMs(state.failedAtMs, nowMs))
    return Math.min(state.renewAtMs, state.windowAgainMs)
  }

  /** Resolves to the next certificate, or to null when the coming attempt fails. */
  next(): Promise<KeptCertificate | null> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  settle(certificate: KeptCertificate | null): void {
    for (const resolve of this.#waiting.splice(0)) resolve(certificate)
  }
}
