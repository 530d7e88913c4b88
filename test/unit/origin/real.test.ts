/** An origin over real sockets: servers that die and come back, unix sockets, IPv6. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, ListenOptions } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../../src/core/clock.ts'
import { Faults, faultRow, type Fault } from '../../../src/core/faults.ts'
import { Timers } from '../../../src/core/timers.ts'
import { H1Dial } from '../../../src/h1/client.ts'
import { Exchange, WAIT, nobody, type Upstream, type UpstreamReceiver } from '../../../src/http/exchange.ts'
import { noWalk } from '../../../src/http/no-walk.ts'
import { defaultLimits } from '../../../src/http/limits.ts'
import { SocketConnector } from '../../../src/net/connect.ts'
import type { Origin, OriginOptions, OriginWaiter } from '../../../src/origin/origin.ts'
import { createOrigin } from '../../../src/origin/server-group.ts'
import { SystemResolver } from '../../../src/origin/system-resolver.ts'

/** Asks an origin as the proxy step does, with as many attempts as there are servers and one more. */
class Asker implements OriginWaiter, UpstreamReceiver {
  readonly origin: Origin
  readonly #attemptsMax: number
  readonly #done = new Map<Exchange, (answer: { server: string; fault: Fault }) => void>()

  constructor(options: Omit<OriginOptions, 'name'>) {
    const timers = new Timers(systemClock)
    const dial = new H1Dial({ connector: new SocketConnector(), timers, limits: defaultLimits })
    const context = { dial, timers, clock: systemClock, resolver: new SystemResolver() }
    this.origin = createOrigin({ name: 'app', ...options }, context)
    this.#attemptsMax = options.servers.length + 1
  }

  ask(): Promise<{ server: string; fault: Fault }> {
    const x = new Exchange()
    x.begin(nobody, noWalk, systemClock.nowMs())
    x.request.method = x.outgoing.method = 'GET'
    x.outgoing.target = '/'
    x.outgoing.host = 'app'
    return new Promise((resolve) => {
      this.#done.set(x, resolve)
      this.#open(x, Faults.ORIGIN_NONE)
    })
  }

  #open(x: Exchange, before: Fault): void {
    if (x.attempts >= this.#attemptsMax) return this.#finish(x, before)
    const opened = this.origin.open(x, this)
    if (typeof opened !== 'number') this.#send(x, opened)
    else if (opened !== WAIT) this.#finish(x, before)
  }

  #send(x: Exchange, upstream: Upstream): void {
    x.upstream = upstream
    upstream.send(x, this)
  }

  #finish(x: Exchange, fault: Fault): void {
    x.upstream = null
    this.#done.get(x)?.({ server: x.tried.at(-1)?.name ?? '', fault })
    this.#done.delete(x)
  }

  onOpened(x: Exchange, _turn: number, upstream: Upstream): void {
    this.#send(x, upstream)
  }

  onOpenFailed(x: Exchange, _turn: number, fault: Fault): void {
    this.#open(x, fault)
  }

  onInformational(): void {}

  onHead(_x: Exchange, upstream: Upstream): void {
    this.origin.onAttemptSuccess(upstream)
  }

  onBody(): boolean {
    return true
  }

  onEnd(x: Exchange): void {
    this.#finish(x, 0)
  }

  onFault(x: Exchange, upstream: Upstream, fault: Fault): void {
    this.origin.onAttemptFault(x, upstream, fault)
    if (upstream.hasAnswered || faultRow(fault).retry === 'never') this.#finish(x, fault)
    else this.#open(x, fault)
  }
}

async function serve(options: ListenOptions = { host: '127.0.0.1', port: 0 }): Promise<Server> {
  const server = createServer((_request, response) => response.end('hello'))
  server.listen(options)
  await once(server, 'listening')
  return server
}

