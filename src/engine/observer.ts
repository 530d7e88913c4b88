/**
 * Observer: is told what happens to exchanges, so that the engine knows neither logs nor counters.
 *
 * Promises of the engine: every exchange that was served or refused is reported exactly once, by `onFinish` or by
 * `onRefuse`; `x` is borrowed and goes back to its pool when the call returns. An observer never throws and never
 * waits.
 */
import type { Fault, FaultLevel } from '../core/faults.ts'
import type { Exchange } from '../http/exchange.ts'

export interface Observer {
  /** The exchange is over: answered, cut or abandoned. `x` holds everything that the log tells. */
  onFinish(x: Exchange, nowMs: number): void
  /** A child exchange is over: a request that the cache made to an origin, on no client's behalf. */
  onFetch(x: Exchange, nowMs: number): void
  /** A head that could not be read was answered from the fault table; `x.request` may be partly filled. */
  onRefuse(x: Exchange, fault: Fault, nowMs: number): void
  /**
   * An attempt or the whole exchange failed: for the counters and the errors log. `x.upstreamAddress` tells
   * where.
   */
  onFault(x: Exchange, fault: Fault): void
  /** A callback came from an attempt that is no longer current, and was dropped. */
  onStaleCallback(): void
  /** Writes a sentence to the errors log. */
  note(level: FaultLevel, message: string): void
}

/** Hears everything and does nothing. */
export const silentObserver: Observer = {
  onFinish() {},
  onFetch() {},
  onRefuse() {},
  onFault() {},
  onStaleCallback() {},
  note() {},
}
