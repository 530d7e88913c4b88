/**
 * A program for the tests of the supervisor: a server of a few lines in the place of Headgate's, whose config tells it
 * to misbehave. It counts its requests under the name of a real metric.
 */
import { createHash } from 'node:crypto'
import { appendFileSync, readFileSync } from 'node:fs'
import * as http from 'node:http'
import type { Server } from 'node:net'
import { Metric, setSample, type MetricsSnapshot } from '../../src/engine/metrics.ts'
import type { LogPlan, Plan } from '../../src/engine/plan.ts'
import type { Peers } from '../../src/core/peers.ts'
import type { RunningServer, RunningServerOptions } from '../../src/supervisor/program.ts'

export interface StubConfig {
  readonly workers: number
  readonly listeners: readonly { readonly name: string; readonly port: number; readonly path?: string }[]
  readonly reply: string
  readonly adminListen?: string
  readonly drainMs?: number
  readonly errorPath?: string
  readonly accessPath?: string
  /** Every worker says: this config is wrong. */
  readonly wrong?: string
  /** Workers say so, the supervisor does not. */
  readonly wrongInWorkers?: string
  /** Workers find another hash each. */
  readonly hashDiffers?: boolean
  /** Making a server takes this long. */
  readonly slowMs?: number
  /** A worker dies while it starts. */
  readonly diesAtStart?: boolean
}

const isWorker = process.send !== undefined

function planOf(config: StubConfig): Plan {
  // As Headgate's: of what the config says, not of where it was read.
  const said = { ...config, source: undefined, files: undefined }
  const text = JSON.stringify(said) + (config.hashDiffers === true && isWorker ? process.pid : '')
  const log: LogPlan = {
    access: false,
    level: 'info',
    accessPath: '',
    errorPath: config.errorPath ?? '',
    redactQuery: [],
    redactFields: [],
    queueBytesMax: 1 << 20,
  }
  return {
    hash: createHash('sha256').update(text).digest('hex'),
    listeners: config.listeners.map(({ name, port, path }) => ({
      name,
      host: '127.0.0.1',
      port,
      path: path ?? '',
      backlog: 128,
    })),
    log,
    admin: { listen: config.adminListen ?? '' },
    drainMs: config.drainMs ?? 1000,
    workers: config.workers,
  } as unknown as Plan
}

function check(config: StubConfig): void {
  if (config.wrong !== undefined) throw new Error(config.wrong)
  if (isWorker && config.wrongInWorkers !== undefined) throw new Error(config.wrongInWorkers)
}

export class StubServer implements RunningServer {
  plan: Plan
  requests = 0
  heard: string[] = []
  #config: StubConfig
  #next: StubConfig | null = null
  readonly #servers = new Map<string, http.Server>()
  readonly #peers: Peers | undefined

  constructor(config: StubConfig, options: RunningServerOptions) {
    this.#config = config
    this.plan = planOf(config)
    this.#peers = options.peers
    options.peers?.onMessage('word', ({ bytes }) => this.heard.push(Buffer.from(bytes).toString()))
  }

  get addresses(): readonly { name: string; host: string; port: number; path: string }[] {
    return [...this.#servers].map(([name, server]) => {
      const address = server.address()
      return typeof address === 'string' || address === null
        ? { name, host: '', port: 0, path: String(address) }
        : { name, host: address.address, port: address.port, path: '' }
    })
  }

  #serve(name: string): http.Server {
    const server = http.createServer((request, response) => this.#answer(request, response))
    this.#servers.set(name, server)
    return server
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    this.requests++
    const { url } = request
    if (url === '/die') process.kill(process.pid, 'SIGKILL')
    if (url === '/bug')
      setImmediate(() => {
        throw new Error('a bug')
      })
    if (url === '/hang') return
    if (url === '/slow') return void setTimeout(() => response.end('slow'), 500)
    if (url === '/say') this.#peers?.send('word', Buffer.from('hello from ' + process.pid))
    response.setHeader('connection', 'close')
    response.end(JSON.stringify({ pid: process.pid, reply: this.#config.reply, heard: this.heard }))
  }

  async listen(): Promise<void> {
    if (isWorker) return
    for (const { name, host, port, path } of this.plan.listeners)
      await new Promise<void>((resolve, reject) => {
        const server = this.#serve(name)
        server.once('error', reject)
        server.listen(path === '' ? { host, port } : { path }, resolve)
      })
  }

  adopt(name: string, handle: Server): void {
    const server = this.#serve(name)
    handle.on('connection', (socket) => {
      server.emit('connection', socket)
      socket.resume()
    })
    Object.assign(server, {
      close: (done?: () => void) => handle.close(done),
      address: () => handle.address(),
    })
  }

  async prepare(config: object): Promise<{ hash: string }> {
    check(config as StubConfig)
    this.#next = config as StubConfig
    return { hash: planOf(this.#next).hash }
  }

  commit(): void {
    if (this.#next === null) return
    this.#config = this.#next
    this.plan = planOf(this.#config)
    const names = new Set(this.plan.listeners.map(({ name }) => name))
    for (const [name, server] of this.#servers) {
      if (names.has(name)) continue
      server.close()
      this.#servers.delete(name)
    }
  }

  discard(): void {
    this.#next = null
  }

  async close({ drainMs = 0 } = {}): Promise<object> {
    const all = [...this.#servers.values()].map(
      (server) =>
        new Promise<void>((resolve) => {
          server.close(() => resolve())
        }),
    )
    let isCut = false
    const timer = setTimeout(() => {
      isCut = true
      for (const server of this.#servers.values()) server.closeAllConnections()
    }, drainMs)
    await Promise.race([
      Promise.all(all),
      new Promise((resolve) => {
        setTimeout(resolve, drainMs + 50).unref()
      }),
    ])
    clearTimeout(timer)
    return { isCut }
  }

  stopNow(): void {}

  async reopenLogs(): Promise<void> {
    if (this.#config.accessPath !== undefined) appendFileSync(this.#config.accessPath, 'reopened\n')
  }

  snapshot(): MetricsSnapshot {
    const snapshot: MetricsSnapshot = {}
    setSample(snapshot, Metric.REQUESTS, '{route="all"}', this.requests)
    setSample(snapshot, Metric.CONNECTIONS, '', 1)
    return snapshot
  }

  status(): object {
    return { requests: this.requests }
  }
}

export async function createServer(
  config: object,
  options: RunningServerOptions = {},
): Promise<RunningServer> {
  const stub = config as StubConfig
  if (isWorker && stub.diesAtStart === true) process.exit(7)
  if (isWorker && stub.slowMs !== undefined) await new Promise((resolve) => setTimeout(resolve, stub.slowMs))
  check(stub)
  return new StubServer(stub, options)
}

export async function loadConfig(path: string): Promise<StubConfig & { files: string[] }> {
  return { ...(JSON.parse(readFileSync(path, 'utf8')) as StubConfig), files: [path] }
}
