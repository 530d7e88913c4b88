import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isIdempotent, RequestHead, ResponseHead } from '../../../src/http/message.ts'
import { reasonPhrase, statusEnd } from '../../../src/http/reasons.ts'

test('reset makes a head as good as new', () => {
  for (const Head of [RequestHead, ResponseHead]) {
    const head = new Head()
    for (const [key, value] of Object.entries(head)) {
      if (key === 'fields') head.fields.add('A', 'b')
      else Reflect.set(head, key, typeof value === 'boolean' ? !value : typeof value === 'number' ? 77 : 'x')
    }
    head.reset()
    const fresh = new Head()
    assert.equal(head.fields.size, 0)
    for (const key of Object.keys(fresh)) {
      if (key !== 'fields') assert.equal(Reflect.get(head, key), Reflect.get(fresh, key), key)
    }
  }
})

test('the query begins with its question mark, and may be missing or empty', () => {
  const head = new RequestHead()
  for (const [target, query] of [
    ['/a?b=c', '?b=c'],
    ['/a', ''],
    ['/a?', '?'],
  ] as const) {
    head.target = target
    head.queryStart = target.includes('?') ? target.indexOf('?') : target.length
    assert.equal(head.query, query)
  }
})

test('idempotent methods are those of RFC 9110 §9.2.2 and QUERY, nothing else', () => {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY'])
    assert.equal(isIdempotent(method), true, method)
  for (const method of ['POST', 'PATCH', 'CONNECT', 'PROPFIND', 'get', ''])
    assert.equal(isIdempotent(method), false, method)
})

test('a status has its standard phrase, or an empty one', () => {
  assert.equal(reasonPhrase(200), 'OK')
  assert.equal(reasonPhrase(421), 'Misdirected Request')
  for (const status of [299, 0, -1, statusEnd, 1000, NaN])
    assert.equal(reasonPhrase(status), '', String(status))
})
