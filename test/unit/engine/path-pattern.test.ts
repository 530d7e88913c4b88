import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  compilePath,
  regexCaptureNames,
  type PathPattern,
  type PathSource,
} from '../../../src/engine/path-pattern.ts'

function pattern(source: PathSource): PathPattern {
  const made = compilePath(source)
  if (typeof made === 'string') throw new Error(made)
  return made
}

/** The captures, null when the pattern does not take the path. */
function take(source: PathSource, path: string): string[] | null {
  const captures: string[] = []
  return pattern(source).matches(path, captures) ? captures : null
}

test('a path without signs is that path only', () => {
  assert.deepEqual(take('/a/b', '/a/b'), [])
  for (const other of ['/a/b/', '/a', '/a/bc', '/A/b', '/']) assert.equal(take('/a/b', other), null, other)
})

test('a folder takes itself and all below it, and captures the rest', () => {
  assert.deepEqual(take('/img/*', '/img/a/b.png'), ['a/b.png'])
  assert.deepEqual(take('/img/*', '/img/'), [''])
  assert.deepEqual(take('/img/*', '/img'), [''])
  for (const other of ['/imgs', '/im', '/', '/a/img/x']) assert.equal(take('/img/*', other), null, other)
})

test('the root folder takes everything, the asterisk of OPTIONS included', () => {
  assert.deepEqual(take('/*', '/a/b'), ['a/b'])
  assert.deepEqual(take('/*', '/'), [''])
  assert.deepEqual(take('/*', '*'), [''])
  assert.deepEqual(take('*', '*'), [])
  assert.equal(pattern('/*').isCatchAll, true)
  assert.equal(pattern('*').isCatchAll, true)
  assert.equal(pattern('/a/*').isCatchAll, false)
})

test(':name takes one segment that is not empty', () => {
  assert.deepEqual(take('/u/:name', '/u/joe'), ['joe'])
  assert.deepEqual(take('/u/:name/posts/:post', '/u/joe/posts/7'), ['joe', '7'])
  assert.deepEqual(pattern('/u/:name/posts/:post').captureNames, ['name', 'post'])
  for (const other of ['/u/', '/u', '/u/joe/', '/u/joe/x']) assert.equal(take('/u/:name', other), null, other)
  // %2F is data inside its segment (RFC 3986 §2.2).
  assert.deepEqual(take('/u/:name', '/u/a%2Fb'), ['a%2Fb'])
})

test('a * inside a segment takes any run of it', () => {
  assert.deepEqual(take('/f/*.css', '/f/main.css'), ['main'])
  assert.deepEqual(take('/f/*.css', '/f/.css'), [''])
  assert.deepEqual(take('/v*/x', '/v12/x'), ['12'])
  assert.equal(take('/f/*.css', '/f/a/b.css'), null)
  assert.deepEqual(take('/:tenant/files/*', '/acme/files/a/b'), ['acme', 'a/b'])
  assert.deepEqual(take('/:tenant/files/*', '/acme/files'), ['acme', ''])
})

test('characters that mean something to a regex mean themselves', () => {
  assert.deepEqual(take('/a.b+c(d)/:x', '/a.b+c(d)/1'), ['1'])
  assert.equal(take('/a.b/:x', '/aXb/1'), null)
  assert.deepEqual(take('/[x]/:y', '/[x]/1'), ['1'])
})

test('a pattern is written in any spelling of its path (RFC 3986 §6.2.2)', () => {
  for (const source of ['/café', '/caf%C3%A9', '/caf%c3%a9', '/%63af%c3%a9']) {
    assert.deepEqual(take(source, '/caf%C3%A9'), [], source)
  }
  assert.deepEqual(take('/a b/*', '/a%20b/c'), ['c'])
})

test('a regex captures by number and by name', () => {
  const source = { regex: '^/a/(\\d+)(?:/(?<rest>.*))?$' }
  assert.deepEqual(take(source, '/a/12/x/y'), ['12', 'x/y'])
  assert.deepEqual(take(source, '/a/12'), ['12', ''])
  assert.equal(take(source, '/b'), null)
  assert.deepEqual(pattern(source).captureNames, ['', 'rest'])
  assert.deepEqual(regexCaptureNames(/\((x)[(](?<y>\d)(?:z)(?=q)(?<!w)/), ['', 'y'])
})

test('what can never match, or has two readings, is refused with the reason', () => {
  const cases: [PathSource, RegExp][] = [
    ['img/*', /begins with "\/"; did you mean "\/img\/\*"/],
    ['', /begins with "\/"/],
    ['/a?b=c', /match\.query/],
    ['/a#b', /fragment/],
    ['/a/../b', /dot segments/],
    ['/a/.', /dot segments/],
    ['/a//b', /merged/],
    ['/a%2', /hexadecimal/],
    ['/a/**', /more than one "\*"/],
    ['/*-*/x', /more than one "\*"/],
    ['/u/:1a', /not a name/],
    ['/u/:', /not a name/],
    ['/:a/:a', /stands twice/],
    [{ regex: '(' }, /does not compile/],
  ]
  for (const [source, pattern] of cases) {
    const made = compilePath(source)
    assert.match(typeof made === 'string' ? made : '(taken)', pattern, JSON.stringify(source))
  }
})

test('a long path costs linear time', () => {
  const path = '/' + 'a'.repeat(16_000) + '/b'.repeat(4000)
  const started = performance.now()
  for (const source of ['/a*x/:b', '/:a/*', '/a*/b/b/c']) take(source, path)
  assert.ok(performance.now() - started < 200)
})
