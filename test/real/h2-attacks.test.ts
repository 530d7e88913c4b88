/**
 * The known attacks on HTTP/2 against the program as people run it: attackers come again as soon as they are sent away, for
 * HEADGATE_ATTACK_SECONDS (2 when not said; 20 to measure). Each must be cut off and counted, the memory must stay bounded, and others
 * must be served meanwhile.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { clientPreface, Flag, FrameType, writeFrameHeader } from '../../src/h2/frames.ts'
import { HeaderBlock } from '../../src/h2/header-block.ts'
import { HpackEncoder } from '../../src/h2/hpack-encoder.ts'
import { Pseudo } from '../../src/h2/static-table.ts'
import { EdgeProcess } from './edge-process.ts'

const seconds = Number(process.env['HEADGATE_ATTACK_SECONDS'] ?? 2)
const grownBytesMax = 100 * 1024 * 1024
const MiB = 1024 * 1024

function frame(type: number, flags: number, id: number, payload: Buffer | string = ''): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload
  const header = Buffer.alloc(9)
  writeFrameHeader(header, 0, bytes.length, type, flags, id)
  return Buffer.concat([header, bytes])
}

function request(method: string, path: string, more: readonly [string, string][] = []): Buffer {
  const block = new HeaderBlock()
  const encoder = new HpackEncoder(block)
  encoder.begin(0)
  encoder.pseudo(Pseudo.METHOD, method)
  encoder.pseudo(Pseudo.SCHEME, 'http')
  encoder.pseudo(Pseudo.PATH, path)
  encoder.pseudo(Pseudo.AUTHORITY, 'a.example')
  for (const [name, value] of more) encoder.field(0, name, value, false)
  return Buffer.from(block.buffer.subarray(0, block.end))
}

const get = request('GET', '/large')
const post = request('POST', '/large')
const bomb = Buffer.concat([
  request('GET', '/', [['x-bomb', 'b'.repeat(900)]]),
  Buffer.alloc(12_000, 0x80 | 62),
])
const ids = Array.from({ length: 500 }, (_, i) => 2 * i + 1)

interface Attack {
  readonly what: string
  readonly fault: string
  /** What is sent at once, after the preface. */
  readonly bytes: Buffer
  readonly settings?: string
  /** It takes at least so long to be cut off. */
  readonly msMin?: number
}

const attacks: Attack[] = [
  {
    what: 'rapid reset',
    fault: 'h2_reset_flood',
    bytes: Buffer.concat(ids.flatMap((id) => [frame(1, 5, id, get), frame(3, 0, id, '\0\0\0\x08')])),
  },
  {
    what: 'made you reset',
    fault: 'h2_error_flood',
    bytes: Buffer.concat(ids.flatMap((id) => [frame(1, 5, id, get), frame(8, 0, id, '\0\0\0\0')])),
  },
  {
    what: 'CONTINUATION flood',
    fault: 'h2_continuation_flood',
    bytes: Buffer.concat([frame(1, 0, 1, get), ...ids.map(() => frame(9, 0, 1, 'x'.repeat(1000)))]),
  },
  {
    what: 'SETTINGS flood',
    fault: 'h2_settings_flood',
    bytes: Buffer.concat(ids.map(() => frame(FrameType.SETTINGS, 0, 0))),
  },
  {
    what: 'PING flood',
    fault: 'h2_ping_flood',
    bytes: Buffer.concat([...ids, ...ids].map(() => frame(FrameType.PING, 0, 0, 'flooding'))),
  },
  {
    what: 'HPACK bomb',
    fault: 'h2_error_flood',
    bytes: Buffer.concat(ids.map((id) => frame(1, 5, id, bomb))),
    msMin: 4000,
  },
  {
    what: 'DATA of one byte',
    fault: 'h2_empty_data_flood',
    bytes: Buffer.concat([frame(1, 4, 1, post), ...Array.from({ length: 6000 }, () => frame(0, 0, 1, 'x'))]),
  },
  {
    what: 'slow read with tiny windows',
    fault: 'read_timeout',
    // A first window of one byte on each of a hundred streams.
    settings: '\0\x04\0\0\0\x01',
    msMin: 6000,
    bytes: Buffer.concat(ids.slice(0, 100).map((id) => frame(1, 5, id, get))),
  },
]

/** Attacks until the time is over, from several connections at once; gives how often it was sent away. */
async function attackFor(port: number, attack: Attack, ms: number): Promise<number> {
  const endMs = performance.now() + ms
  let cuts = 0
  const one = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const socket = connect(port, '127.0.0.1')
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.on('error', () => {}).on('data', () => {})
      socket.write(Buffer.concat([clientPreface, frame(FrameType.SETTINGS, 0, 0, attack.settings ?? '')]))
      socket.write(Buffer.concat([frame(FrameType.SETTINGS, Flag.ACK, 0), attack.bytes]))
      await Promise.race([closed, sleep(Math.max(0, endMs - performance.now()))])
      if (socket.destroyed) cuts++
      socket.destroy()
    }
  }
  await Promise.all([one(), one(), one(), one()])
  return cuts
}

/** Asks one thing after the other; gives the 99th percentile of how long that takes, in ms. */
async function p99For(port: number, ms: number): Promise<number> {
  const client = http2.connect(`http://127.0.0.1:${port}`)
  const endMs = performance.now() + ms
  const took: number[] = []
  while (performance.now() < endMs) {
    const startMs = performance.now()
    const stream = client.request({ ':path': '/small' })
    stream.resume()
    await once(stream, 'end')
    took.push(performance.now() - startMs)
    await sleep(2)
  }
  client.close()
  took.sort((a, b) => a - b)
  return took[Math.floor(took.length * 0.99)] ?? 0
}

async function edgeFor(t: TestContext): Promise<EdgeProcess> {
  const edge = new EdgeProcess(t)
  edge.write({
    timeouts: { rateWindow: '1s' },
    log: { access: false, errorFile: edge.errorsPath },
    sites: {
      '*': [
        { match: '/small', respond: { status: 200, body: 'small' } },
        { match: '/large', respond: { status: 200, body: 'x'.repeat(60_000) } },
        { respond: { status: 200, body: 'other' } },
      ],
    },
  })
  await edge.start()
  return edge
}

function residentBytes(edge: EdgeProcess): number {
  const status = readFileSync(`/proc/${edge.pid}/status`, 'latin1')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024
}

for (const attack of attacks)
  test(`${attack.what}: attackers are cut off and counted, others are served`, async (t) => {
    const edge = await edgeFor(t)
    await p99For(edge.port, 500)
    const quiet = await p99For(edge.port, 1000)
    const before = residentBytes(edge)
    // Its streams are ended one by one; the connection may stay.
    const isSlow = attack.fault === 'read_timeout'
    const ms = Math.max(seconds * 1000, attack.msMin ?? 0)
    const [cuts, busy] = await Promise.all([attackFor(edge.port, attack, ms), p99For(edge.port, ms)])
    const grown = residentBytes(edge) - before
    const counted = await edge.metric(`headgate_faults_total{fault="${attack.fault}"`)
    t.diagnostic(
      `${attack.what}: ${cuts} cut, ${counted} counted, p99 ${busy.toFixed(1)} ms (quiet ${quiet.toFixed(1)}), ` +
        `${(grown / MiB).toFixed(1)} MiB more`,
    )
    assert.ok(counted > 0, 'counted')
    assert.ok(isSlow || cuts > 0, 'cut off')
    assert.ok(grown < grownBytesMax, 'memory is bounded')
    assert.ok(busy < 2000, 'others are served')
  })
