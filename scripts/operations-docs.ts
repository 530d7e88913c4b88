/**
 * The tables of docs/operations.md that come from code: metrics and faults. What stands around them is written by hand.
 */
import { faultCount, faultRow } from '../src/core/faults.ts'
import { metricRows } from '../src/engine/metrics.ts'

function metricsTable(): string {
  const lines = metricRows.map(({ name, type, labels, help }) => {
    const shown = labels.length === 0 ? '' : labels.map((label) => '`' + label + '`').join(' ')
    return `| \`${name}\` | ${type} | ${shown} | ${help} |`
  })
  return ['| name | type | labels | meaning |', '|---|---|---|---|', ...lines].join('\n')
}

function faultsTable(): string {
  const lines = Array.from({ length: faultCount - 1 }, (_, i) => {
    const { name, status, side, level, sentence } = faultRow(i + 1)
    return `| \`${name}\` | ${status} | ${side} | ${level} | ${sentence} |`
  })
  return ['| name | status | side | level | meaning |', '|---|---|---|---|---|', ...lines].join('\n')
}

function between(text: string, mark: string, content: string): string {
  const [start, end] = [`<!-- ${mark} -->\n`, `<!-- /${mark} -->`]
  const from = text.indexOf(start)
  const to = text.indexOf(end)
  if (from < 0 || to < from) throw new Error(`docs/operations.md has no place for ${mark}`)
  return text.slice(0, from + start.length) + content + '\n' + text.slice(to)
}

/** The page with its tables made anew. */
export function operationsDocs(page: string): string {
  return between(between(page, 'metrics', metricsTable()), 'faults', faultsTable())
}
