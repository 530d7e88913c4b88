import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPurgeOrder } from '../../../src/admin/purge-body.ts'

function targetsOf(body: object): unknown {
  const order = readPurgeOrder(JSON.stringify(body))
  return typeof order === 'string' ? order : order.requests.map(({ target }) => target)
}

test('URLs and prefixes are taken apart as keys have them', () => {
  const expected: [string, string, string][] = [
    ['https://www.example.com/a?b=1', 'www.example.com', '/a?b=1'],
    ['https://WWW.example.com:443/A', 'www.example.com', '/A'],
    ['http://www.example.com:443/', 'www.example.com:443', '/'],
    ['http://www.example.com:80', 'www.example.com', '/'],
    ['http://www.example.com?x', 'www.example.com', '/?x'],
    ['http://www.example.com/%7ea/%c3%a9#part', 'www.example.com', '/~a/%C3%A9'],
    ['http://www.example.com/é', 'www.example.com', '/%C3%A9'],
    ['http://[::1]:8080/a//b/../c', '[::1]:8080', '/a//b/../c'],
  ]
  for (const [url, host, target] of expected) {
    assert.deepEqual(targetsOf({ url }), [{ kind: 'url', host, target }])
    assert.deepEqual(targetsOf({ prefix: url, site: 's' }), [{ kind: 'prefix', host, target, site: 's' }])
  }
})

test('hosts are lower case, tags too', () => {
  assert.deepEqual(targetsOf({ host: 'WWW.Example.com:8080', tag: ['A', 'b'] }), [
    { kind: 'host', host: 'www.example.com:8080' },
    { kind: 'tag', tag: 'a' },
    { kind: 'tag', tag: 'b' },
  ])
})

test('what is not a URL or host is refused with a sentence', () => {
  for (const url of ['/a', 'www.example.com/a', 'ftp://a/', 'http://', 'http:///a', 'http://a b/'])
    assert.match(String(targetsOf({ url })), /is not a URL/)
  for (const host of ['a/b', 'http://a', 'u@a', 'a?b'])
    assert.match(String(targetsOf({ host })), /is not a host/)
  assert.match(String(targetsOf({ tag: 7 })), /"tag" is a text/)
  assert.match(String(targetsOf({ url: [''] })), /"url" is a text/)
})

test('nothing, too much and what is misspelt is refused', () => {
  assert.match(String(targetsOf({})), /nothing is named/)
  assert.match(String(targetsOf({ all: false })), /nothing is named/)
  assert.match(String(targetsOf({ tags: 'a' })), /unknown key "tags"; did you mean "tag"/)
  assert.match(String(targetsOf({ tag: Array.from({ length: 1001 }, (_, i) => `t${i}`) })), /at most 1000/)
  const nonsense = readPurgeOrder('nonsense')
  assert.ok(typeof nonsense === 'string' && nonsense.includes('JSON object'))
})
