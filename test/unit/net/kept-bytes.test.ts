import assert from 'node:assert/strict'
import { test } from 'node:test'
import { idleBlockBytes } from '../../../src/net/remainders.ts'
import { KeptBytes } from '../../../src/net/kept-bytes.ts'

const textOf = (ahead: KeptBytes): string => ahead.buffer.toString('latin1', ahead.start, ahead.end)

test('what is appended is copied, in order, also after a part was used', () => {
  const ahead = new KeptBytes()
  const lent = Buffer.from('xabcdefx')
  ahead.append(lent, 1, 4)
  ahead.consumeTo(ahead.start + 1)
  ahead.append(lent, 4, 7)
  lent.fill(0)
  assert.equal(textOf(ahead), 'bcdef')
  assert.equal(ahead.size, 5)
})

test('used up, it holds no memory', () => {
  const ahead = new KeptBytes()
  ahead.append(Buffer.alloc(100), 0, 100)
  ahead.consumeTo(ahead.end)
  assert.equal(ahead.isEmpty, true)
  assert.equal(ahead.buffer.length, 0)
})

test('single bytes are appended without copying all of it each time', () => {
  const ahead = new KeptBytes()
  const byte = Buffer.from('x')
  const buffers = new Set<Buffer>()
  for (let i = 0; i < 64 * 1024; i++) {
    ahead.append(byte, 0, 1)
    buffers.add(ahead.buffer)
  }
  assert.equal(ahead.size, 64 * 1024)
  assert.ok(buffers.size <= 17, `${buffers.size} buffers`)
  assert.ok(ahead.buffer.length <= 128 * 1024)
})

test('memory of reads that were kept and used up is used again', () => {
  const ahead = new KeptBytes()
  const read = Buffer.alloc(256 * 1024)
  const memories = new Set<ArrayBufferLike>()
  for (let i = 0; i < 100; i++) {
    ahead.append(read, 0, read.length)
    memories.add(ahead.buffer.buffer)
    ahead.consumeTo(ahead.end)
    assert.equal(ahead.buffer.length, 0)
  }
  assert.equal(memories.size, 1)
})

test('memory that is cleared away is not used again: somebody may still read it', () => {
  const ahead = new KeptBytes()
  const read = Buffer.alloc(128 * 1024)
  ahead.append(read, 0, read.length)
  const { buffer } = ahead
  ahead.clear()
  ahead.append(read, 0, read.length)
  assert.notEqual(ahead.buffer, buffer)
})

test('lent bytes are not copied, not written to, and not given back as memory of ours', () => {
  const kept = new KeptBytes()
  const body = Buffer.alloc(40_000, 97)
  kept.lend(body, 10, 20)
  assert.equal(kept.buffer, body)
  kept.append(Buffer.from('bb'), 0, 2)
  assert.equal(textOf(kept), 'a'.repeat(10) + 'bb')
  assert.equal(body[20], 97)
  const idle = idleBlockBytes()
  kept.clear()
  kept.lend(body, 0, 40_000)
  kept.consumeTo(40_000)
  assert.equal(idleBlockBytes(), idle)
  assert.equal(kept.isEmpty, true)
})
