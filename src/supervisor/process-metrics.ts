/** What the process itself costs, under the metric names that prom-client made common. */
import { readFileSync, readdirSync } from 'node:fs'
import { monitorEventLoopDelay, performance, type EventLoopUtilization } from 'node:perf_hooks'
import { Metric, setSample, type MetricsSnapshot } from '../engine/metrics.ts'

/** 20 looks a second: enough for a percentile over a scrape's interval. */
const lagResolutionMs = 50

export class ProcessMetrics {
  readonly #lag = monitorEventLoopDelay({ resolution: lagResolutionMs })
  #utilization: EventLoopUtilization = performance.eventLoopUtilization()
  readonly #startSeconds = (Date.now() - performance.now()) / 1000

  constructor() {
    this.#lag.enable()
  }

  /** Adds the process's values to `snapshot`. What a system does not tell is left out. */
  write(snapshot: MetricsSnapshot): void {
    const cpu = process.cpuUsage()
    setSample(snapshot, Metric.CPU_USER, '', cpu.user / 1e6)
    setSample(snapshot, Metric.CPU_SYSTEM, '', cpu.system / 1e6)
    setSample(snapshot, Metric.CPU, '', (cpu.user + cpu.system) / 1e6)
    setSample(snapshot, Metric.START_TIME, '', this.#startSeconds)
    const memory = process.memoryUsage()
    setSample(snapshot, Metric.RESIDENT, '', memory.rss)
    setSample(snapshot, Metric.HEAP_TOTAL, '', memory.heapTotal)
    setSample(snapshot, Metric.HEAP_USED, '', memory.heapUsed)
    setSample(snapshot, Metric.EXTERNAL, '', memory.external)
    const openFds = openDescriptors()
    if (openFds >= 0) setSample(snapshot, Metric.OPEN_FDS, '', openFds)
    const maxFds = descriptorsMax()
    if (maxFds >= 0) setSample(snapshot, Metric.MAX_FDS, '', maxFds)
    this.#writeLoop(snapshot)
  }

  #writeLoop(snapshot: MetricsSnapshot): void {
    const p99 = this.#lag.percentile(99) / 1e9
    // The monitor measures its own interval with the delay.
    const lag = Number.isFinite(p99) ? Math.max(0, p99 - lagResolutionMs / 1000) : 0
    this.#lag.reset()
    setSample(snapshot, Metric.LOOP_LAG, '', lag)
    const now = performance.eventLoopUtilization()
    const since = performance.eventLoopUtilization(now, this.#utilization)
    this.#utilization = now
    setSample(snapshot, Metric.LOOP_USE, '', since.utilization)
  }

  close(): void {
    this.#lag.disable()
  }
}

function openDescriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return -1
  }
}

/** The soft limit; -1 where there is no /proc, or no limit. */
function descriptorsMax(): number {
  try {
    const match = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
    return match === null ? -1 : Number(match[1])
  } catch {
    return -1
  }
}
