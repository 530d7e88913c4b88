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
  /** The plan that runs. */
  readonly plan: Plan
  /** What is listened on, as the clients see it: 'host:port' or 'unix:/path'. */
  readonly listening: readonly string[]
  /** How many serve now. */
  readonly serving: number
  /** Begins to serve. Rejects with the reason when it cannot; then nothing is left behind. */
  start(): Promise<void>
  /** Takes a config, or says why not and goes on with the old one. Never rejects. One at a time. */
  reload(source: ConfigSource): Promise<ReloadReport>
  reopenLogs(): Promise<void>
  /** What would happen to a request in each process. */
  explain(request: RequestToExplain): Promise<readonly ExplainedBy[]>
  /** Has each process fetch into its cache, or tell how far it is. */
  warm(order: WarmOrder): Promise<readonly WarmProgress[]>
  /** Purges every cache; resolves when all have, or the time for that is over. */
  purge(requests: readonly PurgeRequest[]): Promise<PurgeTotal>
  /** What has been counted of an earlier purge until now; null: nobody remembers it. */
  purgeTotal(id: string): Promise<PurgeTotal | null>
  certificates(): Promise<CertificateReport>
  /** Has these renewed now, or all when none is named; gives the names that are. */
  renewCertificates(names: readonly string[]): Promise<readonly string[]>
  /** Serves no new requests, finishes those under way for at most `drainMs`, and is then gone. */
  drain(drainMs: number): Promise<readonly unknown[]>
  /** Ends at once. */
  stopNow(): Promise<void>
  metrics(): Promise<MetricsSnapshot>
  status(): Promise<object>
}

/** A sentence for the errors log. */
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
