/**
 * Three ways to share a port between workers, measured: `node bench/micro/accepting.ts [workers]`.
 *
 * - shared: one listening socket, bound by the parent, accepted on by all (what src/supervisor does)
 * - cluster: the cluster module's round-robin: the parent accepts and passes each connection on
 * - reusePort: a listening socket for each worker, among which the kernel spreads (SO_REUSEPORT)
 *
 * For each: connections a second and CPU per connection (all processes of the server) with many short connections, and
 * how many each worker got, of many at a time, of one at a time, and of 200 that stay.
 */
import { fork, type ChildProcess } from 'node:child_process'
import cluster from 'node:cluster'
import * as net from 'node:net'

type Way = 'shared' | 'cluster' | 'reusePort'

const ways: readonly Way[] = ['shared', 'cluster', 'reusePort']
const [, self = '', role = '', wayArgument = '', portArgument = ''] = process.argv
const shortConnections = 10_000
const concurrency = 64

interface Told {
  readonly count: number
  readonly cpuMicros: number
}

function cpuMicros(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** A worker: answers one byte with one byte and closes; tells its counts when asked. */
function work(): void {
  let count = 0
  const server = net.createServer({ noDelay: true }, (socket) => {
    count++
    socket.on('error', () => {})
    socket.on('data', (bytes) => (bytes[0] === 0x63 ? socket.end('x') : socket.write('x')))
  })
  process.on('message', (message: string, handle: unknown) => {
    if (message === 'tell') process.send?.({ count, cpuMicros: cpuMicros() } satisfies Told)
    else if (message === 'listen') server.listen(handle as net.Server, 1024, () => process.send?.('ready'))
  })
  process.on('disconnect', () => process.exit())
  const port = Number(portArgument)
  if (wayArgument === 'cluster')
    server.listen({ port, host: '127.0.0.1', backlog: 1024 }, () => process.send?.('ready'))
  if (wayArgument === 'reusePort')
    server.listen({ port, host: '127.0.0.1', backlog: 1024, reusePort: true }, () => process.send?.('ready'))
}

type CreateHandle = (
  host: string,
  port: number,
  family: number,
) => { close(): void; getsockname(out: object): number }

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** The parent of one way: starts workers, and says its port and, when asked, everybody's counts. */
async function lead(way: Way, workers: number): Promise<void> {
  let port = await freePort()
  let handle: ReturnType<CreateHandle> | undefined
  if (way === 'shared') {
    const { _createServerHandle } = net as unknown as { readonly _createServerHandle: CreateHandle }
    handle = _createServerHandle('127.0.0.1', 0, 4)
    const name = { port: 0 }
    handle.getsockname(name)
    ;({ port } = name)
  }
  const children: ChildProcess[] = []
  for (let i = 0; i < workers; i++) {
    const args = ['work', way, String(port)]
    if (way === 'cluster') cluster.setupPrimary({ exec: self, args })
    const worker = way === 'cluster' ? cluster.fork().process : fork(self, args)
    if (handle !== undefined) worker.send('listen', handle as unknown as net.Server)
    await new Promise((resolve) => worker.on('message', (message) => message === 'ready' && resolve(null)))
    children.push(worker)
  }
  process.on('message', async () => {
    const told = await Promise.all(
      children.map(
        (child) =>
          new Promise<Told>((resolve) => {
            child.once('message', (message: Told) => resolve(message))
            child.send('tell')
          }),
      ),
    )
    process.send?.({ own: cpuMicros(), told })
  })
  process.on('disconnect', () => process.exit())
  process.send?.(port)
}

interface State {
  readonly own: number
  readonly told: readonly Told[]
}

const next = <T>(child: ChildProcess): Promise<T> => new Promise((resolve) => child.once('message', resolve))

async function ask(leader: ChildProcess): Promise<State> {
  const answer = next<State>(leader)
  leader.send('tell')
  return answer
}

/** One connection that sends `byte` and waits for the answer; `stays`: it is left open. */
function visit(port: number, stays: boolean): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true }, () =>
      socket.write(stays ? 'k' : 'c'),
    )
    socket.on('error', reject)
    if (stays) socket.once('data', () => resolve(socket))
    else socket.resume().once('close', () => resolve(socket))
  })
}

function spread(before: State, after: State): string {
  const counts = after.told.map((told, i) => told.count - (before.told[i]?.count ?? 0))
  const total = counts.reduce((sum, count) => sum + count, 0)
  return counts.map((count) => Math.round((count / total) * 100) + ' %').join(' ')
}

function allMicros(state: State): number {
  return state.told.reduce((sum, told) => sum + told.cpuMicros, state.own)
}

async function measure(way: Way, workers: number): Promise<void> {
  const leader = fork(self, ['lead', way, String(workers)])
  const port = await next<number>(leader)
  const start = await ask(leader)
  const startMs = performance.now()
  let left = shortConnections
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (left-- > 0) await visit(port, false)
    }),
  )
  const tookMs = performance.now() - startMs
  const busy = await ask(leader)
  for (let i = 0; i < 200; i++) await visit(port, false)
  const single = await ask(leader)
  const staying: net.Socket[] = []
  for (let i = 0; i < 200; i++) staying.push(await visit(port, true))
  const stayed = await ask(leader)
  for (const socket of staying) socket.destroy()
  const micros = (allMicros(busy) - allMicros(start)) / shortConnections
  const rate = Math.round((shortConnections / tookMs) * 1000)
  console.log(
    `${way.padEnd(10)} ${String(rate).padStart(6)}/s ${micros.toFixed(1).padStart(6)} µs/connection | ` +
      `${concurrency} at a time: ${spread(start, busy)} | one: ${spread(busy, single)} | staying: ${spread(single, stayed)}`,
  )
  leader.disconnect()
}

if (role === 'work') work()
else if (role === 'lead') await lead(wayArgument as Way, Number(portArgument))
else
  for (let round = 0; round < 3; round++)
    for (const way of ways) await measure(way, Number(role === '' ? 2 : role))
