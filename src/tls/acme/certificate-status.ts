/** What people are shown of a name and its certificate. */
import type { KeeperEntry } from './keeper-entry.ts'

export interface CertificateStatus {
  readonly name: string
  /** 'ok', 'renewing', 'missing', 'expired', 'failing'. */
  readonly state: 'ok' | 'renewing' | 'missing' | 'expired' | 'failing'
  readonly issuer: string
  readonly isOnDemand: boolean
  /** ISO 8601, '' for none. */
  readonly notBefore: string
  readonly notAfter: string
  readonly renewAt: string
  readonly nextTry: string
  readonly failures: number
  readonly lastError: string
}

/** What one process reports about all names. */
export interface CertificateReport {
  /** Is this the process that orders, and so knows what comes next? */
  readonly isLeader: boolean
  readonly certificates: readonly CertificateStatus[]
}

/** The report for several processes: that of the one that orders, which knows most. */
export function mostKnowing(reports: readonly CertificateReport[]): CertificateReport {
  return reports.find(({ isLeader }) => isLeader) ?? reports[0] ?? { isLeader: false, certificates: [] }
}

export function statusOf(entry: KeeperEntry, nowMs: number): CertificateStatus {
  const { certificate, state } = entry
  const facts = certificate?.facts
  return {
    name: entry.name,
    state: wordOf(entry, nowMs),
    issuer: facts?.issuer ?? entry.issuer.title,
    isOnDemand: entry.isOnDemand,
    notBefore: dateText(facts?.notBeforeMs ?? 0),
    notAfter: dateText(facts?.notAfterMs ?? 0),
    renewAt: dateText(certificate === null ? 0 : state.renewAtMs),
    nextTry: dateText(state.failures === 0 ? 0 : entry.dueMs(nowMs)),
    failures: state.failures,
    lastError: state.lastError,
  }
}

function wordOf(entry: KeeperEntry, nowMs: number): CertificateStatus['state'] {
  const { certificate, state, isBusy } = entry
  if (certificate !== null && certificate.facts.notAfterMs <= nowMs) return 'expired'
  if (state.failures > 0) return certificate === null ? 'missing' : 'failing'
  if (certificate === null) return 'missing'
  return isBusy && entry.needsCertificate(nowMs) ? 'renewing' : 'ok'
}

/** '' for never. */
function dateText(ms: number): string {
  return ms === 0 || !Number.isFinite(ms) ? '' : new Date(ms).toISOString()
}
