import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { unacknowledgedBytes } from '../../../src/net/kernel-queue.ts'
import { descriptorOf } from '../../../src/net/node-handle.ts'
import { socketPair } from './pairs.ts'

const skip = process.platform !== 'linux' && 'only Linux tells'

/** Answers are up to a second old. */
const staleMs = 1050

async function stuckPair(use: (writer: Socket, reader: Socket) => Promise<void>): Promise<void> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const reader = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [writer] = (await once(server, 'connection')) as [Socket]
  try {
    reader.pause()
    await use(writer, reader)
  } finally {
    reader.destroy()
    writer.destroy()
    server.close()
  }
}

test('what a peer does not read is seen in the kernel, and that it goes on reading', { skip }, () =>
  stuckPair(async (writer, reader) => {
    const descriptor = descriptorOf(writer)
    writer.write(Buffer.alloc(32 * 1024 * 1024))
    await sleep(staleMs)
    const queued = unacknowledgedBytes(descriptor)
    assert.ok(queued > 0, `queued ${queued}`)
    reader.resume()
    await once(writer, 'drain')
    await sleep(staleMs)
    assert.equal(unacknowledgedBytes(descriptor), 0)
  }),
)

test(
  'a transport that was closed has no answer: its descriptor may be another connection’s',
  { skip },
  async () => {
    const { a, b, release } = await socketPair('handle')
    b.pause()
    a.writeBytes(Buffer.alloc(8 * 1024 * 1024), 0, 8 * 1024 * 1024)
    await sleep(staleMs)
    assert.ok((a.unacknowledgedBytes?.() ?? -1) > 0)
    a.destroy()
    assert.equal(a.unacknowledgedBytes?.(), -1)
    b.destroy()
    release()
  },
)

test('what is no TCP socket has no answer', () => {
  assert.equal(unacknowledgedBytes(-1), -1)
  assert.equal(unacknowledgedBytes(0), -1)
  assert.equal(unacknowledgedBytes(1_000_000), -1)
})
