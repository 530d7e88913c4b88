/**
 * Fleet: the server or servers that a runner drives, one in this process or several workers. The runner (signals,
 * admin, watch) does not know which.
 */
import type { ExplainedBy, ReloadReport } from '../admin/admin.ts'
import type { RequestToExplain } from '../admin/explain-body.ts'
import type { WarmOrder, WarmProgress } from '../admin/warm-body.ts'
import type { PurgeTotal } from '../cache/purge/purge-total.ts'
import type { PurgeRequest } from '../cache/store/store.ts'
import type { FaultLevel } from '../core/faults.ts'
import type { MetricsSnapshot } from '../engine/metrics.ts'
import type { ListenerPlan, Plan } from '../engine/plan.ts'
import type { CertificateReport } from '../tls/acme/certificate-status.ts'
import type { ConfigSource } from './program.ts'

export interface Fleet {
  /** The plan in force. */
  readonly plan: Plan
  /** Where it listens, as clients see it: 'host:port' or 'unix:/path'. */
  readonly listening: readonly string[]
  /** How many processes are serving. */
  readonly serving: number
  /** Begins to serve. When it cannot, it rejects with the reason and leaves nothing behind. */
  start(): Promise<void>
  /** Takes a new config, or says why not and goes on with the old one. Never rejects. One call at a time. */
  reload(source: ConfigSource): Promise<ReloadReport>
  reopenLogs(): Promise<void>
  /** Explains what would happen to a request in each process. */
  explain(request: RequestToExplain): Promise<readonly ExplainedBy[]>
  /** Makes each process fetch into its cache, or tell its progress. */
  warm(order: WarmOrder): Promise<readonly WarmProgress[]>
  /** Purges every cache; resolves when all have done so, or the time for that is over. */
  purge(requests: readonly PurgeRequest[]): Promise<PurgeTotal>
  /** The count of an earlier purge so far; null when nobody remembers that purge. */
  purgeTotal(id: string): Promise<PurgeTotal | null>
  certificates(): Promise<CertificateReport>
  /**
   * Renews the certificates of these names now, or of all when none is given; resolves to the names that are
   * renewed.
   */
  renewCertificates(names: readonly string[]): Promise<readonly string[]>
  /** Takes no new requests, gives those under way at most `drainMs` to finish, and is then gone. */
  drain(drainMs: number): Promise<readonly unknown[]>
  /** Ends at once. */
  stopNow(): Promise<void>
  metrics(): Promise<MetricsSnapshot>
  status(): Promise<object>
}

/** Writes a sentence to the errors log. */
export type Note = (level: FaultLevel, message: string) => void

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Resolves to null when `promise` takes longer than `ms`. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  const { promise: late, resolve } = Promise.withResolvers<null>()
  const timer = setTimeout(() => resolve(null), ms)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** A listener as people write it: 'host:port' with the port that it got, '*' for every interface, or 'unix:/path'. */
export function listenerText(plan: ListenerPlan, port: number): string {
  if (plan.path !== '') return 'unix:' + plan.path
  const host = plan.host === '' ? '*' : plan.host.includes(':') ? `[${plan.host}]` : plan.host
  return host + ':' + port
}
