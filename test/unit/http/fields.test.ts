import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fields, isFieldName, isFieldValue } from '../../../src/http/fields.ts'
import { Field, fieldId } from '../../../src/http/known-fields.ts'

/** Fields as a head reader leaves them. */
function wire(lines: string): Fields {
  const fields = new Fields()
  return fillWire(fields, lines)
}

function fillWire(fields: Fields, lines: string): Fields {
  const start = 'GET / HTTP/1.1\r\n'
  fields.text = start + lines + '\r\n'
  let at = start.length
  for (const line of lines.split('\r\n').slice(0, -1)) {
    const colon = line.indexOf(':')
    const value = line.slice(colon + 1).trim()
    const valueStart = at + line.indexOf(value, colon + 1)
    const id = fieldId(line.slice(0, colon).toLowerCase())
    fields.addSpan(id, at, at + colon, valueStart, valueStart + value.length)
    at += line.length + 2
  }
  fields.wireEnd = at
  return fields
}

const lines = 'Host: a\r\nAccept: */*\r\nX-One:  1\r\ncookie: b\r\nCookie: c\r\nx-one: 2\r\n'

describe('fields that came over a wire', () => {
  test('are found by number and by name', () => {
    const fields = wire(lines)
    assert.equal(fields.get(Field.ACCEPT), '*/*')
    assert.equal(fields.has(Field.COOKIE), true)
    assert.equal(fields.has(Field.RANGE), false)
    assert.equal(fields.get(Field.RANGE), undefined)
    assert.equal(fields.getByName('x-one'), '1')
    assert.equal(fields.getByName('accept'), '*/*')
    assert.equal(fields.getByName('x-two'), undefined)
    assert.equal(fields.getByName('range'), undefined)
    assert.equal(fields.countOf(Field.COOKIE), 2)
    assert.equal(fields.countOf(Field.RANGE), 0)
  })

  test('are combined with commas in the order received (RFC 9110 §5.3)', () => {
    const fields = wire(lines)
    assert.equal(fields.combined(Field.COOKIE), 'b, c')
    assert.equal(fields.combinedByName('x-one'), '1, 2')
    assert.equal(fields.combined(Field.RANGE), undefined)
    assert.equal(fields.combinedByName('x-two'), undefined)
  })

  test('go out as they came, without Host', () => {
    assert.equal(wire(lines).toWire(), lines.replace('Host: a\r\n', ''))
  })

  test('are listed with name and value as received', () => {
    assert.deepEqual(wire('A: 1\r\nb:2\r\n').toArray(), ['A', '1', 'b', '2'])
  })
})

describe('fields that are edited', () => {
  const edits: [string, (fields: Fields) => void, string][] = [
    ['nothing', () => {}, 'Accept: */*\r\nX-One:  1\r\ncookie: b\r\nCookie: c\r\nx-one: 2\r\n'],
    [
      'add',
      (f) => f.add('X-Two', '3'),
      'Accept: */*\r\nX-One:  1\r\ncookie: b\r\nCookie: c\r\nx-one: 2\r\nX-Two: 3\r\n',
    ],
    [
      'addKnown',
      (f) => f.addKnown(Field.VIA, '1.1 x'),
      'Accept: */*\r\nX-One:  1\r\ncookie: b\r\nCookie: c\r\nx-one: 2\r\nvia: 1.1 x\r\n',
    ],
    [
      'setKnown of one that is there',
      (f) => f.setKnown(Field.ACCEPT, 'x'),
      'accept: x\r\nX-One:  1\r\ncookie: b\r\nCookie: c\r\nx-one: 2\r\n',
    ],
    [
      'setKnown of two',
      (f) => f.setKnown(Field.COOKIE, 'x'),
      'Accept: */*\r\nX-One:  1\r\ncookie: x\r\nx-one: 2\r\n',
    ],
    [
      'setKnown of none',
      (f) => f.setKnown(Field.RANGE, 'x'),
      'Accept: */*\r\nX-One:  1\r\ncookie: b\r\nCookie: c\r\nx-one: 2\r\nrange: x\r\n',
    ],
    ['set by name', (f) => f.set('x-ONE', 'y'), 'Accept: */*\r\nx-ONE: y\r\ncookie: b\r\nCookie: c\r\n'],
    [
      'set of a new name',
      (f) => f.set('x-two', 'y'),
      'Accept: */*\r\nX-One:  1\r\ncookie: b\r\nCookie: c\r\nx-one: 2\r\nx-two: y\r\n',
    ],
    [
      'setValueAt',
      (f) => f.setValueAt(2, 'z'),
      'Accept: */*\r\nX-One: z\r\ncookie: b\r\nCookie: c\r\nx-one: 2\r\n',
    ],
    [
      'setValueAt twice',
      (f) => (f.setValueAt(2, 'y'), f.setValueAt(2, 'z')),
      'Accept: */*\r\nX-One: z\r\ncookie: b\r\nCookie: c\r\nx-one: 2\r\n',
    ],
    ['removeKnown', (f) => f.removeKnown(Field.COOKIE), 'Accept: */*\r\nX-One:  1\r\nx-one: 2\r\n'],
    [
      'removeKnown of none',
      (f) => f.removeKnown(Field.RANGE),
      'Accept: */*\r\nX-One:  1\r\ncookie: b\r\nCookie: c\r\nx-one: 2\r\n',
    ],
    ['remove by name', (f) => f.remove('x-one'), 'Accept: */*\r\ncookie: b\r\nCookie: c\r\n'],
    ['remove of a known name', (f) => f.remove('cookie'), 'Accept: */*\r\nX-One:  1\r\nx-one: 2\r\n'],
    [
      'removeAt the first of two',
      (f) => f.removeAt(3),
      'Accept: */*\r\nX-One:  1\r\nCookie: c\r\nx-one: 2\r\n',
    ],
    ['removeAt the last', (f) => f.removeAt(5), 'Accept: */*\r\nX-One:  1\r\ncookie: b\r\nCookie: c\r\n'],
    [
      'removeAt twice',
      (f) => (f.removeAt(1), f.removeAt(1)),
      'X-One:  1\r\ncookie: b\r\nCookie: c\r\nx-one: 2\r\n',
    ],
    [
      'remove, then add again',
      (f) => (f.remove('accept'), f.add('Accept', 'y')),
      'X-One:  1\r\ncookie: b\r\nCookie: c\r\nx-one: 2\r\nAccept: y\r\n',
    ],
    [
      'replace, then remove',
      (f) => (f.setKnown(Field.ACCEPT, 'x'), f.removeKnown(Field.ACCEPT)),
      'X-One:  1\r\ncookie: b\r\nCookie: c\r\nx-one: 2\r\n',
    ],
    [
      'remove everything',
      (f) => {
        for (let i = 0; i < 6; i++) f.removeAt(i)
      },
      '',
    ],
    [
      'framing added by hand',
      (f) => (f.add('Transfer-Encoding', 'chunked'), f.setKnown(Field.HOST, 'evil')),
      'Accept: */*\r\nX-One:  1\r\ncookie: b\r\nCookie: c\r\nx-one: 2\r\n',
    ],
  ]
  for (const [what, edit, expected] of edits) {
    test(`by ${what} go out so`, () => {
      const fields = wire(lines)
      edit(fields)
      assert.equal(fields.toWire(), expected)
      // The list tells the same, and what is said to be first is.
      const list = fields.toArray()
      const sent = expected.split('\r\n').slice(0, -1)
      assert.equal(list.length / 2 >= sent.length, true)
      for (const id of Object.values(Field)) {
        const index = (fields.first[id] as number) - 1
        const found = [...fields.ids.subarray(0, fields.size)].indexOf(id)
        assert.equal(index, found)
        assert.equal(fields.has(id), found >= 0)
      }
    })
  }

  test('keep the second of two findable when the first goes', () => {
    const fields = wire(lines)
    fields.removeAt(3)
    assert.equal(fields.get(Field.COOKIE), 'c')
    fields.removeAt(4)
    assert.equal(fields.get(Field.COOKIE), undefined)
    assert.equal(fields.isLive(4), false)
    assert.equal(fields.isLive(0), true)
  })
})

