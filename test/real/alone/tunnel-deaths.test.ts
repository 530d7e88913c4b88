/**
 * Upgraded connections die: each side, by FIN, RST or the death of its process, at each phase. Every time the other side
 * is told, no socket is left at either end of Headgate, and the count of open tunnels is back at 0.
 */
import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { metricsText } from '../../../src/admin/metrics-text.ts'
import { createServer, type HeadgateServer } from '../../../src/server.ts'
import type { PeerNews, PeerOrder } from '../tunnel-peer.ts'

const program = fileURLToPath(new URL('../tunnel-peer.ts', import.meta.url))
/** From a death until nothing is left. */
const overMsMax = 1000

class Peer {
  readonly heard: PeerNews[] = []
  readonly #child: ChildProcess

  constructor(...args: readonly string[]) {
    this.#child = fork(program, args)
    this.#child.on('message', (news: PeerNews) => this.heard.push(news))
  }

  tell(order: PeerOrder): void {
    this.#child.send(order)
  }

  async hears(...wanted: readonly PeerNews[]): Promise<void> {
    await until(`${wanted.join(' or ')} of ${this.heard.join(' ')}`, () =>
      this.heard.some((news) => wanted.includes(news)),
    )
  }

  /** What it tells when it is ready. */
  async ready(): Promise<number> {
    await until('it is ready', () => this.heard.length > 0)
    return Number(this.heard[0])
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.kill()
    await gone
  }
}

async function until(what: string, look: () => boolean, patienceMs = 5000): Promise<void> {
  const endMs = performance.now() + patienceMs
  while (!look()) {
    assert.ok(performance.now() < endMs, `waited in vain: ${what}`)
    await sleep(1)
  }
}

/** Sockets of this process: all that there are belong to Headgate. */
function socketCount(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
}

function openTunnels(server: HeadgateServer): number {
  const text = metricsText(server.snapshot())
  const match = /^headgate_tunnels_open(?:\{[^}]*\})? (\d+)$/m.exec(text)
  assert.ok(match !== null, text)
  return Number(match[1])
}

const phases = [
  'before 101',
  'just after 101',
  'with data both ways',
  'while it reads nothing of a flood',
  'half closed by the other side',
] as const
const ways = ['FIN', 'RST', 'SIGKILL'] as const

interface Stage {
  readonly server: HeadgateServer
  readonly client: Peer
  readonly origin: Peer
}

async function begin(): Promise<Stage> {
  const origin = new Peer('origin')
  const server = await createServer({
    listeners: [{ host: '127.0.0.1', port: 0 }],
    origins: { origin: `http://127.0.0.1:${await origin.ready()}` },
    sites: { '*': [{ origin: 'origin' }] },
    workers: 1,
    log: { access: false, level: 'error' },
    admin: false,
  })
  await server.listen()
  const client = new Peer('client', String(server.addresses[0]?.port))
  await client.ready()
  return { server, client, origin }
}

async function reach(
  stage: Stage,
  phase: (typeof phases)[number],
  mortal: Peer,
  survivor: Peer,
): Promise<void> {
  const { server, client, origin } = stage
  client.tell('request')
  await origin.hears('request')
  if (phase === 'before 101') return
  origin.tell('switch')
  await client.hears('switched')
  assert.equal(openTunnels(server), 1)
  assert.equal(socketCount(), 2)
  if (phase === 'with data both ways') {
    client.tell('flood')
    origin.tell('flood')
    await Promise.all([client.hears('data'), origin.hears('data')])
  } else if (phase === 'while it reads nothing of a flood') {
    mortal.tell('stall')
    survivor.tell('flood')
    await sleep(150)
  } else if (phase === 'half closed by the other side') {
    survivor.tell('FIN')
    await mortal.hears('end')
  }
}

function die(peer: Peer, way: (typeof ways)[number]): void {
  if (way === 'SIGKILL') peer.kill()
  else peer.tell(way)
}

for (const side of ['client', 'origin'] as const) {
  describe(`the ${side} of an upgraded connection dies`, () => {
    for (const phase of phases) {
      for (const way of ways) {
        // Whoever says FIN and reads nothing is waited for: it may yet read.
        if (way === 'FIN' && phase === 'while it reads nothing of a flood') continue
        it(`${phase}, by ${way}`, async (t) => {
          const stage = await begin()
          const { server, client, origin } = stage
          t.after(async () => {
            await Promise.all([client.stop(), origin.stop(), server.close({ drainMs: 0 })])
          })
          const [mortal, survivor] = side === 'client' ? [client, origin] : [origin, client]
          await reach(stage, phase, mortal, survivor)
          die(mortal, way)
          const diedAtMs = performance.now()
          // A client whose origin died before its answer gets one from us, and may go on to ask.
          await survivor.hears('refused', 'end', 'reset', 'closed')
          survivor.tell('FIN')
          await survivor.hears('closed')
          await until('no socket is left', () => socketCount() === 0)
          const tookMs = performance.now() - diedAtMs
          assert.equal(openTunnels(server), 0)
          const { connections, inFlight } = server.status() as Record<string, number>
          assert.deepEqual([connections, inFlight], [0, 0])
          assert.ok(tookMs < overMsMax, `${tookMs} ms`)
        })
      }
    }
  })
}
