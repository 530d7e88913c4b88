import assert from 'node:assert/strict'
import { test } from 'node:test'
import { List, type ListNode } from '../../../src/core/list.ts'

class Item implements ListNode<Item> {
  readonly name: string
  previous: Item | null = null
  next: Item | null = null
  list: object | null = null
  constructor(name: string) {
    this.name = name
  }
}

function listOf(...names: string[]): { list: List<Item>; items: Item[] } {
  const list = new List<Item>()
  const items = names.map((name) => new Item(name))
  for (const item of items) list.addLast(item)
  return { list, items }
}

function namesOf(list: List<Item>): string {
  let forward = ''
  let backward = ''
  for (let item = list.first; item !== null; item = item.next) forward += item.name
  for (let item = list.last; item !== null; item = item.previous) backward = item.name + backward
  assert.equal(backward, forward, 'both directions tell the same')
  assert.equal(list.size, forward.length)
  return forward
}

test('items stand in the order they were added', () => {
  assert.equal(namesOf(listOf('a', 'b', 'c').list), 'abc')
})

for (const [index, rest] of [
  [0, 'bc'],
  [1, 'ac'],
  [2, 'ab'],
] as const) {
  test(`item ${index} of three is taken out, the others keep their order`, () => {
    const { list, items } = listOf('a', 'b', 'c')
    const item = items[index] as Item
    assert.equal(list.remove(item), true)
    assert.equal(namesOf(list), rest)
    assert.deepEqual([item.list, item.previous, item.next], [null, null, null])
  })
}

test('taking out twice, or from another list, does nothing and says so', () => {
  const { list, items } = listOf('a', 'b')
  const other = listOf('x').list
  assert.equal(other.remove(items[0] as Item), false)
  assert.equal(list.remove(items[0] as Item), true)
  assert.equal(list.remove(items[0] as Item), false)
  assert.equal(namesOf(list), 'b')
  assert.equal(namesOf(other), 'x')
})

test('an item cannot be in two lists', () => {
  const { list, items } = listOf('a')
  assert.throws(() => list.addLast(items[0] as Item))
  assert.throws(() => new List<Item>().addLast(items[0] as Item))
})

test('takeFirst empties the list from its front, then gives null', () => {
  const { list } = listOf('a', 'b')
  assert.equal(list.takeFirst()?.name, 'a')
  assert.equal(list.takeFirst()?.name, 'b')
  assert.equal(list.takeFirst(), null)
  assert.equal(namesOf(list), '')
})

test('an item that was taken out can be added again', () => {
  const { list, items } = listOf('a', 'b')
  list.remove(items[0] as Item)
  list.addLast(items[0] as Item)
  assert.equal(namesOf(list), 'ba')
})
