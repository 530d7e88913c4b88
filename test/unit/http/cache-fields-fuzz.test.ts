import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readResponseDirectives, ResponseDirectives, secondsMax } from '../../../src/http/cache-control.ts'
import { Fields } from '../../../src/http/fields.ts'
import { readDictionary, readList } from '../../../src/http/structured.ts'

const pieces = [
  'max-age',
  's-maxage',
  'no-cache',
  'private',
  'public',
  '=',
  '=',
  ',',
  ',',
  ' ',
  '\t',
  '"',
  '"',
  '\\',
  ';',
  '(',
  ')',
  '60',
  '-1',
  '1.5',
  '?1',
  ':aGk=:',
  '@7',
  '%"',
  'é',
  '*',
  'stale-while-revalidate',
  '99999999999999999999',
]

/** A small generator with a seed, so that a failure can be had again. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

for (let seed = 1; seed <= 5; seed++) {
  test(`whatever stands in the fields is read without an exception, and within bounds (seed ${seed})`, () => {
    const random = randomOf(seed)
    const into = new ResponseDirectives()
    for (let i = 0; i < 4000; i++) {
      const text = Array.from(
        { length: random() * 12 },
        () => pieces[Math.floor(random() * pieces.length)],
      ).join('')
      const fields = new Fields()
      fields.add(random() < 0.5 ? 'Cache-Control' : 'CDN-Cache-Control', text)
      readResponseDirectives(fields, ['cdn-cache-control'], into)
      for (const seconds of [into.maxAge, into.sharedMaxAge, into.whileRevalidate, into.ifError]) {
        assert.ok(Number.isInteger(seconds) && seconds >= -1 && seconds <= secondsMax, text)
      }
      // What a list is, a dictionary of one key is, too.
      if (readList(text)?.length === 1) assert.equal(readDictionary('a=' + text.trimStart())?.size, 1, text)
    }
  })
}
