import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splitDirectives } from '../../../src/http/directives.ts'

const lists: [text: string, expected: [string, string | null][]][] = [
  ['', []],
  [' , ,\t,', []],
  ['no-store', [['no-store', '']]],
  ['No-StOrE', [['no-store', '']]],
  [
    'a,b',
    [
      ['a', ''],
      ['b', ''],
    ],
  ],
  [
    'max-age=5 , public',
    [
      ['max-age', '5'],
      ['public', ''],
    ],
  ],
  ['max-age="5"', [['max-age', '5']]],
  ["max-age='5'", [['max-age', "'5'"]]],
  [
    'x="a,b", y',
    [
      ['x', 'a,b'],
      ['y', ''],
    ],
  ],
  [
    'x="max-age=3600", max-age=1',
    [
      ['x', 'max-age=3600'],
      ['max-age', '1'],
    ],
  ],
  ['x="a\\"b, c"', [['x', 'a"b, c']]],
  [
    'x="a\\\\", y',
    [
      ['x', 'a\\'],
      ['y', ''],
    ],
  ],
  ['max-age =5', [['max-age', null]]],
  ['max-age= 5', [['max-age', null]]],
  ['max-age=', [['max-age', null]]],
  ['max-age 5', [['max-age', null]]],
  ['max-age=5 6', [['max-age', null]]],
  ['max-age=5"6"', [['max-age', null]]],
  ['x="a"b', [['x', null]]],
  ['x=""', [['x', '']]],
  ['a=b=c', [['a', 'b=c']]],
]
for (const [text, expected] of lists) {
  test(`${JSON.stringify(text)} is the directives ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(
      splitDirectives(text).map(({ name, argument }) => [name, argument]),
      expected,
    )
  })
}

test('a quote that is never closed hides no directive behind it', () => {
  assert.deepEqual(
    splitDirectives('x="a, no-store').map(({ name }) => name),
    ['x', 'no-store'],
  )
  assert.deepEqual(
    splitDirectives('x="a", y="b, private').map(({ name }) => name),
    ['x', 'y', 'private'],
  )
})

test('64 KiB of quotes that are never closed cost no more than their length', () => {
  const text = 'x="' + '\\"'.repeat(32_768)
  const startMs = performance.now()
  assert.equal(splitDirectives(text).length, 1)
  assert.ok(performance.now() - startMs < 500)
})
