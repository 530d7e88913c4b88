import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readForwarded } from '../../../src/http/forwarded.ts'

test('hops are read with space around their parts, quoted or not (RFC 7239 §4)', () => {
  assert.deepEqual(
    readForwarded('for=192.0.2.1;proto=https ;  host="a.example" ,\tFor="[2001:db8::1]:80"\t'),
    [
      { for: '192.0.2.1', proto: 'https', host: 'a.example' },
      { for: '[2001:db8::1]:80', proto: '', host: '' },
    ],
  )
  assert.deepEqual(readForwarded(' , ;for="a\\"b"'), [
    { for: '', proto: '', host: '' },
    { for: 'a"b', proto: '', host: '' },
  ])
  for (const text of ['for = a', 'for', 'for="a', 'for=a b', 'for=a x', '=a', 'for=a; ;x'])
    assert.equal(readForwarded(text), null, text)
})

test('what cannot be read costs its length, and not the square of it', () => {
  const begin = performance.now()
  for (const text of [' '.repeat(300_000) + 'x', 'for=a' + '\t'.repeat(300_000) + 'x', 'a'.repeat(300_000)])
    assert.equal(readForwarded(text), null)
  // A few milliseconds; minutes with the square.
  assert.ok(performance.now() - begin < 10_000)
})
