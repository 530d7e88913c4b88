/**
 * Headgate in a process of its own for the soak, so that its memory is its own. Over the channel it is told 'measure'
 * (collects garbage, answers with a `SoakMeasure`) and 'reload' (takes the config anew, another one each time).
 */
import { createServer, defineConfig } from '../src/index.ts'
import type { HeadgateConfig } from '../src/index.ts'

export interface SoakMeasure {
  readonly rssBytes: number
  /** What is alive in JavaScript, buffers included. */
  readonly liveBytes: number
  /** What Node still waits for, such as sockets and timers, by type; the channel and standard streams left out. */
  readonly handles: readonly string[]
  readonly connections: number
  readonly tunnels: number
  readonly inFlight: number
  readonly deadlines: number
  readonly origins: string
}

const [port = '0', ...originPorts] = process.argv.slice(2)
let reloads = 0

/** The same job each time, under short deadlines so that the end of a soak need not be waited for long. */
function config(): HeadgateConfig {
  const servers = originPorts.map((origin) => `http://127.0.0.1:${origin}`)
  return defineConfig({
    listeners: [{ host: '127.0.0.1', port: Number(port) }],
    origins: { app: { servers, balance: reloads % 2 === 0 ? 'round-robin' : 'least-requests' } },
    sites: { '*': [{ match: `/never-${reloads}`, respond: { status: 204 } }, { origin: 'app' }] },
    workers: 1,
    timeouts: { idle: '3s', firstByte: '8s', betweenBytes: '8s', rateWindow: '8s', tunnelIdle: '8s' },
    log: { access: false, level: 'error' },
  })
}

const server = await createServer(config())
await server.listen()

interface Status {
  readonly connections: number
  readonly tunnels: number
  readonly inFlight: number
  readonly deadlines: number
  readonly origins: unknown
}

function measure(): SoakMeasure {
  // Twice: what the first run finalises is free for the second.
  globalThis.gc?.()
  globalThis.gc?.()
  const memory = process.memoryUsage()
  const status = server.status() as Status
  const expected = new Set(['PipeWrap', 'TTYWrap', 'TCPServerWrap', 'FSReqCallback'])
  return {
    rssBytes: memory.rss,
    liveBytes: memory.heapUsed + memory.external,
    handles: process.getActiveResourcesInfo().filter((name) => !expected.has(name)),
    connections: status.connections,
    tunnels: status.tunnels,
    inFlight: status.inFlight,
    deadlines: status.deadlines,
    origins: JSON.stringify(status.origins),
  }
}

process.on('message', (word) => {
  if (word === 'measure') process.send?.(measure())
  else {
    reloads++
    server.reload(config()).then(
      () => process.send?.('reloaded'),
      (error: unknown) => process.send?.(String(error)),
    )
  }
})
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
