/**
 * Cases of the matrix that the client of HTTP/3 cannot show, by ngtcp2's client; and what holds in the place of those that the package
 * of QUIC cannot do (docs/http3.md): when it learns to, these fail.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startGtlsFor, type GtlsRun } from './http3-edge.ts'
import type { Case, Cell } from './matrix-cases.ts'
import { edgeHost } from './matrix-clients.ts'
import { patternAt, patternBytes } from './matrix-pattern.ts'
import { until } from './supervised.ts'

const mebibyte = 1024 * 1024

function start({ ports: [port = 0] }: Cell, path: string, ...more: readonly string[]): GtlsRun {
  return startGtlsFor(edgeHost, port, path, '--no-quic-dump', ...more)
}

function bodyOf(bytes: number): Buffer {
  const pieces = Array.from({ length: bytes / patternBytes }, (_, i) =>
    patternAt(i * patternBytes, patternBytes),
  )
  return Buffer.concat(pieces)
}

async function upload(cell: Cell, path: string, body: Buffer): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-h3-'))
  const file = join(folder, 'body')
  writeFileSync(file, body)
  try {
    return await start(cell, path, '-m', 'POST', '-d', file).said
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A number of QUIC (RFC 9000 §16), and where the next thing begins. */
function variable(bytes: Buffer, at: number): [value: bigint, next: number] {
  const size = 1 << ((bytes[at] as number) >> 6)
  let value = BigInt((bytes[at] as number) & 0x3f)
  for (let i = at + 1; i < at + size; i++) value = (value << 8n) | BigInt(bytes[i] as number)
  return [value, at + size]
}

/** Identifiers of the SETTINGS (RFC 9114 §7.2.4) that the server's control stream, its first, begins with. */
function settingsIn(said: string): bigint[] {
  const dump = /Ordered STREAM data stream_id=0x3\n((?:[0-9a-f]{8} .*\n)+)/.exec(said)?.[1] ?? ''
  const hex = [...dump.matchAll(/^[0-9a-f]{8} ((?: {1,2}[0-9a-f]{2})+)/gm)].map(([, line = '']) => line)
  const bytes = Buffer.from(hex.join('').replaceAll(' ', ''), 'hex')
  assert.deepEqual([...bytes.subarray(0, 2)], [0x00, 0x04], 'a control stream that begins with SETTINGS')
  const [length, first] = variable(bytes, 2)
  const found: bigint[] = []
  for (let at = first; at < first + Number(length);) {
    const [id, valueAt] = variable(bytes, at)
    found.push(id)
    at = variable(bytes, valueAt)[1]
  }
  return found
}

const enableConnectProtocol = 0x08n

export const stalledUpload = 'an upload to an origin that stalls is held back'

/** By the names of the cases that they stand for. */
export const casesInstead: Readonly<Record<string, Case>> = {
  async 'many at once'(cell) {
    const said = await start(cell, '/get', '-n', '200').said
    assert.equal(said.match(/\[:status: 200\]/g)?.length, 200)
  },

  // It knows no way to send a body without its length.
  async 'an upload of 10 MB, with a length and without'(cell) {
    const body = bodyOf(10 * mebibyte)
    const said = await upload(cell, '/upload', body)
    assert.match(said, /\[content-length: 10485760\]/)
    assert.match(said, /\[:status: 200\]/)
    const bytes = said.replaceAll(/^[0-9a-f]{8} .*\|(.{1,16})\|$/gm, '$1').replaceAll('\n', '')
    assert.ok(bytes.includes(createHash('sha256').update(body).digest('hex')))
  },

  // The package cannot be told to read no further.
  async [stalledUpload](cell) {
    const said = await upload(cell, '/stall', bodyOf(64 * mebibyte))
    assert.match(said, /\[:status: 503\]/)
  },

  async 'a client that goes away takes its request along'(cell) {
    const { child, said } = start(cell, '/hold')
    let heard = ''
    child.stderr?.on('data', (bytes: Buffer) => (heard += bytes.toString('latin1')))
    await until('the answer has begun', () => heard.includes('[:status: 200]'))
    child.kill('SIGINT')
    await until('the origin is told', () => cell.origin.log.includes('close /hold'))
    await said
  },

  // The package sends one header section.
  async '103'(cell) {
    const said = await start(cell, '/hints').said
    assert.deepEqual(said.match(/\[:status: \d+\]/g), ['[:status: 200]'])
    assert.match(said, /hinted/)
  },

  // The package announces no extended CONNECT (RFC 9220); who asks all the same is told so.
  async WebSocket(cell) {
    const [port = 0] = cell.ports
    const said = await startGtlsFor(edgeHost, port, '/get').said
    assert.ok(!settingsIn(said).includes(enableConnectProtocol))
    const asking = cell.client.ask('CONNECT', '/ws', {
      ':protocol': 'websocket',
      'sec-websocket-version': '13',
    })
    asking.body.end()
    assert.equal((await asking.answer).status, 501)
  },
}