describe('fields made by hand', () => {
  test('know a known name whatever its case, and keep its spelling', () => {
    const fields = new Fields()
    fields.add('CONTENT-Type', 'text/plain')
    fields.add('X-Any', 'v')
    assert.equal(fields.get(Field.CONTENT_TYPE), 'text/plain')
    assert.equal(fields.getByName('x-any'), 'v')
    assert.equal(fields.toWire(), 'CONTENT-Type: text/plain\r\nX-Any: v\r\n')
  })

  test('are copied live, and independent of where they came from', () => {
    const from = wire(lines)
    from.removeKnown(Field.COOKIE)
    const to = new Fields()
    to.copyFrom(from)
    from.clear()
    assert.deepEqual(to.toArray(), ['Host', 'a', 'Accept', '*/*', 'X-One', '1', 'x-one', '2'])
    assert.equal(to.get(Field.ACCEPT), '*/*')
  })

  test('may be as many as one likes', () => {
    const fields = wire(lines.repeat(30))
    for (let i = 0; i < 300; i++) fields.add(`X-${i}`, String(i))
    assert.equal(fields.size, 480)
    assert.equal(fields.getByName('x-299'), '299')
    assert.equal(fields.countOf(Field.COOKIE), 60)
    assert.equal(fields.toWire().split('\r\n').length - 1, 480 - 30)
  })
})

test('clear leaves nothing: fields can be filled again and again', () => {
  const fields = new Fields()
  for (let round = 0; round < 5; round++) {
    fillWire(fields, lines)
    fields.setKnown(Field.ACCEPT, 'x')
    fields.add('Via', 'y')
    fields.removeKnown(Field.COOKIE)
    assert.equal(fields.toWire(), 'accept: x\r\nX-One:  1\r\nx-one: 2\r\nVia: y\r\n')
    fields.clear()
    assert.deepEqual([fields.size, fields.text, fields.toWire(), fields.toArray()], [0, '', '', []])
    assert.ok(fields.first.every((index) => index === 0))
    fields.add('A', 'b')
    assert.equal(fields.toWire(), 'A: b\r\n')
    fields.clear()
  }
})

describe('what may be a field', () => {
  test('names are tokens', () => {
    for (const name of ['A', 'x-y', "!#$%&'*+-.^_`|~1"]) assert.equal(isFieldName(name), true, name)
    for (const name of ['', ' ', 'a b', 'a:', 'a\r\n', 'ä', '(a)', 'a\0', '😀'])
      assert.equal(isFieldName(name), false, name)
  })

  test('values have no control characters, no space around them, and one byte a character', () => {
    for (const value of ['', 'a', 'a b\tc', '\xe4', '"x"']) assert.equal(isFieldValue(value), true, value)
    for (const value of [' ', ' a', 'a ', '\ta', 'a\t', 'a\r\nB: c', 'a\n', '\0', 'a\x7f', 'š', '€'])
      assert.equal(isFieldValue(value), false, JSON.stringify(value))
  })
})
