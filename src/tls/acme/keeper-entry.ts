/** KeeperEntry: one name for which certificates are kept, and when something is due for it. */
import { freshState, type KeptCertificate, type RenewalState } from './certificate-record.ts'
import type { Issuer } from './issuer.ts'
import { earliestTryMs } from './schedule.ts'

export class KeeperEntry {
  readonly name: string
  issuer: Issuer
  /** Came by a handshake rather than from the config: renewed when it is asked for, and let go when it is not. */
  readonly isOnDemand: boolean
  certificate: KeptCertificate | null = null
  state: RenewalState = freshState
  isLoaded = false
  isBusy = false
  /** Somebody asked for a new one by name. */
  isForced = false
  /** Of one that came on demand: a handshake has asked for it since the last one was had. */
  isWanted = false
  /** By the clock's own time: used last, and told of last to the worker that orders. */
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

  /** Wall time at which something is to be done: a certificate to be had, or the CA to be asked when. */
  dueMs(nowMs: number): number {
    const { state } = this
    if (this.isForced) return nowMs
    // What nobody asks for any more is not renewed.
    if (this.isOnDemand && !this.isWanted) return Infinity
    if (this.needsCertificate(nowMs)) return Math.max(state.retryAtMs, earliestTryMs(state.failedAtMs, nowMs))
    return Math.min(state.renewAtMs, state.windowAgainMs)
  }

  /** Resolves with the next certificate, or null when the try that is coming fails. */
  next(): Promise<KeptCertificate | null> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  settle(certificate: KeptCertificate | null): void {
    for (const resolve of this.#waiting.splice(0)) resolve(certificate)
  }
}
