/**
 * `npm run bench`: Headgate and the proxies that are installed, each on one core, in front of the same origin, under
 * the same load, in rounds that take turns (A B C, A B C), so that what the machine does besides meets all alike.
 *
 * --quick            one round of one second each, nothing written
 * --only a,b         peers whose name or family is in the list
 * --scenario a,b     scenarios by name
 * --rounds N --seconds N
 * --out FILE         where the JSON goes; else bench/results/DATE.json
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { needs } from '../test/programs.ts'
import { runFirstHits } from './first-hits.ts'
import { makeIdentityFiles } from './identity.ts'
import { loadCore, measure, proxyCore, type RunningPeer, type Sample } from './measure.ts'
import { originCommand } from './origin.ts'
import { apache } from './peers/apache.ts'
import { caddy } from './peers/caddy.ts'
import { floor } from './peers/floor.ts'
import { haproxy } from './peers/haproxy.ts'
import { headgate, headgateCache } from './peers/headgate.ts'
import { nginxCachePeers } from './peers/nginx-cache.ts'
import { nginxPeers } from './peers/nginx.ts'
import { nodePeers } from './peers/node-packages.ts'
import type { Peer } from './peers/peer.ts'
import { varnish, varnishCache } from './peers/varnish.ts'
import { freePort, Program } from './processes.ts'
import { writeReport, tableOf } from './report.ts'
import { rowOf, withRatios, type BenchResult, type ScenarioResult } from './results.ts'
import { firstHits, scenarios, type Scenario } from './scenarios.ts'
import { missingFields, verifyBodies, verifyKeeping } from './verify.ts'

const allPeers: readonly Peer[] = [headgate, ...nginxPeers, haproxy, varnish, caddy, apache, ...nodePeers]
const cachePeers: readonly Peer[] = [headgateCache, floor, ...nginxCachePeers, varnishCache]
/** Those whose cache on disk outlives them. */
const diskPeers: readonly Peer[] = [headgateCache, ...nginxCachePeers]

/** Scenarios that are run with the same peers, set up alike. */
interface Setting {
  readonly accessLog: boolean
  readonly isKept: boolean
  readonly isSecure: boolean
}

const settings: readonly Setting[] = [
  { accessLog: false, isKept: false, isSecure: false },
  { accessLog: true, isKept: false, isSecure: false },
  { accessLog: false, isKept: true, isSecure: false },
  { accessLog: false, isKept: false, isSecure: true },
  { accessLog: false, isKept: true, isSecure: true },
]

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    scenario: { type: 'string', default: '' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    out: { type: 'string' },
  },
})
const rounds = Number(options.rounds ?? (options.quick ? 1 : 5))
const seconds = Number(options.seconds ?? (options.quick ? 1 : 4))
/** Answers that are asked for after a restart, in full and in short. */
const firstHitsCount = options.quick ? 2000 : 20_000
const skipped: Record<string, string> = {}
const versions: Record<string, string> = {}

function isWanted(list: string, ...names: string[]): boolean {
  return list === '' || names.some((name) => list.split(',').includes(name))
}

