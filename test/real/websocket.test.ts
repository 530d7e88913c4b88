/**
 * A `ws` server behind `headgate proxy`, as people run one: every message arrives as it was sent, both ways, and so does
 * the reason for which a side closes.
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { once } from 'node:events'
import { WebSocket, WebSocketServer } from 'ws'
import { HeadgateProcess } from './headgate-process.ts'
import { listen } from './recorder.ts'

const count = 10_000
const bigBytes = 16 * 1024 * 1024
const fragmentBytes = 1_000_003

/** Message `i` of those that everybody sends: every third is binary, all lengths from 0 to some thousands occur. */
function messageOf(i: number): string | Buffer {
  const length = (i * 7919) % 3001
  if (i % 3 !== 0) return `${i}:${'äöü…'.repeat(length / 4)}`
  return Buffer.from(Array.from({ length }, (_, at) => (at * 31 + i) & 255))
}

function isEqual(sent: string | Buffer, got: Buffer, isBinary: boolean): boolean {
  if (typeof sent === 'string') return !isBinary && got.toString() === sent
  return isBinary && got.equals(sent)
}

function patternOf(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i += 4) bytes.writeUInt32LE(Math.imul(i, 2_654_435_761) >>> 0, i)
  return bytes
}

async function sendAll(socket: WebSocket): Promise<void> {
  for (let i = 0; i < count; i++) {
    socket.send(messageOf(i))
    // So that neither side holds all of it in memory.
    if (i % 100 === 0) while (socket.bufferedAmount > 1_000_000) await new Promise((go) => setTimeout(go, 5))
  }
}

/** Resolves when `count` messages have come, each as it was sent. */
function receiveAll(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    let at = 0
    socket.on('message', (bytes: Buffer, isBinary) => {
      if (!isEqual(messageOf(at), bytes, isBinary)) reject(new Error(`message ${at} came changed`))
      if (++at === count) resolve()
    })
    socket.on('close', (code) => reject(new Error(`closed with ${code} after ${at} messages`)))
  })
}

for (const perMessageDeflate of [false, true]) {
  describe(`WebSocket through headgate proxy${perMessageDeflate ? ', compressed' : ''}`, () => {
    const server = createServer()
    const sockets = new WebSocketServer({ server, perMessageDeflate, maxPayload: 2 * bigBytes })
    let headgate: HeadgateProcess
    before(async () => {
      headgate = await HeadgateProcess.start(`http://127.0.0.1:${await listen(server)}`)
    })
    after(async () => {
      for (const socket of sockets.clients) socket.terminate()
      await headgate?.stop()
      server.close()
    })

    async function open(): Promise<{ near: WebSocket; far: WebSocket }> {
      const accepted = once(sockets, 'connection')
      const near = new WebSocket(`ws://127.0.0.1:${headgate.port}/a?b`, ['first', 'second'], {
        perMessageDeflate,
        maxPayload: 2 * bigBytes,
      })
      await once(near, 'open')
      const [far] = (await accepted) as [WebSocket]
      assert.equal(near.protocol, 'first')
      assert.equal(near.extensions !== '', perMessageDeflate)
      return { near, far }
    }

    it(`${count} messages each way at the same time arrive in order and unchanged`, async () => {
      const { near, far } = await open()
      const received = [receiveAll(near), receiveAll(far)]
      await Promise.all([sendAll(near), sendAll(far), ...received])
      near.close()
      await once(far, 'close')
    })

    it('a message of 16 MiB in fragments, with a ping between them, is the same at the other end', async () => {
      const { near, far } = await open()
      const whole = patternOf(bigBytes)
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        const received = once(to, 'message') as Promise<[Buffer, boolean]>
        const ponged = once(from, 'pong')
        for (let at = 0; at < bigBytes; at += fragmentBytes) {
          const end = Math.min(at + fragmentBytes, bigBytes)
          from.send(whole.subarray(at, end), { fin: end === bigBytes, binary: true })
          if (at === 0) from.ping('between')
        }
        const [bytes, isBinary] = await received
        assert.ok(isBinary)
        assert.ok(bytes.equals(whole))
        assert.equal(String((await ponged)[0]), 'between')
      }
      near.close()
      await once(far, 'close')
    })

    it('the code and the reason of a close reach the other side, whoever closes', async () => {
      for (const closer of ['near', 'far'] as const) {
        const both = await open()
        const other = closer === 'near' ? both.far : both.near
        const closed = [once(both.near, 'close'), once(both.far, 'close')]
        const heard = once(other, 'close') as Promise<[number, Buffer]>
        both[closer].close(4001, 'enough of it')
        const [code, reason] = await heard
        assert.deepEqual([code, String(reason)], [4001, 'enough of it'])
        await Promise.all(closed)
      }
    })

    it('an upgrade that the origin refuses comes to the client as the answer that it is', async () => {
      sockets.shouldHandle = () => false
      const near = new WebSocket(`ws://127.0.0.1:${headgate.port}/`)
      const [, response] = (await once(near, 'unexpected-response')) as [unknown, { statusCode: number }]
      assert.equal(response.statusCode, 400)
      sockets.shouldHandle = () => true
      near.on('error', () => {})
      near.terminate()
    })
  })
}
