import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  END_TO_END,
  Field,
  fieldFlags,
  fieldId,
  fieldIdAt,
  fieldName,
  FRAMING,
  HOP_BY_HOP,
  knownFieldCount,
  NOT_IN_TRAILER,
} from '../../../src/http/known-fields.ts'

const all = Object.values(Field)

function idOf(name: string): number {
  // In the midst of other letters, which must not be read.
  const buffer = Buffer.from(`xx${name}yy`, 'latin1')
  return fieldIdAt(buffer, 2, 2 + name.length)
}

describe('a known field', () => {
  test('has a number of its own from 1 on, which fits a byte beside the mark of removed ones', () => {
    assert.equal(new Set(all).size, all.length)
    assert.ok(all.every((id) => id >= 1 && id < knownFieldCount))
    assert.ok(knownFieldCount < 255)
  })

  test('is found by its name, its bytes, and its bytes in any case', () => {
    for (const id of all) {
      const name = fieldName(id)
      assert.equal(name, name.toLowerCase())
      assert.equal(fieldId(name), id)
      assert.equal(idOf(name), id)
      assert.equal(idOf(name.toUpperCase()), id)
      assert.equal(idOf(name.replace(/(^|-)[a-z]/g, (letters) => letters.toUpperCase())), id)
    }
  })

  test('is not found by a name that differs in one letter, or in length', () => {
    for (const id of all) {
      const name = fieldName(id)
      for (let i = 0; i < name.length; i++) {
        const other = name.slice(0, i) + (name[i] === 'q' ? 'z' : 'q') + name.slice(i + 1)
        assert.notEqual(idOf(other), id, other)
      }
      assert.notEqual(idOf(name + 'x'), id)
      assert.notEqual(idOf(name.slice(1)), id)
      assert.notEqual(idOf(name.slice(0, -1)), id)
      assert.equal(idOf(name.replaceAll('-', '_')), name.includes('-') ? 0 : id)
    }
  })

  test('is none for a token that is not known', () => {
    for (const name of ['x', 'x-unknown', '~', '!#$%&', 'a'.repeat(1000)]) assert.equal(idOf(name), 0, name)
  })
})

describe('flags', () => {
  test('what delimits messages or concerns one hop stays out of trailers', () => {
    for (const id of all) {
      if ((fieldFlags(id) & (FRAMING | HOP_BY_HOP)) !== 0)
        assert.ok((fieldFlags(id) & NOT_IN_TRAILER) !== 0, fieldName(id))
    }
  })

  test('nothing is both for one hop and end to end', () => {
    for (const id of all) {
      const both = HOP_BY_HOP | END_TO_END
      assert.notEqual(fieldFlags(id) & both, both, fieldName(id))
    }
  })

  test('an unknown number has none, and no name', () => {
    assert.equal(fieldFlags(0), 0)
    assert.equal(fieldFlags(255), 0)
    assert.equal(fieldName(255), '')
    assert.equal(fieldId('x-unknown'), 0)
  })
})
