import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Admission, usesMax, type Admitted } from '../../../src/cache/memory/admission.ts'
import { GhostTable, hashOf } from '../../../src/cache/memory/ghosts.ts'
import { Random } from '../../sim/random.ts'

class Node implements Admitted<Node> {
  readonly key: string
  bytes: number
  uses = 0
  isMain = false
  previous: Node | null = null
  next: Node | null = null
  list: object | null = null

  constructor(key: string, bytes: number) {
    this.key = key
    this.bytes = bytes
  }
}

test('what is new and never found goes first, in the order in which it came', () => {
  const queues = new Admission<Node>()
  const nodes = Array.from({ length: 10 }, (_, i) => new Node(`${i}`, 10))
  for (const node of nodes) queues.add(node)
  ;(nodes[0] as Node).uses = 1
  assert.equal(queues.evict(100)?.key, '1')
  assert.equal(nodes[0]?.isMain, true)
  assert.equal(queues.evict(100)?.key, '2')
  assert.deepEqual([queues.smallBytes, queues.mainBytes, queues.size], [70, 10, 8])
})

test('what comes back soon after it went enters the main queue', () => {
  const queues = new Admission<Node>()
  for (let i = 0; i < 10; i++) queues.add(new Node(`${i}`, 10))
  assert.equal(queues.evict(100)?.key, '0')
  const again = new Node('0', 10)
  queues.add(again)
  assert.equal(again.isMain, true)
  const other = new Node('other', 10)
  queues.add(other)
  assert.equal(other.isMain, false)
})

test('in the main queue each round costs uses, more for what is large', () => {
  const queues = new Admission<Node>()
  const small = new Node('small', 10)
  const large = new Node('large', 200)
  const others = Array.from({ length: 30 }, (_, i) => new Node(`${i}`, 10))
  for (const node of [large, small, ...others]) {
    queues.add(node)
    node.uses = 1
  }
  // All move to the main queue; there all but the large one have no use left.
  assert.equal(queues.evict(1000)?.key, 'large')
  small.uses = large.uses = usesMax - 1
  assert.notEqual(queues.evict(1000), small)
  assert.equal(small.uses, usesMax - 2)
})

test('one eviction looks at a bounded number of entries, also when all are in use', () => {
  const queues = new Admission<Node>()
  const nodes = Array.from({ length: 5000 }, (_, i) => new Node(`${i}`, 1))
  for (const node of nodes) queues.add(node)
  for (const node of nodes) node.uses = usesMax
  assert.notEqual(queues.evict(5000), null)
  const touched = nodes.filter((node) => node.uses < usesMax).length
  assert.ok(touched <= 202, String(touched))
})

test('the sums are those of the queues, whatever is done', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = new Random(seed)
    const queues = new Admission<Node>()
    const live = new Set<Node>()
    for (let step = 0; step < 300; step++) {
      const one = live.size === 0 ? null : random.pick(Array.from(live))
      const dice = random.between(0, 9)
      if (dice < 4 || one === null) {
        const node = new Node(`${random.between(0, 50)}`, random.between(1, 100))
        queues.add(node)
        live.add(node)
      } else if (dice < 6) one.uses = Math.min(usesMax, one.uses + 1)
      else if (dice === 6) queues.resize(one, random.between(1, 200))
      else if (dice === 7) {
        const fresh = new Node(one.key, random.between(1, 100))
        queues.replace(one, fresh)
        assert.deepEqual([fresh.isMain, fresh.uses], [one.isMain, one.uses])
        live.delete(one)
        live.add(fresh)
      } else if (dice === 8) {
        queues.remove(one)
        queues.remove(one)
        live.delete(one)
      } else {
        const gone = queues.evict(1000)
        assert.ok(gone !== null && live.delete(gone), `seed ${seed}: out once`)
      }
      const sum = Array.from(live).reduce((total, node) => total + node.bytes, 0)
      assert.equal(queues.smallBytes + queues.mainBytes, sum, `seed ${seed}`)
      assert.equal(queues.size, live.size)
      assert.equal(queues.youngest(1000).length, live.size)
    }
    while (queues.evict(1000) !== null);
    assert.deepEqual([queues.smallBytes, queues.mainBytes], [0, 0])
  }
})

test('a mark is found once, and for as many evictions as there are entries', () => {
  const ghosts = new GhostTable()
  assert.equal(ghosts.take('a'), false)
  ghosts.add('a', 10)
  assert.equal(ghosts.take('a'), true)
  assert.equal(ghosts.take('a'), false)
  ghosts.add('b', 10)
  for (let i = 0; i < 11; i++) ghosts.add(`x${i}`, 10)
  assert.equal(ghosts.take('b'), false)
})

test('most marks are found among 100,000, and few that were never made', () => {
  const ghosts = new GhostTable()
  for (let i = 0; i < 100_000; i++) ghosts.add(`key ${i}`, 100_000)
  let found = 0
  let wrong = 0
  for (let i = 0; i < 100_000; i++) if (ghosts.take(`key ${i}`)) found++
  for (let i = 0; i < 100_000; i++) if (ghosts.take(`other ${i}`)) wrong++
  assert.ok(found > 75_000, String(found))
  assert.ok(wrong < 10, String(wrong))
})

test('hashes of keys that differ in one character spread', () => {
  const low = new Set(Array.from({ length: 1000 }, (_, i) => hashOf(`https://a.example/${i}`) & 0xffff))
  assert.ok(low.size > 970, String(low.size))
})
