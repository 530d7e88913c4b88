import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Growth, type Follower, type GrowthOwner } from '../../../src/cache/store/growth.ts'
import { blockBytes, BodySpan, MemoryBody, wholeBytesMax } from '../../../src/cache/store/memory-body.ts'

class Owner implements GrowthOwner {
  advances = 0
  deserted = 0
  onAdvance(): void {
    this.advances++
  }
  onDeserted(): void {
    this.deserted++
  }
}

class Reading implements Follower {
  position = 0
  previous: Follower | null = null
  next: Follower | null = null
  list: object | null = null
  grown = 0
  broken = 0
  onGrowth: () => void = () => {}
  onGrown(): void {
    this.grown++
    this.onGrowth()
  }
  onBroken(fault: number): void {
    this.broken = fault
  }
  onLeftBehind(): void {
    this.broken = 7
  }
}

function followed(count: number): { growth: Growth; owner: Owner; readers: Reading[] } {
  const owner = new Owner()
  const growth = new Growth(owner)
  const readers = Array.from({ length: count }, () => new Reading())
  for (const reader of readers) growth.follow(reader)
  return { growth, owner, readers }
}

describe('Growth', () => {
  it('the front is as far as the fastest has read, and falls back when that one leaves', () => {
    const { growth, owner, readers } = followed(3)
    const [a, b] = readers as [Reading, Reading, Reading]
    a.position = 100
    growth.advance(a)
    b.position = 40
    growth.advance(b)
    assert.equal(growth.front, 100)
    assert.equal(owner.advances, 1)
    growth.leave(a)
    assert.equal(growth.front, 40)
  })

  it('the last that leaves leaves it deserted; leaving twice is harmless', () => {
    const { growth, owner, readers } = followed(2)
    for (const reader of readers) {
      growth.leave(reader)
      growth.leave(reader)
    }
    assert.equal(owner.deserted, 1)
    assert.equal(growth.size, 0)
  })

  it('who leaves while all are told, and takes the next one along, keeps nobody else from hearing', () => {
    const { growth, readers } = followed(4)
    const [a, b, c, d] = readers as [Reading, Reading, Reading, Reading]
    a.onGrowth = () => {
      growth.leave(a)
      growth.leave(b)
    }
    growth.grown()
    assert.deepEqual([a.grown, b.grown, c.grown, d.grown], [1, 0, 1, 1])
  })

  it('what is forgotten breaks those who have not read it, and only those', () => {
    const { growth, readers } = followed(2)
    const [fast, slow] = readers as [Reading, Reading]
    fast.position = 500
    slow.position = 499
    growth.forgotten(500)
    assert.deepEqual([fast.broken, slow.broken], [0, 7])
    assert.equal(growth.size, 1)
  })

  it('a break is told to all, who have left then', () => {
    const { growth, readers } = followed(3)
    growth.broken(9)
    assert.ok(readers.every((reader) => reader.broken === 9))
    assert.equal(growth.size, 0)
  })
})

describe('a body that is passed through a window', () => {
  it('lets go of whole blocks, and what is left stands where it stood', () => {
    const body = new MemoryBody(-1)
    const bytes = Buffer.alloc(blockBytes, 1)
    for (let i = 1; i <= 6; i++) body.append(bytes.fill(i), 0, bytes.length)
    assert.equal(body.forget(2 * blockBytes + 5), 2 * blockBytes)
    const span = new BodySpan()
    assert.ok(body.readAt(2 * blockBytes + 5, span))
    assert.equal(span.buffer[span.start], 3)
    body.append(bytes.fill(7), 0, bytes.length)
    assert.ok(body.readAt(6 * blockBytes, span))
    assert.equal(span.buffer[span.start], 7)
    body.finish()
    assert.equal(body.length, 7 * blockBytes)
  })

  it('a small one of stated length lies in one buffer, and is kept', () => {
    const body = new MemoryBody(wholeBytesMax)
    body.append(Buffer.alloc(wholeBytesMax), 0, wholeBytesMax)
    assert.equal(body.forget(wholeBytesMax), 0)
  })
})
