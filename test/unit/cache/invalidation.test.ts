import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { invalidations, isSafe } from '../../../src/cache/rules/invalidation.ts'
import { answerOf, requestOf, type Lines } from './policy-world.ts'

const targets = (method: string, status: number, lines: Lines = []): readonly string[] | undefined =>
  invalidations(requestOf({ method, path: '/a/b?c=1' }), answerOf(lines, status))?.targets

const groups = (...values: string[]): readonly string[] | undefined => {
  const lines: Lines = values.map((value) => ['Cache-Group-Invalidation', value])
  return invalidations(requestOf({ method: 'POST' }), answerOf(lines))?.groups
}

suite('what an unsafe method takes out of force (RFC 9111 §4.4)', () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'M-SEARCH', 'post', 'WHATEVER']) {
    test(`${method}: its target, if it succeeded`, () => {
      assert.equal(isSafe(method), false)
      for (const status of [200, 201, 204, 302, 303]) assert.deepEqual(targets(method, status), ['/a/b?c=1'])
      for (const status of [101, 400, 404, 409, 500, 503]) assert.equal(targets(method, status), undefined)
    })
  }

  for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY', 'PROPFIND', 'REPORT', 'SEARCH']) {
    test(`${method}: nothing`, () => {
      assert.equal(isSafe(method), true)
      assert.equal(
        targets(method, 200, [
          ['Location', '/x'],
          ['Cache-Group-Invalidation', '"a"'],
        ]),
        undefined,
      )
    })
  }

  const locations: [string, string | null][] = [
    ['/x', '/x'],
    ['x', '/a/x'],
    ['?d', '/a/b?d'],
    ['/x?y=1#z', '/x?y=1'],
    ['//www.example.com/x', '/x'],
    ['http://www.example.com/x', '/x'],
    ['http://WWW.EXAMPLE.COM:80/x', '/x'],
    ['http://www.example.com', '/'],
    ['../../x', '/x'],
    ['https://www.example.com/x', null],
    ['http://www.example.com:81/x', null],
    ['http://example.com/x', null],
    ['http://www.example.com@evil.example/x', null],
    ['javascript:alert(1)', null],
    ['http://[', null],
    ['/a/b?c=1', null],
  ]
  for (const [location, expected] of locations) {
    test(`Location and Content-Location: ${location}: ${expected ?? 'nothing'} beside`, () => {
      const all = expected === null ? ['/a/b?c=1'] : ['/a/b?c=1', expected]
      assert.deepEqual(targets('POST', 201, [['Location', location]]), all)
      assert.deepEqual(targets('POST', 201, [['Content-Location', location]]), all)
    })
  }

  test('a request that names no host invalidates its target only', () => {
    const request = requestOf({ method: 'POST', path: '/a' })
    request.authority = request.host = ''
    assert.deepEqual(invalidations(request, answerOf([['Location', '/b']]))?.targets, ['/a'])
  })
})

suite('groups (RFC 9875 §3)', () => {
  test('a list of strings over any number of lines', () => {
    assert.deepEqual(groups('"a", "b c"', '"d";x=1'), ['a', 'b c', 'd'])
    assert.deepEqual(groups(), [])
  })

  test('what is no list of strings is no group', () => {
    assert.deepEqual(groups('a'), [])
    assert.deepEqual(groups('"a", b'), [])
    assert.deepEqual(groups('"a",'), [])
  })

  test('32 groups of 32 characters are read', () => {
    const names = Array.from({ length: 32 }, (_, i) => `${i}`.padEnd(32, 'x'))
    assert.deepEqual(groups(names.map((name) => `"${name}"`).join(', ')), names)
  })
})