class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'headgate-bench-'))
  readonly #programs: Program[] = []
  #originPort = 0

  async startOrigin(): Promise<void> {
    this.#originPort = await freePort()
    const folder = join(this.folder, 'origin')
    mkdirSync(folder)
    const origin = Program.start(
      'origin',
      originCommand(folder, this.#originPort),
      loadCore,
      join(folder, 'out'),
    )
    this.#programs.push(origin)
    await origin.listening(this.#originPort)
  }

  /** Starts and verifies a peer; null when it cannot run, with the reason noted. */
  async startPeer(peer: Peer, { accessLog, isKept, isSecure }: Setting): Promise<RunningPeer | null> {
    const why = peer.missing()
    if (why !== '') return skip(peer, why)
    const port = await freePort()
    const folder = mkdtempSync(join(this.folder, 'peer-'))
    const command = peer.command({
      folder,
      port,
      originPort: this.#originPort,
      accessLog,
      identity: isSecure ? await makeIdentityFiles(this.folder) : null,
    })
    const program = Program.start(peer.name, command, proxyCore, join(folder, 'out'))
    this.#programs.push(program)
    try {
      await program.listening(port)
      const wrong =
        (await verifyBodies(port, isSecure)) || (isKept ? await verifyKeeping(port, isSecure) : '')
      if (wrong !== '') return skip(peer, `wrong answer: ${wrong}`)
      const missing = isKept ? [] : await missingFields(port, isSecure)
      if (missing.length > 0) console.log(`${peer.name}: does not send ${missing.join(', ')}`)
    } catch (error) {
      return skip(peer, error instanceof Error ? error.message : String(error))
    }
    versions[peer.name] = peer.version()
    return { peer, program, port, ratePerSecond: 0 }
  }

  async runFirstHits(): Promise<ScenarioResult> {
    const peers = diskPeers.filter((peer) => isWanted(options.only, peer.name, peer.family))
    for (const peer of peers) versions[peer.name] = peer.version()
    const { folder } = this
    const result = await runFirstHits({ folder, peers, rounds, count: firstHitsCount, onSkip: skip })
    console.log(`\n${tableOf(result)}`)
    return result
  }

  async close(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.stop()))
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function skip(peer: Peer, why: string): null {
  skipped[peer.name] = why
  console.log(`skipped: ${peer.name} (${why})`)
  return null
}

async function startPeers(bench: Bench, setting: Setting): Promise<RunningPeer[]> {
  const running: RunningPeer[] = []
  for (const peer of setting.isKept ? cachePeers : allPeers) {
    if (!isWanted(options.only, peer.name, peer.family)) continue
    if (setting.accessLog && !peer.logs) continue
    if (setting.isSecure && peer.speaksTls !== true) continue
    const started = await bench.startPeer(peer, setting)
    if (started !== null) running.push(started)
  }
  return running
}

/** A second of wrk each: for warmth, and for the rate of which `half-rate` takes the half. */
async function warmUp(running: readonly RunningPeer[], scenario: Scenario): Promise<void> {
  for (const one of running) {
    const needsRate = scenario.load === 'half-rate' && one.ratePerSecond === 0
    const load = needsRate ? 'wrk' : scenario.load
    if (load === 'half-rate') continue
    const sample = await measure(one, { ...scenario, load }, 1)
    if (needsRate) one.ratePerSecond = sample.requestsPerSecond
  }
}

async function runScenario(running: readonly RunningPeer[], scenario: Scenario): Promise<ScenarioResult> {
  await warmUp(running, scenario)
  const samples = new Map<RunningPeer, Sample[]>(running.map((one) => [one, []]))
  for (let round = 0; round < rounds; round++) {
    for (const one of running) samples.get(one)?.push(await measure(one, scenario, seconds))
  }
  const rows = running.map((one) => rowOf(one.peer.name, one.peer.family, samples.get(one) ?? []))
  if (scenario.name === 'small')
    for (const [i, one] of running.entries()) one.ratePerSecond = rows[i]?.requestsPerSecond ?? 0
  const result = { name: scenario.name, title: scenario.title, rows: withRatios(rows, scenario.isKept) }
  console.log(`\n${tableOf(result)}`)
  return result
}

async function runAll(bench: Bench): Promise<ScenarioResult[]> {
  const wanted = scenarios.filter((scenario) => isWanted(options.scenario, scenario.name))
  const results: ScenarioResult[] = []
  for (const setting of settings) {
    const { accessLog, isKept, isSecure } = setting
    const batch = wanted.filter(
      (one) => one.accessLog === accessLog && one.isKept === isKept && one.isSecure === isSecure,
    )
    if (batch.length === 0) continue
    const running = await startPeers(bench, setting)
    for (const scenario of batch) results.push(await runScenario(running, scenario))
    await Promise.all(running.map((one) => one.program.stop()))
  }
  if (isWanted(options.scenario, firstHits.name)) results.push(await bench.runFirstHits())
  return results
}

function publish(results: readonly ScenarioResult[], loadBefore: number): void {
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    kernel: release(),
    node: process.version,
    loadBefore,
  }
  const date = new Date().toISOString().slice(0, 10)
  const result: BenchResult = { date, machine, rounds, seconds, versions, skipped, scenarios: results }
  const folder = fileURLToPath(new URL('results', import.meta.url))
  if (options.quick && options.out === undefined) return
  mkdirSync(folder, { recursive: true })
  const path = options.out ?? join(folder, `${date}.json`)
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`)
  console.log(`\nwritten: ${path}`)
  if (options.out === undefined) writeReport(result)
}

const lacking = needs('nginx', 'wrk', 'h2load', 'taskset')
if (lacking !== false || cpus().length < 2) {
  // The origin is an nginx and the load comes from wrk, each pinned to a core.
  console.log(`bench: skipped (${lacking === false ? 'needs two cores' : lacking})`)
} else {
  const loadBefore = loadavg()[0] ?? 0
  if (loadBefore > 0.3)
    console.log(`the machine is busy (load ${loadBefore.toFixed(2)}): the figures will be unsteady`)
  const bench = new Bench()
  try {
    await bench.startOrigin()
    publish(await runAll(bench), loadBefore)
  } finally {
    await bench.close()
  }
}
