/** One measurement: a load through a running proxy, and the CPU time and memory that the proxy spent on it. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { runH2load } from './h2load.ts'
import { bodyOf } from './origin.ts'
import type { Peer } from './peers/peer.ts'
import { cpuTime, memoryBytes, type Program } from './processes.ts'
import type { Scenario } from './scenarios.ts'
import { runWrk, type WrkResult } from './wrk.ts'

/** The proxy has one core to itself; load and origin share the other. */
export const proxyCore = 0
export const loadCore = 1
const connections = 64
const slowReaders = 16

export interface RunningPeer {
  readonly peer: Peer
  readonly program: Program
  readonly port: number
  /** Its requests a second in the scenario `small`; 0 when that was not measured. */
  ratePerSecond: number
}

export interface Sample {
  readonly requests: number
  readonly requestsPerSecond: number
  /** CPU microseconds a request. */
  readonly user: number
  readonly system: number
  readonly p50: number
  readonly p99: number
  readonly memoryBytes: number
  readonly errors: number
}

/** Runs a file of this folder as a process on the load's core and reads the JSON that it prints. */
export async function runLoader(file: string, args: readonly (string | number)[]): Promise<WrkResult> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const words = ['-c', String(loadCore), process.execPath, path, ...args.map(String)]
  const child = spawn('taskset', words, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8')
  for await (const part of child.stdout) text += String(part)
  return JSON.parse(text) as WrkResult
}

function sha256(path: string): string {
  return createHash('sha256').update(bodyOf(path)).digest('hex')
}

async function runLoad(running: RunningPeer, scenario: Scenario, seconds: number): Promise<WrkResult> {
  const { port } = running
  const { path, fields } = scenario
  if (scenario.load === 'slow-reader') {
    // 128 MiB a second over all readers; a second's worth a body each.
    const bodies = Math.max(1, Math.round(seconds))
    return runLoader('slow-reader.ts', [port, path, sha256(path), slowReaders, bodies])
  }
  if (scenario.load === 'half-rate') {
    const rate = Math.floor(running.ratePerSecond / 2)
    return runLoader('paced-load.ts', [port, path, rate, seconds, connections])
  }
  const url = `${scenario.isSecure ? 'https' : 'http'}://127.0.0.1:${port}${path}`
  if (scenario.load === 'h2load') return runH2load(url, seconds, loadCore)
  return runWrk({ url, seconds, connections, fields, core: loadCore })
}

export async function measure(running: RunningPeer, scenario: Scenario, seconds: number): Promise<Sample> {
  return sampleOf(running.program, () => runLoad(running, scenario, seconds))
}

/** What a program spends on a load. */
export async function sampleOf({ pid }: Program, run: () => Promise<WrkResult>): Promise<Sample> {
  const before = cpuTime(pid)
  const load = await run()
  const after = cpuTime(pid)
  const requests = Math.max(1, load.requests)
  return {
    requests: load.requests,
    requestsPerSecond: load.requests / load.seconds,
    user: ((after.user - before.user) * 1e6) / requests,
    system: ((after.system - before.system) * 1e6) / requests,
    p50: load.p50,
    p99: load.p99,
    memoryBytes: memoryBytes(pid),
    errors: load.errors,
  }
}
