/** What a peer said before it reset the connection is still read: the early answer to an upload (RFC 9112 §9.3). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { socketPair, until } from './pairs.ts'
import { pattern, Recorder } from './recorder.ts'

test('a write that fails leaves what the peer had said before readable, and ends in ECONNRESET', async () => {
  const { a, b, release } = await socketPair('handle')
  const atA = new Recorder()
  a.events = atA
  b.pause()
  const upload = pattern(100_000)
  a.writeBytes(upload, 0, upload.length)
  b.writeText('413')
  b.flush()
  // Closed with bytes unread: the kernel resets. Both lie in our socket before the event loop turns again.
  b.destroy()
  for (let i = 0; i < 5; i++) {
    a.writeBytes(upload, 0, upload.length)
    a.flush()
  }
  await until(() => atA.closes.length === 1, 'the close')
  assert.equal(atA.text, '413')
  assert.equal(atA.ends, 0)
  assert.deepEqual(atA.closes, ['ECONNRESET'])
  release()
})

test('a write that fails while reads are paused closes at once: nobody would see the end', async () => {
  const { a, b, release } = await socketPair('handle')
  const atA = new Recorder()
  a.events = atA
  a.pause()
  b.pause()
  a.writeText('x')
  await sleep(10)
  b.reset()
  await sleep(10)
  assert.deepEqual(atA.closes, [])
  a.writeText('y')
  await until(() => atA.closes.length === 1, 'the close')
  assert.deepEqual(atA.closes, ['ECONNRESET'])
  release()
})

test('a descriptor is not written to after Node closed it, when another connection may have its number', async () => {
  const first = await socketPair('handle')
  const atA = new Recorder()
  first.a.events = atA
  // Node closes the descriptor as it reads the reset; we hear of it a turn later. In between the number is free.
  first.b.reset()
  const others = await Promise.all(Array.from({ length: 8 }, () => socketPair('handle')))
  const heard = others.flatMap(({ a, b }) => {
    const pair = [new Recorder(), new Recorder()] as const
    a.events = pair[0]
    b.events = pair[1]
    return pair
  })
  const secret = pattern(20_000)
  for (let i = 0; i < 20; i++) {
    first.a.writeBytes(secret, 0, secret.length)
    first.a.writeText('secret')
    await sleep(0)
  }
  assert.deepEqual(
    heard.map(({ bytes }) => bytes),
    heard.map(() => 0),
  )
  for (const { a, b, release } of [first, ...others]) {
    a.destroy()
    b.destroy()
    release()
  }
})
