import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { readDictionary, readList, readStringList } from '../../../src/http/structured.ts'

suite('items of structured fields (RFC 9651 §4.2.3)', () => {
  const items: [text: string, kind: string, value: unknown][] = [
    ['5', 'integer', 5],
    ['-0', 'integer', -0],
    ['-42', 'integer', -42],
    ['007', 'integer', 7],
    ['999999999999999', 'integer', 999_999_999_999_999],
    ['4.5', 'decimal', 4.5],
    ['123456789012.125', 'decimal', 123_456_789_012.125],
    ['"a b"', 'string', 'a b'],
    ['"a\\"\\\\b"', 'string', 'a"\\b'],
    ['""', 'string', ''],
    ['foo', 'token', 'foo'],
    ['*a/b:c', 'token', '*a/b:c'],
    ['?1', 'boolean', true],
    ['?0', 'boolean', false],
    [':aGk=:', 'binary', 'aGk='],
    ['@1659578233', 'date', 1_659_578_233],
    ['@-1', 'date', -1],
    ['%"f%c3%bc"', 'display', 'fü'],
    ['  5  ', 'integer', 5],
    ['5;q=1;r;s="x"', 'integer', 5],
  ]
  for (const [text, kind, value] of items) {
    test(`${text} is the ${kind} ${String(value)}`, () => {
      assert.deepEqual(readList(text), [{ kind, value }])
    })
  }

  const mistakes = [
    '1000000000000000',
    '-',
    '--1',
    '1.',
    '1.2345',
    '1234567890123.1',
    '.5',
    '+5',
    '5x',
    '"a',
    '"a\\b"',
    '"ü"',
    '"\t"',
    '?2',
    '?',
    ':a',
    ':a!:',
    '@1.5',
    '@',
    '%"a',
    '%"%C3"',
    '%"%ff"',
    '%"%c"',
    '&&',
    '=',
    '\t5',
    '5;',
    '5;A=1',
    '5;a=',
    '5,',
    ',5',
    '5,,6',
    '(1',
    '(1,2)',
    '(1"a")',
    '()x',
    '5 6',
    'é',
  ]
  for (const text of mistakes) {
    test(`${JSON.stringify(text)} is no list`, () => {
      assert.equal(readList(text), null)
    })
  }

  test('an inner list holds items, parameters are dropped', () => {
    assert.deepEqual(readList('("a" b;x=1  3);y, ()'), [
      {
        kind: 'list',
        items: [
          { kind: 'string', value: 'a' },
          { kind: 'token', value: 'b' },
          { kind: 'integer', value: 3 },
        ],
      },
      { kind: 'list', items: [] },
    ])
  })

  test('the empty text is the empty list and the empty dictionary', () => {
    assert.deepEqual(readList(''), [])
    assert.deepEqual(readList('  '), [])
    assert.equal(readDictionary('')?.size, 0)
  })
})

suite('dictionaries (RFC 9651 §4.2.2)', () => {
  test('a key without a value is true', () => {
    assert.deepEqual(
      [...(readDictionary('a, b;x=1 ,\tc=?0') ?? [])],
      [
        ['a', { kind: 'boolean', value: true }],
        ['b', { kind: 'boolean', value: true }],
        ['c', { kind: 'boolean', value: false }],
      ],
    )
  })

  test('of a key that stands twice the last counts', () => {
    assert.deepEqual(
      [...(readDictionary('a=1, b=2, a=3') ?? [])],
      [
        ['b', { kind: 'integer', value: 2 }],
        ['a', { kind: 'integer', value: 3 }],
      ],
    )
  })

  for (const text of [
    'A',
    'Max-Age=1',
    'a =1',
    'a= 1',
    'a=',
    'a,',
    ',a',
    'a b',
    '1=a',
    'a=1, &&&&&',
    'a=1; b=',
  ]) {
    test(`${JSON.stringify(text)} is no dictionary`, () => {
      assert.equal(readDictionary(text), null)
    })
  }
})

suite('lists of strings (RFC 9875 §2)', () => {
  test('hold strings and nothing else', () => {
    assert.deepEqual(readStringList('"a", "b c";x'), ['a', 'b c'])
    assert.deepEqual(readStringList(''), [])
    assert.equal(readStringList('"a", b'), null)
    assert.equal(readStringList('("a")'), null)
    assert.equal(readStringList('"a'), null)
  })
})
