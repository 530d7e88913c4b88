/**
 * `node bench/handshakes.ts [--rounds N] [--seconds N] [--resume] [--only NAME]`: what a new TLS 1.3 connection costs: one
 * client after the other makes a handshake and goes (`openssl s_time`), in rounds that take turns. Same certificate (ECDSA,
 * P-256) and same group for all (X25519, what that client asks for). The proxy has one core, the client the other.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { findProgram, needs } from '../test/programs.ts'
import { makeIdentityFiles } from './identity.ts'
import { loadCore, proxyCore } from './measure.ts'
import { headgate } from './peers/headgate.ts'
import { nginxPeers } from './peers/nginx.ts'
import type { Peer } from './peers/peer.ts'
import { cpuTime, freePort, Program } from './processes.ts'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    resume: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
})
const seconds = Number(options.seconds)

interface Runner {
  readonly name: string
  readonly port: number
  readonly program: Program
  readonly rates: number[]
  /** Microseconds of CPU for each connection. */
  readonly costs: number[]
}

async function start(peer: Peer, folder: string): Promise<Runner> {
  const port = await freePort()
  const identity = await makeIdentityFiles(folder)
  const own = mkdtempSync(join(folder, 'peer-'))
  const command = peer.command({ folder: own, port, originPort: 9, accessLog: false, identity })
  const program = Program.start(peer.name, command, proxyCore, join(own, 'out'))
  await program.listening(port)
  return { name: peer.name, port, program, rates: [], costs: [] }
}

/** How many connections were made. */
async function connect(port: number, forSeconds: number): Promise<number> {
  const kind = options.resume ? '-reuse' : '-new'
  const where = ['s_time', '-connect', `127.0.0.1:${port}`, kind, '-time', String(forSeconds)]
  const child = spawn('taskset', ['-c', String(loadCore), findProgram('openssl'), ...where], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let text = ''
  child.stdout.setEncoding('utf8')
  for await (const part of child.stdout) text += String(part)
  return Number(/(\d+) connections in \d+ real seconds/.exec(text)?.[1] ?? 0)
}

async function measure(runner: Runner): Promise<void> {
  const before = cpuTime(runner.program.pid)
  const startMs = performance.now()
  const count = await connect(runner.port, seconds)
  const tookMs = performance.now() - startMs
  const after = cpuTime(runner.program.pid)
  const spent = after.user + after.system - before.user - before.system
  runner.rates.push((count * 1000) / tookMs)
  runner.costs.push((spent * 1e6) / Math.max(1, count))
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN
}

function report(runners: readonly Runner[]): void {
  for (const { name, rates, costs } of runners) {
    const cost = median(costs)
    const each = costs.map((one) => one.toFixed(0)).join(' ')
    console.log(
      `${name}: ${median(rates).toFixed(0)} connections a second, ${cost.toFixed(0)} µs of CPU each (${each})`,
    )
  }
  const [ours, theirs] = ['headgate', 'nginx'].map((name) => runners.find((one) => one.name === name))
  if (ours === undefined || theirs === undefined) return
  const byCost = median(theirs.costs.map((cost, i) => cost / (ours.costs[i] ?? NaN)))
  const byRate = median(theirs.rates.map((rate, i) => (ours.rates[i] ?? NaN) / rate))
  console.log(`connections for the same CPU, of nginx's: ${byCost.toFixed(2)}; by rate: ${byRate.toFixed(2)}`)
}

const lacking = needs('nginx', 'openssl', 'taskset')
if (lacking !== false) console.log(`handshakes: skipped (${lacking})`)
else {
  console.log(`load of the machine before: ${(loadavg()[0] ?? 0).toFixed(2)}`)
  const folder = mkdtempSync(join(tmpdir(), 'headgate-handshakes-'))
  const runners: Runner[] = []
  try {
    for (const peer of [headgate, nginxPeers[0] as Peer])
      if (options.only === '' || options.only === peer.name) runners.push(await start(peer, folder))
    for (const runner of runners) await connect(runner.port, 1)
    for (let round = 0; round < Number(options.rounds); round++)
      for (const runner of runners) await measure(runner)
    report(runners)
  } finally {
    await Promise.all(runners.map((runner) => runner.program.stop()))
    rmSync(folder, { recursive: true, force: true })
  }
}
