import assert from 'node:assert/strict'
import { test } from 'node:test'
import { has, problems } from './checked.ts'

/** Of one origin behind these listeners. */
function problemsTo(url: string, listeners: unknown): string[] {
  return problems({ listeners, origins: { app: [url] }, sites: { '*': { origin: 'app' } } })
}

test('an origin that is a listener of its own server is told', () => {
  const warning = /^warning origins\.app\[0\]: .* is a listener of this server \(.*\): .*508$/
  for (const [url, listener] of [
    ['http://127.0.0.1:8080', 8080],
    ['localhost:8080', '127.0.0.1:8080'],
    ['http://[::1]:8080', ':8080'],
    ['https://127.0.0.7:8443', { port: 8443, tls: true }],
    ['0.0.0.0:8080', '0.0.0.0:8080'],
    ['http://10.1.2.3:8080', '10.1.2.3:8080'],
    ['unix:/run/a.sock', 'unix:/run/a.sock'],
    ['127.0.0.1:8080', { port: 8080, tcp: { 'a.example': '10.0.0.1:1' } }],
  ] as const) {
    const found = problemsTo(url, [listener]).filter((text) => warning.test(text))
    assert.equal(found.length, 1, `${url} behind ${JSON.stringify(listener)}`)
  }
  for (const [url, listener] of [
    ['127.0.0.1:8081', 8080],
    ['127.0.0.2:8080', '127.0.0.1:8080'],
    ['[::1]:8080', '0.0.0.0:8080'],
    ['app.example:8080', 8080],
    ['192.0.2.1:8080', 8080],
    ['unix:/run/b.sock', 'unix:/run/a.sock'],
    // Passed on to somebody else.
    ['127.0.0.1:8080', { port: 8080, tcp: '10.0.0.1:1' }],
    ['https://127.0.0.1:8080', { port: 8080, tcp: { 'a.example': '10.0.0.1:1' } }],
  ] as const) {
    assert.deepEqual(problemsTo(url, [listener]), [], `${url} behind ${JSON.stringify(listener)}`)
  }
  has(
    { listeners: 8080, sites: { '*': [{ match: '/a', respond: 200 }, { origin: '127.0.0.1:8080' }] } },
    /^warning sites\["\*"\]\[1\]\.origin: 127\.0\.0\.1:8080 is a listener of this server \(:8080\)/,
  )
})

test('a listener that passes connections on to itself is told, also over others', () => {
  const sites = { '*': { respond: 404 } }
  has(
    { listeners: [{ port: 5432, tcp: '127.0.0.1:5432' }], sites },
    /^warning listeners\[0\]\.tcp: leads back to this listener \(:5432\)/,
  )
  const there = { port: 443, tcp: { 'a.example': 'inner', 'b.example': '127.0.0.1:8443' } }
  const back = { host: '127.0.0.1', port: 8443, tcp: { '*': 'outer' } }
  const origins = { inner: ['127.0.0.1:8443'], outer: ['10.0.0.1:443', '127.0.0.1:443'] }
  const found = problems({ listeners: [there, back], origins, sites })
  assert.deepEqual(
    found.map((text) => text.split(': ')[0]),
    ['a', 'b'].map((name) => `warning listeners[0].tcp["${name}.example"]`),
  )
  // To one's own HTTP is what passing on by name is for.
  const own = [{ port: 443, tcp: { 'a.example': '10.0.0.1:443', '*': '127.0.0.1:8443' } }, 8443]
  assert.deepEqual(problems({ listeners: own, sites }), [])
})