/** Listens where a server has been. Some outgoing connection of this machine may hold the port for a moment. */
async function serveAgain(port: number): Promise<Server> {
  for (let i = 0; ; i++) {
    try {
      return await serve({ host: '127.0.0.1', port })
    } catch (error) {
      if (i === 50) throw error
      await sleep(20)
    }
  }
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

/** As a process that is killed: what listens and what is open goes at once. */
async function kill(server: Server): Promise<void> {
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}

test('requests one after the other share one connection, which is closed when it lay idle', async () => {
  const server = await serve()
  let connections = 0
  server.on('connection', () => connections++)
  const asker = new Asker({ servers: [{ url: `127.0.0.1:${portOf(server)}` }], idleMs: 200 })
  for (let i = 0; i < 5; i++) assert.equal((await asker.ask()).fault, 0)
  assert.equal(connections, 1)
  assert.equal(asker.origin.snapshot().servers[0]?.idle, 1)
  await sleep(500)
  assert.equal(asker.origin.snapshot().servers[0]?.connections, 0)
  assert.equal((await asker.ask()).fault, 0)
  assert.equal(connections, 2)
  asker.origin.close()
  await kill(server)
})

test('a unix socket, an IPv6 address and localhost are reached', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-origin-'))
  const path = join(folder, 'app.sock')
  const onUnix = await serve({ path })
  const onFour = await serve()
  let onSix: Server | null = null
  try {
    onSix = await serve({ host: '::1', port: 0 })
  } catch {
    t.diagnostic('there is no IPv6 here')
  }
  const urls = [`unix:${path}`, `localhost:${portOf(onFour)}`]
  if (onSix !== null) urls.push(`http://[::1]:${portOf(onSix)}`, `localhost:${portOf(onSix)}`)
  for (const url of urls) {
    const asker = new Asker({ servers: [{ url }] })
    assert.deepEqual(await asker.ask(), { server: url, fault: 0 })
    asker.origin.close()
  }
  for (const server of [onUnix, onFour, onSix]) if (server !== null) await kill(server)
  await rm(folder, { recursive: true })
})

test('an only server that is gone fails with connection_refused, and serves within a second of its return', async () => {
  const first = await serve()
  const port = portOf(first)
  const asker = new Asker({ servers: [{ url: `127.0.0.1:${port}` }] })
  assert.equal((await asker.ask()).fault, 0)
  await kill(first)
  // The one connection that was kept may not have been seen to end.
  const firstFault = faultRow((await asker.ask()).fault).name
  assert.match(firstFault, /^connection_(refused|terminated)$/)
  for (let i = 0; i < 30; i++) {
    assert.equal(faultRow((await asker.ask()).fault).name, 'connection_refused')
    await sleep(10)
  }
  const second = await serveAgain(port)
  const backAtMs = performance.now()
  while ((await asker.ask()).fault !== 0) await sleep(5)
  assert.ok(performance.now() - backAtMs < 1000)
  asker.origin.close()
  await kill(second)
})

test('of three servers one dies under load: no request fails, and its share is back within 2 s of its return', async () => {
  const servers = [await serve(), await serve(), await serve()]
  const urls = servers.map((server) => `127.0.0.1:${portOf(server)}`)
  const asker = new Asker({ servers: urls.map((url) => ({ url })) })
  const state = { isRunning: true, faults: 0 }
  const counts = new Map<string, number>()
  const load = async (): Promise<void> => {
    while (state.isRunning) {
      const { server, fault } = await asker.ask()
      if (fault !== 0) state.faults++
      counts.set(server, (counts.get(server) ?? 0) + 1)
      await sleep(2)
    }
  }
  const loads = Array.from({ length: 16 }, load)
  const [, , third = ''] = urls
  await sleep(200)
  await kill(servers[2] as Server)
  // Long enough for a while of 4 s, which knocking cuts short.
  await sleep(4200)
  counts.clear()
  await sleep(100)
  assert.equal(counts.get(third) ?? 0, 0)
  servers[2] = await serveAgain(Number(third.split(':')[1]))
  await sleep(1900)
  counts.clear()
  await sleep(300)
  state.isRunning = false
  await Promise.all(loads)
  const sum = [...counts.values()].reduce((total, count) => total + count, 0)
  const share = (counts.get(third) ?? 0) / sum
  assert.equal(state.faults, 0)
  assert.ok(share > 0.28 && share < 0.39, `its share is ${share}`)
  asker.origin.close()
  for (const server of servers) await kill(server)
})
