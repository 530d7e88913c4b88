import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fields } from '../../../src/http/fields.ts'
import { Field } from '../../../src/http/known-fields.ts'
import type { FieldsView } from '../../../src/http/fields-view.ts'
import { StoredFields } from '../../../src/http/stored-fields.ts'
import { Random } from '../../sim/random.ts'

function fieldsOf(...list: string[]): Fields {
  const fields = new Fields()
  for (let i = 0; i + 1 < list.length; i += 2) fields.add(list[i] as string, list[i + 1] as string)
  return fields
}

const names = ['Date', 'ETag', 'X-One', 'x-one', 'X-Two', 'Set-Cookie', 'Vary', 'Content-Type']

/** Everything that can be asked, as one value. */
function asked(view: FieldsView): unknown {
  const known = [Field.DATE, Field.ETAG, Field.SET_COOKIE, Field.VARY, Field.AGE]
  return {
    all: view.toArray(),
    known: known.map((id) => [view.has(id), view.get(id), view.combined(id), view.countOf(id)]),
    named: names.map((name) => {
      const lower = name.toLowerCase()
      return [view.getByName(lower), view.combinedByName(lower)]
    }),
    none: [view.indexOf('x-none'), view.getByName('age')],
  }
}

test('stored fields answer every question as the fields did, and so do those that adopt them', () => {
  for (let seed = 1; seed <= 100; seed++) {
    const random = new Random(seed)
    const fields = new Fields()
    for (let n = random.between(0, 40); n > 0; n--) {
      fields.add(random.pick(names), 'v'.repeat(random.pick([0, 1, 20, 300, 70_000])) + n)
    }
    if (random.chance(0.5)) fields.remove('x-one')
    if (random.chance(0.5)) fields.setKnown(Field.VARY, 'changed')
    const stored = StoredFields.of(fields)
    const adopted = new Fields()
    adopted.adopt(stored)
    assert.deepEqual(asked(stored), asked(fields), `seed ${seed}`)
    assert.deepEqual(asked(adopted), asked(fields), `seed ${seed}`)
    assert.equal(adopted.toWire(), fields.toWire())
    assert.deepEqual(asked(StoredFields.from(fields.toArray())), asked(fields))
    assert.deepEqual(asked(StoredFields.of(stored)), asked(fields))
  }
})

test('a stored text is read the same whatever texts of the same length were read before', () => {
  const lists = [
    ['Date', 'abc', 'ETag', 'd'],
    ['Date', 'abcd', 'ETag', ''],
    ['Date', 'ab', 'ETag', 'cd'],
    ['Dale', 'abc', 'ETag', 'd'],
    ['Date', 'abc', 'X-A', 'de'],
    ['Date', 'abc ETag: de'],
  ].map((list) => StoredFields.of(fieldsOf(...list)))
  assert.equal(new Set(lists.map(({ text }) => text.length)).size, 1)
  for (const first of lists) {
    for (const second of [first, ...lists]) {
      assert.deepEqual(asked(StoredFields.fromText(first.text)), asked(first))
      assert.deepEqual(asked(StoredFields.fromText(second.text)), asked(second))
    }
  }
})

function isLeftOut(id: number, lowerName: string): boolean {
  return id === Field.AGE || lowerName === 'x-mine'
}

test('what belongs to one hop, delimits messages, or is named is left out', () => {
  const fields = fieldsOf(
    'Connection',
    'x',
    'Keep-Alive',
    '1',
    'Content-Length',
    '5',
    'Age',
    '3',
    'X-Mine',
    '1',
    'Date',
    'd',
  )
  assert.deepEqual(StoredFields.of(fields).toArray(), ['Age', '3', 'X-Mine', '1', 'Date', 'd'])
  assert.deepEqual(StoredFields.of(fields, isLeftOut).toArray(), ['Date', 'd'])
})

test('an answer that edits what it adopted changes nothing of what is stored', () => {
  const stored = StoredFields.of(fieldsOf('Date', 'd', 'Vary', 'a', 'ETag', '"e"'))
  const before = stored.text
  const fields = new Fields()
  fields.adopt(stored)
  fields.setKnown(Field.VARY, 'b')
  fields.removeKnown(Field.DATE)
  fields.addKnown(Field.AGE, '1')
  assert.equal(fields.toWire(), 'vary: b\r\nETag: "e"\r\nage: 1\r\n')
  fields.clear()
  fields.adopt(stored)
  assert.equal(fields.toWire(), before)
  assert.equal(stored.text, before)
})

test('the empty section is one', () => {
  const stored = StoredFields.of(new Fields())
  const fields = new Fields()
  fields.adopt(stored)
  assert.deepEqual([stored.size, stored.text, fields.size, fields.toWire()], [0, '', 0, ''])
})

test('adopted fields name their source until they are edited in any way', () => {
  const stored = StoredFields.from(['Age', '3', 'X-Mine', '1', 'Via', 'a'])
  const edits: ((fields: Fields) => void)[] = [
    (fields) => fields.add('X-Other', '2'),
    (fields) => fields.addKnown(Field.VIA, 'b'),
    (fields) => fields.setKnown(Field.AGE, '4'),
    (fields) => fields.set('x-mine', '4'),
    (fields) => fields.setValueAt(0, '4'),
    (fields) => fields.removeKnown(Field.AGE),
    (fields) => fields.remove('x-mine'),
    (fields) => fields.removeAt(1),
    (fields) => fields.copyFrom(fieldsOf('A', 'b')),
    (fields) => fields.clear(),
  ]
  for (const edit of edits) {
    const fields = new Fields()
    fields.adopt(stored)
    fields.removeKnown(Field.SERVER)
    assert.equal(fields.source, stored)
    edit(fields)
    assert.equal(fields.source, null, edit.toString())
  }
})
