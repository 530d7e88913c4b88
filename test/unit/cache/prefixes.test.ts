import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PrefixTree } from '../../../src/cache/purge/prefixes.ts'
import { PurgeMark } from '../../../src/cache/store/purge-records.ts'
import { Random } from '../../sim/random.ts'

function collected(tree: PrefixTree, text: string, since = 0): number[] {
  const found: PurgeMark[] = []
  tree.collect('>' + text + '\nrest', 1, text.length + 1, since, found)
  return found.map((mark) => mark.generation).sort((a, b) => a - b)
}

test('the marks of all prefixes of a text are found, and no others', () => {
  const tree = new PrefixTree('host')
  const prefixes = ['', '/', '/img', '/images', '/img/a', '/img/a/b', '/x', '/img\nrest']
  for (const [i, prefix] of prefixes.entries()) tree.open(prefix).mark(new PurgeMark(i + 1, false, false, 0))
  assert.deepEqual(collected(tree, '/img/a'), [1, 2, 3, 5])
  assert.deepEqual(collected(tree, '/im'), [1, 2])
  assert.deepEqual(collected(tree, '/img'), [1, 2, 3], 'what follows the target in the key is not part of it')
  assert.deepEqual(collected(tree, '/images/1'), [1, 2, 4])
  assert.deepEqual(collected(tree, ''), [1])
  assert.deepEqual(collected(tree, '/img/a', 2), [3, 5], 'only those younger than it')
})

test('a prefix that goes on after the target is not found', () => {
  const tree = new PrefixTree('host')
  tree.open('/img\nre').mark(new PurgeMark(1, false, false, 0))
  assert.deepEqual(collected(tree, '/img'), [])
})

test('a tree agrees with a list, through adding and forgetting, and is empty in the end', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = new Random(seed)
    const tree = new PrefixTree('host')
    const marks = new Map<PurgeMark, string>()
    const word = () =>
      Array.from({ length: random.between(0, 6) }, () => random.pick(['a', 'b', '/'])).join('')
    for (let step = 1; step <= 200; step++) {
      const [oldest] = marks.keys()
      if (oldest !== undefined && random.chance(0.45)) {
        for (const record of oldest.records) record.unmark(oldest)
        marks.delete(oldest)
      } else {
        const mark = new PurgeMark(step, false, false, 0)
        const prefix = word()
        tree.open(prefix).mark(mark)
        marks.set(mark, prefix)
      }
      const text = word()
      const expected = Array.from(marks).filter(([, prefix]) => text.startsWith(prefix))
      assert.deepEqual(
        collected(tree, text),
        expected.map(([mark]) => mark.generation),
        `seed ${seed}`,
      )
      assert.equal(tree.size, new Set(marks.values()).size)
    }
    for (const mark of marks.keys()) for (const record of mark.records) record.unmark(mark)
    assert.equal(tree.size, 0)
    assert.equal(tree.nodes, 1, `seed ${seed}: only the root is left`)
  }
})
