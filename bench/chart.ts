/** The chart of the README: CPU time a request, one bar a proxy, user and system stacked; follows light and dark. */
import type { BenchResult, Row, ScenarioResult } from './results.ts'

const barHeight = 22
const barGap = 10
const labelWidth = 160
const barsWidth = 470
const valueWidth = 190
const width = labelWidth + barsWidth + valueWidth
const panelGap = 46

const style = `
  text { font: 13px ui-sans-serif, system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px }
  .quiet { fill: #59636e }
  .own { font-weight: 600 }
  .system { fill: #9fb3c8 } .user { fill: #52718f }
  .own-system { fill: #6bc1b1 } .own-user { fill: #0f8b78 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .quiet { fill: #9198a1 }
    .system { fill: #3d4f63 } .user { fill: #7593b5 }
    .own-system { fill: #14665b } .own-user { fill: #37c2ac }
  }`

/** One row a family: the best. The floor is no proxy (peers/floor.ts). */
function bestRows(scenario: ScenarioResult): Row[] {
  const best = new Map<string, Row>()
  for (const row of scenario.rows) {
    const known = best.get(row.family)
    if (row.family === 'floor') continue
    if (row.errors === 0 && (known === undefined || row.cpu < known.cpu)) best.set(row.family, row)
  }
  return [...best.values()].sort((a, b) => a.cpu - b.cpu)
}

/** Of the proxies for Node the best one is shown, by its own name. */
function labelOf(row: Row): string {
  return row.family === 'node' ? row.peer : row.family
}

function barOf(row: Row, y: number, scale: number): string {
  const own = row.family === 'headgate'
  const prefix = own ? 'own-' : ''
  const system = row.system * scale
  const user = row.user * scale
  const middle = y + barHeight / 2 + 4.5
  const ratio = row.cpuToNginx === null ? '' : ` · ${row.cpuToNginx.toFixed(2)} × nginx`
  return [
    `<text x="${labelWidth - 10}" y="${middle}" text-anchor="end"${own ? ' class="own"' : ''}>${labelOf(row)}</text>`,
    `<rect class="${prefix}system" x="${labelWidth}" y="${y}" width="${system.toFixed(1)}" height="${barHeight}"/>`,
    `<rect class="${prefix}user" x="${(labelWidth + system).toFixed(1)}" y="${y}" width="${user.toFixed(1)}" height="${barHeight}"/>`,
    `<text class="${own ? 'own' : 'quiet'}" x="${(labelWidth + system + user + 8).toFixed(1)}" y="${middle}">${row.cpu.toFixed(1)} µs${ratio}</text>`,
  ].join('\n')
}

function panelOf(scenario: ScenarioResult, top: number): { readonly text: string; readonly bottom: number } {
  const rows = bestRows(scenario)
  const scale = barsWidth / Math.max(...rows.map((row) => row.cpu), 1)
  const title = `<text class="title" x="0" y="${top}">CPU time a request: ${scenario.title}</text>`
  const bars = rows.map((row, i) => barOf(row, top + 16 + i * (barHeight + barGap), scale))
  return { text: [title, ...bars].join('\n'), bottom: top + 16 + rows.length * (barHeight + barGap) }
}

/** The scenarios that a reader asks for first, one panel each. */
export function chartOf(result: BenchResult): string {
  const panels: string[] = []
  let top = 18
  for (const name of ['small', 'browser', '1m', 'kept', 'h2']) {
    const scenario = result.scenarios.find((one) => one.name === name)
    if (scenario === undefined) continue
    const panel = panelOf(scenario, top)
    panels.push(panel.text)
    top = panel.bottom + panelGap - 16
  }
  const note = `One core, 64 connections, loopback; darker: user, lighter: system. ${result.date}, ${result.machine.cpu}.`
  const height = top + 6
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="CPU time a request of Headgate and other proxies">
<style>${style}
</style>
${panels.join('\n')}
<text class="quiet" x="0" y="${top}">${note}</text>
</svg>
`
}
