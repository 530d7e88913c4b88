/**
 * First hits after a restart: caches that keep on disk are filled, stopped, and started again, and then asked for each
 * answer once. The origin is gone by then, so that whatever does not come from the disk is an error. The files lie in the
 * kernel's memory, as they do after the restart of a program.
 *
 * The first answers are not counted: what is measured is not how a program warms up. Every round restarts every peer, in
 * turns.
 */
import { mkdirSync, mkdtempSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadCore, proxyCore, runLoader, sampleOf, type Sample } from './measure.ts'
import { bodyOf, originCommand } from './origin.ts'
import type { Peer } from './peers/peer.ts'
import { freePort, Program, type Command } from './processes.ts'
import { rowOf, withRatios, type ScenarioResult } from './results.ts'
import { firstHits } from './scenarios.ts'
import { fetchBody } from './verify.ts'

const connections = 64
/** So many that no cache drops what waits to be written. */
const fillConnections = 8
const fillStep = 2000
const fillMs = 30_000

export interface FirstHitsOptions {
  readonly folder: string
  readonly peers: readonly Peer[]
  readonly rounds: number
  /** Answers that are measured, and as many that warm up. */
  readonly count: number
  /** A peer that cannot run. */
  readonly onSkip: (peer: Peer, why: string) => void
}

interface Kept {
  readonly peer: Peer
  readonly command: Command
  readonly port: number
  readonly folder: string
  readonly diskFolder: string
  readonly samples: Sample[]
}

export async function runFirstHits(options: FirstHitsOptions): Promise<ScenarioResult> {
  const kept = await fillAll(options)
  for (let round = 0; round < options.rounds; round++) {
    for (const one of kept) one.samples.push(await measureOne(one, options.count))
  }
  const rows = kept.map(({ peer, samples }) => rowOf(peer.name, peer.family, samples))
  return { ...firstHits, rows: withRatios(rows, true) }
}

async function fillAll({ folder, peers, count, onSkip }: FirstHitsOptions): Promise<Kept[]> {
  const originPort = await freePort()
  const originFolder = join(folder, 'first-hits-origin')
  mkdirSync(originFolder)
  const command = originCommand(originFolder, originPort)
  const origin = Program.start('origin', command, loadCore, join(originFolder, 'out'))
  const kept: Kept[] = []
  try {
    await origin.listening(originPort)
    for (const peer of peers) {
      const why = peer.missing()
      const one = why === '' ? await fill(peer, folder, originPort, count * 2).catch(messageOf) : why
      if (typeof one === 'string') onSkip(peer, one)
      else kept.push(one)
    }
  } finally {
    await origin.stop()
  }
  return kept
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

async function fill(peer: Peer, parent: string, originPort: number, count: number): Promise<Kept> {
  const folder = mkdtempSync(join(parent, 'kept-'))
  const diskFolder = join(folder, 'disk')
  mkdirSync(diskFolder)
  const port = await freePort()
  const command = peer.command({ folder, port, originPort, accessLog: false, identity: null, diskFolder })
  const kept = { peer, command, port, folder, diskFolder, samples: [] }
  const program = await start(kept)
  try {
    for (let first = 0; first < count; first += fillStep) {
      const step = Math.min(fillStep, count - first)
      await runLoader('first-load.ts', [port, first, step, fillConnections])
      await written(diskFolder, first + step)
    }
    const { body } = await fetchBody(port, '/kept/n/0')
    if (!body.equals(bodyOf('/kept/1k'))) throw new Error('wrong answer: /kept/n/0 gave another body')
  } finally {
    await program.stop()
  }
  return kept
}

async function start({ peer, command, port, folder }: Kept): Promise<Program> {
  const program = Program.start(peer.name, command, proxyCore, join(folder, 'out'))
  await program.listening(port)
  return program
}

/** Waits until as many files are there. */
async function written(folder: string, count: number): Promise<void> {
  const endMs = performance.now() + fillMs
  for (let there = 0; there < count; await sleep(100)) {
    there = filesIn(folder)
    if (performance.now() > endMs) throw new Error(`${there} of ${count} answers are on disk`)
  }
}

/** Of answers, which are all as large; not what a cache keeps beside them. */
function filesIn(folder: string): number {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names.filter((name) => /(^|\/)[0-9a-f]{32}$/.test(name) && statSync(join(folder, name)).isFile())
    .length
}

async function measureOne(kept: Kept, count: number): Promise<Sample> {
  const program = await start(kept)
  try {
    await runLoader('first-load.ts', [kept.port, 0, count, connections])
    return await sampleOf(program, () => runLoader('first-load.ts', [kept.port, count, count, connections]))
  } finally {
    await program.stop()
  }
}
