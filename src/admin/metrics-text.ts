/**
 * A MetricsSnapshot as text: Prometheus' format 0.0.4, or OpenMetrics 1.0 for a scraper that asks for it.
 */
import { metricRows, type MetricRow, type MetricsSnapshot } from '../engine/metrics.ts'

export const prometheusType = 'text/plain; version=0.0.4; charset=utf-8'
export const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/** Does this Accept ask for OpenMetrics? Prometheus names it with its version when it can read it. */
export function wantsOpenMetrics(accept: string): boolean {
  return /application\/openmetrics-text\s*;[^,]*version=1\./.test(accept)
}

/** The families in the order of the table; those without a value are left out. */
export function metricsText(snapshot: MetricsSnapshot, isOpenMetrics = false): string {
  let text = ''
  for (const row of metricRows) {
    const family = snapshot[row.name]
    if (family === undefined) continue
    const name = familyName(row, isOpenMetrics)
    text += `# HELP ${name} ${row.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${row.type}\n`
    for (const [key, value] of Object.entries(family)) text += row.name + key + ' ' + numberText(value) + '\n'
  }
  return isOpenMetrics ? text + '# EOF\n' : text
}

/** OpenMetrics names a counter's family without the suffix of its sample. */
function familyName(row: MetricRow, isOpenMetrics: boolean): string {
  return isOpenMetrics && row.type === 'counter' ? row.name.replace(/_total$/, '') : row.name
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}
