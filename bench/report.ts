/**
 * What a run is shown as: a table for the terminal and for markdown, and a chart for the README. Run by itself it
 * makes both anew from the newest file in `bench/results`.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { chartOf } from './chart.ts'
import type { BenchResult, Row, ScenarioResult } from './results.ts'

const resultsFolder = new URL('results/', import.meta.url)
const chartPath = fileURLToPath(new URL('../docs/bench.svg', import.meta.url))

function digits(value: number | null, places: number): string {
  return value === null ? '–' : value.toFixed(places)
}

function cells(row: Row): string[] {
  return [
    row.peer,
    row.requestsPerSecond.toFixed(0),
    row.cpu.toFixed(1),
    row.user.toFixed(1),
    row.system.toFixed(1),
    digits(row.cpuToNginx, 2),
    digits(row.cpuToVarnish ?? null, 2),
    digits(row.p50, 2),
    digits(row.p99, 2),
    (row.memoryBytes / 1024 / 1024).toFixed(0),
    String(row.errors),
  ]
}

const heads = [
  '',
  'requests/s',
  'CPU µs',
  'user',
  'system',
  '× nginx',
  '× Varnish',
  'p50 ms',
  'p99 ms',
  'MiB',
  'errors',
]
/** Left out of a table in which no row has it. */
const varnishColumn = 6

/** A scenario as a markdown table, aligned for reading as it is. */
export function tableOf(scenario: ScenarioResult): string {
  const hasVarnish = scenario.rows.some((row) => typeof row.cpuToVarnish === 'number')
  const lines = [heads, ...scenario.rows.map(cells)].map((line) =>
    hasVarnish ? line : line.toSpliced(varnishColumn, 1),
  )
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  )
  const pad = (text: string, column: number): string => {
    const width = widths[column] ?? 0
    return column === 0 ? text.padEnd(width) : text.padStart(width)
  }
  const print = (line: readonly string[]): string => `| ${line.map(pad).join(' | ')} |`
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  const [head = [], ...rows] = lines
  return `**${scenario.title}**\n\n${[print(head), rule, ...rows.map(print)].join('\n')}\n`
}

function markdownOf(result: BenchResult): string {
  const { machine } = result
  const versions = Object.entries(result.versions).map(([name, version]) => `${name} ${version}`)
  const skipped = Object.entries(result.skipped).map(([name, why]) => `${name} (${why})`)
  const lines = [
    `Measured on ${result.date}: ${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, Node ${machine.node};`,
    `medians of ${result.rounds} rounds of ${result.seconds} s; load average before the run ${machine.loadBefore.toFixed(2)}.`,
    `Versions: ${versions.join(', ')}.`,
    skipped.length === 0 ? '' : `Not run: ${skipped.join(', ')}.`,
    '',
    'CPU µs: user + system time of the proxy’s processes, divided by the requests; × nginx: against the better of nginx',
    'with and without buffering in the same run; MiB: proportional set size after the load.',
    '',
    ...result.scenarios.map(tableOf),
  ]
  return `${lines.join('\n')}\n`
}

/** Writes `bench/results/latest.md` and `docs/bench.svg`. */
export function writeReport(result: BenchResult): void {
  writeFileSync(new URL('latest.md', resultsFolder), markdownOf(result))
  writeFileSync(chartPath, chartOf(result))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const newest = readdirSync(resultsFolder)
    .filter((name) => /^\d{4}-\d\d-\d\d.*\.json$/.test(name))
    .sort()
    .at(-1)
  if (newest === undefined) throw new Error('there is no result yet: npm run bench')
  writeReport(JSON.parse(readFileSync(new URL(newest, resultsFolder), 'utf8')) as BenchResult)
}
