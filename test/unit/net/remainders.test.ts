import assert from 'node:assert/strict'
import { test } from 'node:test'
import { giveBackBlock, idleBlockBytes, idleBytesMax, takeBlock } from '../../../src/net/remainders.ts'

test('a block that was given back is taken again', () => {
  const block = takeBlock(40_000)
  assert.ok(block.length >= 40_000)
  giveBackBlock(block)
  assert.equal(takeBlock(50_000), block)
})

test('a block is at most twice as large as what it holds, from 16 KiB on', () => {
  for (const bytes of [16_385, 33_000, 65_537, 131_073, 262_144, 300_000]) {
    assert.ok(takeBlock(bytes).length <= bytes * 2)
  }
})

test('blocks made to measure are not kept, and no more lie idle than idleBytesMax', () => {
  const before = idleBlockBytes()
  giveBackBlock(takeBlock(1_000_000))
  assert.equal(idleBlockBytes(), before)
  const blocks = Array.from({ length: 2 + idleBytesMax / (256 * 1024) }, () => takeBlock(256 * 1024))
  for (const block of blocks) giveBackBlock(block)
  assert.ok(idleBlockBytes() <= idleBytesMax)
})
