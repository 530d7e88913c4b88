/**
 * May a request that failed be sent again? (RFC 9110 §9.2.2)
 *
 * - It surely was not processed (no connection could be made): yes, even a POST, as long as servers are left.
 * - The connection had served before and died before the first byte: an idempotent request, on a fresh connection.
 *   The origin closed it while it was idle, and our bytes crossed its FIN.
 * - A fresh connection died, or the server fell silent, before the first byte: an idempotent request, and only when
 *   the origin has another server that was not tried. The same one would most likely fail again, and a request that
 *   brings servers down should not bring down the one that just came back.
 * - Otherwise, and whenever a byte of an answer has come or the request's body is gone: no.
 */
import { Faults, faultRow, type Fault } from '../../core/faults.ts'
import type { Exchange, Upstream } from '../../http/exchange.ts'
import { isIdempotent } from '../../http/message.ts'

export interface RetryOptions {
  /** How often a request may be sent again; 0 = nothing is tried twice. */
  readonly retriesMax: number
  /** Connections that cannot be made are tried with each server, and with the first once more. */
  readonly serverCount: number
}

/**
 * Sessions that a request may be left behind in, where each has taken others before it went away: servers end theirs
 * after so many requests, and with more than that at once it takes several.
 */
const goingAwaysMax = 8

/** After a fault before anything was sent. */
export function mayOpenAgain(x: Exchange, fault: Fault, options: RetryOptions): boolean {
  if (options.retriesMax === 0 || faultRow(fault).retry !== 'any') return false
  if (fault === Faults.ORIGIN_GOING_AWAY) return x.attempts <= goingAwaysMax
  return x.attempts <= Math.max(options.retriesMax, options.serverCount)
}

/** After a fault of an attempt that was sent. */
export function maySendAgain(x: Exchange, upstream: Upstream, fault: Fault, options: RetryOptions): boolean {
  const { retry } = faultRow(fault)
  if (upstream.hasAnswered || x.isHeadSent || !x.body.isReplayable) return false
  if (retry === 'any') return mayOpenAgain(x, fault, options)
  if (x.attempts > options.retriesMax || !isIdempotent(x.request.method)) return false
  if (retry === 'if-reused' && upstream.isReused) return true
  const isSilent = fault === Faults.ORIGIN_CLOSED_EARLY || fault === Faults.ORIGIN_FIRST_BYTE_TIMEOUT
  return isSilent && new Set(x.tried).size < options.serverCount
}
