/**
 * The cases of the matrix: what holds between any client and any origin.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { amounts } from '../length.ts'
import type { Answered, MatrixClient } from './matrix-clients.ts'
import type { MatrixOrigin } from './matrix-origins.ts'
import { PatternCheck, patternAt, patternBytes } from './matrix-pattern.ts'
import { until } from './supervised.ts'

export interface Cell {
  readonly client: MatrixClient
  readonly origin: MatrixOrigin
  /** Of the edge and of the origin. */
  readonly ports: readonly number[]
}

const largeBytes = amounts.cellBytes
const uploadBytes = 10 * 1024 * 1024

/**
 * What may be held of an upload that nobody takes, less what the kernel holds: a read and what waits to be sent in the edge, a window
 * of HTTP/2 on either side, and what client and origin keep themselves.
 */
const heldBytesMax = 512 * 1024
/** Beyond any kernel's buffers: a test that comes so far has no end. */
const takenBytesMax = 64 * 1024 * 1024

/** Bytes in the kernel's buffers of connections to these ports, both ends and both directions. */
function kernelBytes(ports: readonly number[]): number {
  const wanted = new Set(ports.map((port) => port.toString(16).toUpperCase().padStart(4, '0')))
  let bytes = 0
  for (const line of readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1, -1)) {
    const [, local = '', remote = '', state, queues = ''] = line.trim().split(/\s+/)
    if (state !== '01' || !(wanted.has(local.slice(-4)) || wanted.has(remote.slice(-4)))) continue
    for (const queue of queues.split(':')) bytes += Number.parseInt(queue, 16)
  }
  return bytes
}

async function upload(
  cell: Cell,
  method: string,
  bytes: number,
  headers: Record<string, string>,
): Promise<Answered> {
  const asking = cell.client.ask(method, '/upload', headers)
  for (let at = 0; at < bytes; at += patternBytes) {
    const piece = patternAt(at, Math.min(patternBytes, bytes - at))
    if (!asking.body.write(piece)) await once(asking.body, 'drain')
  }
  asking.body.end()
  return asking.answer
}

export type Case = (cell: Cell) => Promise<void>

export const cases: Readonly<Record<string, Case>> = {
  async 'GET and HEAD'({ client }) {
    for (const method of ['GET', 'HEAD', 'GET']) {
      const asking = client.ask(method, '/get')
      asking.body.end()
      const answer = await asking.answer
      assert.equal(answer.status, 200)
      assert.equal(answer.headers['content-length'], '5')
      assert.equal(await text(answer.body), method === 'HEAD' ? '' : 'hello')
    }
  },

  async 'many at once'({ client }) {
    const answers = Array.from({ length: 200 }, async () => {
      const asking = client.ask('GET', '/get')
      asking.body.end()
      return text((await asking.answer).body)
    })
    assert.deepEqual(new Set(await Promise.all(answers)), new Set(['hello']))
  },

  async 'an upload of 10 MB, with a length and without'(cell) {
    const hash = createHash('sha256')
    for (let at = 0; at < uploadBytes; at += patternBytes)
      hash.update(patternAt(at, Math.min(patternBytes, uploadBytes - at)))
    const expected = hash.digest('hex')
    const withLength: Record<string, string> = { 'content-length': String(uploadBytes) }
    for (const headers of [withLength, {}]) {
      const answer = await upload(cell, 'POST', uploadBytes, headers)
      const got = JSON.parse(await text(answer.body)) as { bytes: number; sha256: string }
      assert.deepEqual([got.bytes, got.sha256], [uploadBytes, expected])
    }
  },

  async 'an upload to an origin that stalls is held back'({ client, ports }) {
    const asking = client.ask('POST', '/stall')
    let taken = 0
    let isHeld = false
    while (!isHeld && taken < takenBytesMax) {
      const flows = asking.body.write(patternAt(taken, patternBytes))
      taken += patternBytes
      if (!flows)
        isHeld = await Promise.race([once(asking.body, 'drain').then(() => false), sleep(1500, true)])
    }
    const held = taken - asking.body.writableLength - kernelBytes(ports)

    assert.ok(isHeld, `${taken} bytes were taken`)
    assert.ok(held < heldBytesMax, `${held} bytes are held outside the kernel, of ${taken}`)
    asking.abort()
  },

  async 'a large download to a slow reader'({ client }) {
    const asking = client.ask('GET', `/large?bytes=${largeBytes}`)
    asking.body.end()
    const answer = await asking.answer
    const check = new PatternCheck()
    let pauses = 0
    for await (const piece of answer.body) {
      check.take(piece as Buffer)
      if (check.bytes > (pauses + 1) * (largeBytes / 20)) {
        pauses++
        await sleep(50)
      }
    }
    assert.equal(check.bytes, largeBytes)
  },

  async trailers({ client }) {
    const asking = client.ask('GET', '/trailers', { te: 'trailers' })
    asking.body.end()
    const answer = await asking.answer
    assert.equal(await text(answer.body), 'counted')
    assert.equal(answer.trailers()['x-sum'], '7')
  },

  async 'an early answer'({ client }) {
    const asking = client.ask('POST', '/early', { 'content-length': String(64 * 1024 * 1024) })
    asking.body.on('error', () => {})
    asking.body.write(patternAt(0, patternBytes))
    const answer = await asking.answer
    assert.equal(answer.status, 413)
    assert.equal(await text(answer.body), 'too large')
    asking.abort()
  },

  async 'a client that goes away takes its request along'({ client, origin }) {
    const asking = client.ask('GET', '/hold')
    asking.body.end()
    const answer = await asking.answer
    await once(answer.body, 'data')
    answer.body.on('error', () => {})
    asking.abort()
    await until('the origin is told', () => origin.log.includes('close /hold'))
  },

  async 'an origin that breaks off never looks whole'({ client }) {
    const asking = client.ask('GET', '/cut')
    asking.body.end()
    await assert.rejects(async () => text((await asking.answer).body))
  },

  async '103'({ client }) {
    const asking = client.ask('GET', '/hints')
    asking.body.end()
    const answer = await asking.answer
    assert.equal(await text(answer.body), 'hinted')
    assert.deepEqual(asking.hints, ['</style.css>; rel=preload; as=style'])
  },

  async WebSocket({ client }) {
    const stream = await client.webSocket('/ws')
    for (const word of ['hello', 'again']) {
      stream.write(Buffer.concat([Buffer.of(0x81, 0x80 | word.length, 0, 0, 0, 0), Buffer.from(word)]))
      const [frame] = (await once(stream, 'data')) as [Buffer]
      assert.equal(frame.toString('latin1'), `\x81\x05${word}`)
    }
    stream.on('error', () => {})
    stream.write(Buffer.of(0x88, 0x80, 0, 0, 0, 0))
    const [close] = (await once(stream, 'data')) as [Buffer]
    assert.equal(close[0], 0x88)
    stream.end()
    await once(stream.resume(), 'end')
  },
}
