/**
 * `workers: 1`: the server runs in this process and nothing is forked.
 */
import type { ExplainedBy, ReloadReport } from '../admin/admin.ts'
import type { RequestToExplain } from '../admin/explain-body.ts'
import type { WarmOrder, WarmProgress } from '../admin/warm-body.ts'
import { totalOf, type PurgeTotal } from '../cache/purge/purge-total.ts'
import type { PurgeRequest } from '../cache/store/store.ts'
import { Metric, setSample, type MetricsSnapshot } from '../engine/metrics.ts'
import type { Plan } from '../engine/plan.ts'
import { listenerText, messageOf, within, type Fleet } from './fleet.ts'
import { mostKnowing, type CertificateReport } from '../tls/acme/certificate-status.ts'
import { ProcessMetrics } from './process-metrics.ts'
import { readSource, type ConfigSource, type Program, type RunningServer } from './program.ts'

/** How long requests that are cut have to be logged. */
const stopMs = 500

export class SingleFleet implements Fleet {
  readonly #program: Program
  readonly #server: RunningServer
  readonly #processMetrics = new ProcessMetrics()
  #isServing = false

  /** `server` has been made and does not listen yet. */
  constructor(program: Program, server: RunningServer) {
    this.#program = program
    this.#server = server
  }

  get plan(): Plan {
    return this.#server.plan
  }

  get listening(): readonly string[] {
    const { addresses } = this.#server
    return this.plan.listeners.map((plan) => {
      const bound = addresses.find((address) => address.name === plan.name)
      return listenerText(plan, bound?.port ?? plan.port)
    })
  }

  get serving(): number {
    return this.#isServing ? 1 : 0
  }

  async start(): Promise<void> {
    await this.#server.listen()
    this.#isServing = true
  }

  async reload(source: ConfigSource): Promise<ReloadReport> {
    try {
      const config = await readSource(this.#program, source)
      await this.#server.prepare(config)
      this.#server.commit()
      return { isTaken: true, hash: this.plan.hash, reason: '' }
    } catch (error) {
      return { isTaken: false, hash: this.plan.hash, reason: messageOf(error) }
    }
  }

  async reopenLogs(): Promise<void> {
    await this.#server.reopenLogs()
  }

  async explain(request: RequestToExplain): Promise<readonly ExplainedBy[]> {
    return [{ pid: process.pid, explanation: this.#server.explain?.(request) ?? {} }]
  }

  async warm(order: WarmOrder): Promise<readonly WarmProgress[]> {
    const progress = this.#server.warm?.(order)
    return progress === undefined ? [] : [progress]
  }

  async purge(requests: readonly PurgeRequest[]): Promise<PurgeTotal> {
    return this.#server.purge?.(requests) ?? totalOf([])
  }

  async purgeTotal(id: string): Promise<PurgeTotal | null> {
    return this.#server.purgeTotal?.(id) ?? null
  }

  async certificates(): Promise<CertificateReport> {
    return this.#server.certificates?.() ?? mostKnowing([])
  }

  async renewCertificates(names: readonly string[]): Promise<readonly string[]> {
    return this.#server.renewCertificates?.(names) ?? []
  }

  async drain(drainMs: number): Promise<readonly unknown[]> {
    const report = await this.#server.close({ drainMs })
    this.#end()
    return [report]
  }

  async stopNow(): Promise<void> {
    await within(this.#server.close({ drainMs: 0 }), stopMs)
    this.#server.stopNow()
    this.#end()
  }

  #end(): void {
    this.#isServing = false
    this.#processMetrics.close()
  }

  async metrics(): Promise<MetricsSnapshot> {
    const snapshot = this.#server.snapshot()
    this.#processMetrics.write(snapshot)
    setSample(snapshot, Metric.WORKERS, '', this.serving)
    setSample(snapshot, Metric.WORKER_CRASHES, '', 0)
    return snapshot
  }

  async status(): Promise<object> {
    return { workers: [{ pid: process.pid, ...this.#server.status() }] }
  }
}
