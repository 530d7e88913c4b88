import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FrameWalk, closeFrameToClient, closeFrameToOrigin } from '../../../src/http/websocket-close.ts'

/** A frame as RFC 6455 §5.2 says, with a payload of zeros. */
function frame(length: number, options: { masked?: boolean; opcode?: number } = {}): Buffer {
  const mask = options.masked === true ? 0x80 : 0
  const first = 0x80 | (options.opcode ?? 2)
  let header: Buffer
  if (length < 126) header = Buffer.from([first, mask | length])
  else if (length < 65_536) header = Buffer.from([first, mask | 126, length >> 8, length & 0xff])
  else {
    header = Buffer.alloc(10)
    header[0] = first
    header[1] = mask | 127
    header.writeBigUInt64BE(BigInt(length), 2)
  }
  return Buffer.concat([header, Buffer.alloc(mask === 0 ? 0 : 4, 1), Buffer.alloc(length)])
}

const frames = [
  frame(0),
  frame(1, { masked: true }),
  frame(125),
  frame(126, { masked: true }),
  frame(65_535),
  frame(65_536, { masked: true }),
  frame(0, { masked: true, opcode: 9 }),
]

test('the walk is between two frames exactly where one ends, however the bytes are split', () => {
  const bytes = Buffer.concat(frames)
  const ends = new Set<number>([0])
  for (const one of frames) ends.add(([...ends].at(-1) as number) + one.length)
  for (const size of [1, 2, 3, 7, 1000, 65_537, bytes.length]) {
    const walk = new FrameWalk()
    for (let at = 0; at < bytes.length; at += size) {
      const end = Math.min(at + size, bytes.length)
      walk.walk(bytes, at, end)
      assert.equal(walk.isBetween, ends.has(end), `at ${end} in steps of ${size}`)
    }
    assert.equal(walk.hasClosed, false)
  }
})

test('walking to the end of the frame under way gives its place', () => {
  const bytes = Buffer.concat([frame(10), frame(20)])
  const walk = new FrameWalk()
  walk.walk(bytes, 0, 5)
  assert.equal(walk.walkToEnd(bytes, 5, 8), -1)
  assert.equal(walk.walkToEnd(bytes, 8, bytes.length), 12)
})

test('a Close frame that passes is seen', () => {
  for (const close of [closeFrameToClient(), closeFrameToOrigin()]) {
    const walk = new FrameWalk()
    walk.walk(close, 0, close.length)
    assert.equal(walk.hasClosed, true)
    assert.equal(walk.isBetween, true)
  }
})

test('both Close frames say 1001, masked towards the origin and plain towards the client', () => {
  assert.deepEqual([...closeFrameToClient()], [0x88, 2, 0x03, 0xe9])
  const toOrigin = closeFrameToOrigin()
  assert.equal(toOrigin.length, 8)
  assert.equal(toOrigin[1], 0x82)
  const code = ((toOrigin[6] ?? 0) ^ (toOrigin[2] ?? 0)) * 256 + ((toOrigin[7] ?? 0) ^ (toOrigin[3] ?? 0))
  assert.equal(code, 1001)
})
