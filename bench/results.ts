/** The outcome of a run, as it is written to `bench/results/*.json`. */
import type { Sample } from './measure.ts'

export interface Row {
  readonly peer: string
  readonly family: string
  /** Medians over the rounds. */
  readonly requestsPerSecond: number
  /** CPU microseconds a request; `cpu` is the median of user + system. */
  readonly cpu: number
  readonly user: number
  readonly system: number
  /** Milliseconds; null where the load does not tell. */
  readonly p50: number | null
  readonly p99: number | null
  readonly memoryBytes: number
  readonly errors: number
  /** CPU a request over that of the better nginx (buffering on or off); null without one. */
  readonly cpuToNginx: number | null
  /** The same to Varnish, where it is measured at its own job; null or left out elsewhere. */
  readonly cpuToVarnish?: number | null
  readonly p99ToNginx: number | null
  /** CPU a request of every round: how steady the figure is. */
  readonly rounds: readonly number[]
}

export interface ScenarioResult {
  readonly name: string
  readonly title: string
  readonly rows: readonly Row[]
}

export interface BenchResult {
  readonly date: string
  readonly machine: {
    readonly cpu: string
    readonly cores: number
    readonly kernel: string
    readonly node: string
    /** Load average of the last minute before the run: above 0.3 the figures are not to be trusted. */
    readonly loadBefore: number
  }
  readonly rounds: number
  readonly seconds: number
  readonly versions: Readonly<Record<string, string>>
  readonly skipped: Readonly<Record<string, string>>
  readonly scenarios: readonly ScenarioResult[]
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

/** Medians of a peer's samples; the ratios are put in by `withRatios`. */
export function rowOf(peer: string, family: string, samples: readonly Sample[]): Row {
  const of = (pick: (sample: Sample) => number): number => median(samples.map(pick))
  return {
    peer,
    family,
    requestsPerSecond: of((sample) => sample.requestsPerSecond),
    cpu: of((sample) => sample.user + sample.system),
    user: of((sample) => sample.user),
    system: of((sample) => sample.system),
    p50: finite(of((sample) => sample.p50)),
    p99: finite(of((sample) => sample.p99)),
    memoryBytes: of((sample) => sample.memoryBytes),
    errors: samples.reduce((sum, sample) => sum + sample.errors, 0),
    cpuToNginx: null,
    p99ToNginx: null,
    rounds: samples.map((sample) => sample.user + sample.system),
  }
}

/** Each row in relation to the nginx that did best, in CPU and in p99 each; of caches to Varnish too. */
export function withRatios(rows: readonly Row[], isKept: boolean): Row[] {
  const varnish = isKept ? (rows.find((row) => row.family === 'varnish')?.cpu ?? NaN) : NaN
  const nginx = rows.filter((row) => row.family === 'nginx' && row.errors === 0)
  const cpu = Math.min(...nginx.map((row) => row.cpu))
  const p99 = Math.min(...nginx.map((row) => row.p99 ?? Infinity))
  return rows.map((row) => ({
    ...row,
    cpuToNginx: finite(row.cpu / cpu) || null,
    cpuToVarnish: finite(row.cpu / varnish) || null,
    p99ToNginx: row.p99 === null ? null : finite(row.p99 / p99) || null,
  }))
}
