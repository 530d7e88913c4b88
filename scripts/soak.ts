/**
 * `npm run soak [-- --seconds N]`: mixed traffic against a real Headgate for half an hour (or N seconds), then rest.
 *
 * Holds when no client met anything but what it must; when memory alive in Headgate does not grow from an early round to
 * the last; and when at rest no connection, tunnel, exchange, deadline or handle is left, and no origin has anything
 * under way.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { Agent } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { soakClients, type SoakTarget } from './soak-clients.ts'
import { SoakOrigin } from './soak-origin.ts'
import type { SoakMeasure } from './soak-server.ts'

const { values: options } = parseArgs({ options: { seconds: { type: 'string', default: '1800' } } })
const seconds = Number(options.seconds)
const rounds = 6
/** Compared with the last: the first ones fill pools and compile code. */
const earlyRound = 1
const growthBytesMax = 6 * 1024 * 1024
const rssGrowthBytesMax = 48 * 1024 * 1024
/** The longest deadline of the soak's config, and a round of the timer wheel. */
const restMs = 40_000

const problems: string[] = []
const done = new Map<string, number>()

function problem(text: string): void {
  problems.push(text)
  if (problems.length <= 20) console.log(`PROBLEM ${text}`)
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

class Headgate {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
    child.once('exit', (code) => {
      if (code !== 0) problem(`Headgate ended with ${code}`)
    })
  }

  static async start(port: number, originPorts: readonly number[]): Promise<Headgate> {
    const path = fileURLToPath(new URL('soak-server.ts', import.meta.url))
    const child = fork(path, [port, ...originPorts].map(String), { execArgv: ['--expose-gc'] })
    const headgate = new Headgate(child)
    await headgate.#hear()
    return headgate
  }

  #hear(): Promise<unknown> {
    return new Promise((resolve) => this.#child.once('message', resolve))
  }

  async measure(): Promise<SoakMeasure> {
    const answer = this.#hear()
    this.#child.send('measure')
    return (await answer) as SoakMeasure
  }

  async reload(): Promise<void> {
    const answer = this.#hear()
    this.#child.send('reload')
    const said = await answer
    if (said !== 'reloaded') problem(`reload: ${String(said)}`)
  }

  stop(): void {
    this.#child.disconnect()
  }
}

/** Runs one kind of client again and again until `endMs`. */
async function repeat(name: string, target: SoakTarget, endMs: number): Promise<void> {
  while (performance.now() < endMs) {
    try {
      await soakClients[name]?.run(target)
      done.set(name, (done.get(name) ?? 0) + 1)
    } catch (error) {
      problem(`${name}: ${error instanceof Error ? error.message : String(error)}`)
      await sleep(100)
    }
    // Turns of other clients: none may fill the loop by itself.
    await sleep(1)
  }
}

async function runRound(headgate: Headgate, target: SoakTarget, roundMs: number): Promise<SoakMeasure> {
  const endMs = performance.now() + roundMs
  const running = Object.entries(soakClients).flatMap(([name, { count }]) =>
    Array.from({ length: count }, () => repeat(name, target, endMs)),
  )
  while (performance.now() < endMs - 1000) {
    await headgate.reload()
    await sleep(Math.min(2000, roundMs / 4))
  }
  await Promise.all(running)
  return headgate.measure()
}

function isAtRest(measure: SoakMeasure): boolean {
  const { connections, tunnels, inFlight, deadlines } = measure
  return connections + tunnels + inFlight + deadlines + measure.handles.length === 0
}

/** Waits for rest; what is left after that is a leak. */
async function rest(headgate: Headgate, origins: readonly SoakOrigin[]): Promise<void> {
  const endMs = performance.now() + restMs
  let last = await headgate.measure()
  while (!isAtRest(last) && performance.now() < endMs) {
    await sleep(500)
    last = await headgate.measure()
  }
  if (!isAtRest(last)) problem(`left at rest: ${JSON.stringify(last)}`)
  for (const origin of origins) {
    if (origin.underWay > 0) problem(`an origin has ${origin.underWay} answers under way`)
  }
  console.log(`at rest: ${JSON.stringify({ ...last, origins: undefined })}`)
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}

function checkGrowth(measures: readonly SoakMeasure[]): void {
  const early = measures[earlyRound]
  const last = measures.at(-1)
  if (early === undefined || last === undefined) return
  const growth = last.liveBytes - early.liveBytes
  const rssGrowth = last.rssBytes - early.rssBytes
  console.log(
    `alive: ${mebibytes(growth)} more than in round ${earlyRound + 1}; resident: ${mebibytes(rssGrowth)} more`,
  )
  if (growth > growthBytesMax) problem(`memory alive grew by ${mebibytes(growth)}`)
  if (rssGrowth > rssGrowthBytesMax) problem(`resident memory grew by ${mebibytes(rssGrowth)}`)
}

async function soak(): Promise<void> {
  const origins = [new SoakOrigin(), new SoakOrigin()]
  const originPorts = await Promise.all(origins.map((origin) => origin.listen()))
  const port = await freePort()
  const headgate = await Headgate.start(port, originPorts)
  // Idle ones go well before Headgate closes them (`idle: 3s`): a client that writes just then meets a reset, whoever
  // serves it, and on a busy machine that happened.
  const agent = new Agent({ keepAlive: true, maxSockets: 64, timeout: 1000 })
  const measures: SoakMeasure[] = []
  for (let round = 1; round <= rounds; round++) {
    const measure = await runRound(headgate, { port, agent }, (seconds * 1000) / rounds)
    measures.push(measure)
    const { rssBytes, liveBytes, connections, deadlines } = measure
    console.log(
      `round ${round}: resident ${mebibytes(rssBytes)}, alive ${mebibytes(liveBytes)}, ${connections} connections, ${deadlines} deadlines`,
    )
  }
  agent.destroy()
  checkGrowth(measures)
  await rest(headgate, origins)
  headgate.stop()
  for (const origin of origins) origin.close()
}

await soak()
console.log(Array.from(done, ([name, count]) => `${count} ${name}`).join(', '))
console.log(problems.length === 0 ? 'soak: holds' : `soak: ${problems.length} problems`)
process.exitCode = problems.length === 0 ? 0 : 1
