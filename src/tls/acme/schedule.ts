/**
 * When a certificate is renewed, and when a failed attempt is followed by the next. Pure functions.
 *
 * Renewal: where the CA says when (RFC 9773), at a random moment of its window; else at two thirds of the lifetime,
 * or a little earlier by chance, so that certificates ordered together are not renewed together. Either way a third
 * of the lifetime is left for a CA that is down, even of a certificate that lives for six days.
 *
 * Attempts: public CAs allow five failed confirmations per hour and name. Ours come after 2, 10, 30 and 60 minutes
 * and then ever more slowly, and never more than `failuresAnHourMax` in an hour, restarts included.
 */
import type { CertificateFacts } from '../certificate-facts.ts'
import type { AcmeErrorKind } from './problem.ts'

const minuteMs = 60_000
const hourMs: number = 60 * minuteMs
const dayMs: number = 24 * hourMs

/** One below the limit of public CAs. */
export const failuresAnHourMax = 4
/** A CA that asks for more patience than this is asked again all the same. */
export const retryAfterMsMax: number = 7 * dayMs

/**
 * From an order that was done to the next one for the same name. A certificate may be due again when it comes: the CA names a
 * moment that is past, or clocks disagree; a CA that is asked again each time soon gives none any more.
 */
const orderAgainMsMost: number = 6 * hourMs
/** Of a certificate that ends before it begins. */
const orderAgainMsUseless = minuteMs

const renewPart = 2 / 3
const jitterPart = 1 / 20

type Lifetime = Pick<CertificateFacts, 'notBeforeMs' | 'notAfterMs'>

export interface RenewalWindow {
  readonly startMs: number
  readonly endMs: number
}

/** Without renewal information: by the lifetime alone. `random` in [0, 1). */
export function renewAtMs({ notBeforeMs, notAfterMs }: Lifetime, random: number): number {
  const lifetimeMs = notAfterMs - notBeforeMs
  return notBeforeMs + lifetimeMs * (renewPart - jitterPart * random)
}

/** Between orders that were done: of a short life a third, so that it is renewed in time. */
export function orderAgainMs({ notBeforeMs, notAfterMs }: Lifetime): number {
  const lifetimeMs = notAfterMs - notBeforeMs
  return lifetimeMs <= 0 ? orderAgainMsUseless : Math.min(lifetimeMs / 3, orderAgainMsMost)
}

/** A moment of the CA's window, each as likely as another (RFC 9773 §4.2). */
export function momentOf({ startMs, endMs }: RenewalWindow, random: number): number {
  return startMs + (endMs - startMs) * random
}

/** Between looks at the renewal information: what the CA says, from an hour to a day (RFC 9773 §4.3.2). */
export function renewalInfoAfterMs(retryAfterMs: number): number {
  return Math.min(Math.max(retryAfterMs === 0 ? 6 * hourMs : retryAfterMs, hourMs), dayMs)
}

const failedMs = [2 * minuteMs, 10 * minuteMs, 30 * minuteMs, hourMs, 3 * hourMs, 6 * hourMs, 12 * hourMs]
/** Nothing was asked of the CA's limits: sooner. */
const unreachableMs = [5000, 15_000, 30_000, minuteMs, 2 * minuteMs, 5 * minuteMs, 10 * minuteMs]
const refusedMs = [10 * minuteMs, hourMs, 6 * hourMs, dayMs]
const waitMs = [hourMs, 3 * hourMs, 6 * hourMs, 12 * hourMs]

/** After `failures` in a row, the last of this kind. Up to a tenth later by chance. */
export function retryAfter(kind: AcmeErrorKind, failures: number, toldMs: number, random: number): number {
  const steps = { failed: failedMs, unreachable: unreachableMs, refused: refusedMs, wait: waitMs }[kind]
  const step = steps[Math.min(Math.max(failures, 1), steps.length) - 1] as number
  // What the CA says holds; for limits without a word of it, the step.
  const told = Math.min(toldMs, retryAfterMsMax)
  const baseMs = kind === 'wait' && told > 0 ? told : Math.max(step, told)
  return baseMs * (1 + 0.1 * random)
}

/** Not before this, whatever the steps say: `failedMs` are wall times of confirmations that failed. */
export function earliestTryMs(failedAtMs: readonly number[], nowMs: number): number {
  const recent = failedAtMs.filter((atMs) => atMs > nowMs - hourMs && atMs <= nowMs)
  if (recent.length < failuresAnHourMax) return 0
  return (recent.at(-failuresAnHourMax) as number) + hourMs
}
