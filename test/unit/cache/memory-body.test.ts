import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blockBytes, BodySpan, MemoryBody, wholeBytesMax } from '../../../src/cache/store/memory-body.ts'
import { Random } from '../../sim/random.ts'

function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8)) & 255
  return bytes
}

/** Everything from `offset` on, span by span. */
function read(body: MemoryBody, offset: number, end?: number): Buffer {
  const span = new BodySpan()
  const pieces: Buffer[] = []
  let at = offset
  while (body.readAt(at, span, end)) {
    pieces.push(Buffer.from(span.buffer.subarray(span.start, span.end)))
    at += span.end - span.start
  }
  return Buffer.concat(pieces)
}

test('a body of stated length lies in one buffer of exactly that size', () => {
  const bytes = pattern(1000)
  const body = new MemoryBody(1000)
  assert.equal(body.heldBytes, 1000)
  assert.equal(body.costOf(1000), 0)
  body.append(bytes, 0, 400)
  assert.equal(body.single, null, 'not before it is whole')
  assert.deepEqual(read(body, 0), bytes.subarray(0, 400))
  body.append(bytes, 400, 1000)
  body.finish()
  const single = body.single as Buffer | null
  assert.deepEqual(single, bytes)
  assert.equal(single?.buffer.byteLength, 1000)
})

test('more than was stated, or anything after the end, is a mistake of ours', () => {
  const body = new MemoryBody(10)
  assert.throws(() => body.append(pattern(11), 0, 11), RangeError)
  body.finish()
  assert.throws(() => body.append(pattern(1), 0, 1))
  assert.equal(body.length, 0)
  assert.equal(body.single?.length, 0)
})

test('a small body of unknown length becomes one buffer, and gives the rest of its block back', () => {
  const body = new MemoryBody()
  assert.equal(body.costOf(1), blockBytes)
  body.append(pattern(300), 0, 300)
  assert.equal(body.heldBytes, blockBytes)
  body.finish()
  body.finish()
  assert.equal(body.heldBytes, 300)
  assert.deepEqual(body.single, pattern(300))
  assert.equal(body.single?.buffer.byteLength, 300, 'not a slice of a pool')
})

test('a large body stays in blocks, the last one cut to size', () => {
  const bytes = pattern(wholeBytesMax + blockBytes + 5)
  const body = new MemoryBody(bytes.length)
  assert.equal(body.heldBytes, 0)
  body.append(bytes, 0, bytes.length)
  body.finish()
  assert.equal(body.single, null)
  assert.equal(body.heldBytes, bytes.length)
  assert.deepEqual(Buffer.concat(body.blocks), bytes)
  assert.deepEqual(read(body, blockBytes - 1, blockBytes + 1), bytes.subarray(blockBytes - 1, blockBytes + 1))
})

test('what is appended is copied', () => {
  const body = new MemoryBody()
  const borrowed = Buffer.from('abc')
  body.append(borrowed, 1, 3)
  borrowed.fill('x')
  assert.equal(read(body, 0).toString(), 'bc')
})

test('any pieces give the same bytes at any offset, and the cost is told before', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new Random(seed)
    const bytes = pattern(random.skewed(500_000))
    const body = new MemoryBody(random.chance(0.5) ? bytes.length : -1)
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + random.between(1, 100_000))
      const before = body.heldBytes
      const cost = body.costOf(end - at)
      body.append(bytes, at, end)
      assert.equal(body.heldBytes - before, cost)
      at = end
    }
    const whole = random.chance(0.5)
    if (whole) body.finish()
    assert.equal(body.isWhole, whole)
    assert.deepEqual(read(body, 0), bytes, `seed ${seed}`)
    const from = random.between(0, bytes.length)
    const to = random.between(from, bytes.length)
    assert.deepEqual(read(body, from, to), bytes.subarray(from, to), `seed ${seed}`)
    assert.equal(body.readAt(bytes.length, new BodySpan()), false)
  }
})

test('bytes at hand become a whole body without a copy', () => {
  const bytes = pattern(10)
  const body = MemoryBody.of(bytes)
  assert.equal(body.single, bytes)
  assert.equal(body.isWhole && body.length === 10 && body.heldBytes === 10, true)
})
