/** What an operator asks for through the admin listener: reloads, purges, explanations, certificates, warming. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askAdmin } from '../../../src/admin/client.ts'
import type { WarmOrder, WarmProgress } from '../../../src/admin/warm-body.ts'
import { onLoopback } from './admin-world.ts'

test('a reload that is refused is 422 with its reason', async (t) => {
  const { target, ask } = await onLoopback(t)
  target.isWrong = true
  const { status, text } = await ask('POST', '/reload')
  assert.equal(status, 422)
  assert.deepEqual(JSON.parse(text), { isTaken: false, hash: 'h', reason: 'line 3' })
  assert.equal((await ask('GET', '/metrics')).status, 500)
})

test('a purge says what is to go as JSON, and is answered when all have acknowledged it; what it counted is told later by its id', async (t) => {
  const { target, admin } = await onLoopback(t)
  const listen = `127.0.0.1:${admin.port}`
  const done = await askAdmin(listen, 'POST', '/purge', '{"tag":["A"],"soft":true}')
  assert.equal(done.status, 200)
  assert.deepEqual(JSON.parse(done.text), {
    id: 'p1',
    count: 3,
    bytes: 30,
    isCounted: true,
    stores: 2,
    missing: 0,
    isSoft: true,
    isDry: false,
  })
  assert.deepEqual(target.calls, ['[{"target":{"kind":"tag","tag":"a"},"isSoft":true,"isDry":false}]'])
  target.isWrong = true
  assert.equal((await askAdmin(listen, 'POST', '/purge', '{"all":true}')).status, 504)
  const report = await askAdmin(listen, 'POST', '/purge/report', '{"id":"p1"}')
  const told = { id: 'p1', count: 3, bytes: 30, isCounted: false, stores: 2, missing: 0 }
  assert.deepEqual([report.status, JSON.parse(report.text)], [200, told])
  assert.equal((await askAdmin(listen, 'POST', '/purge/report', '{"id":"p2"}')).status, 404)
  assert.equal((await askAdmin(listen, 'POST', '/purge/report', '{}')).status, 400)
})

test('a purge that cannot be meant is refused, and nothing is purged', async (t) => {
  const { target, admin } = await onLoopback(t)
  const listen = `127.0.0.1:${admin.port}`
  for (const body of ['', '[]', '{}', '{"tagg":"a"}', '{"url":"/a"}', '{"all":"yes"}', '{"all":false}']) {
    const { status, text } = await askAdmin(listen, 'POST', '/purge', body)
    assert.equal(status, 400, body)
    assert.match(text, /"error":"./)
  }
  assert.equal((await askAdmin(listen, 'GET', '/purge')).status, 405)
  const long = await askAdmin(listen, 'POST', '/purge', JSON.stringify({ tag: 'a'.repeat(300_000) })).catch(
    () => ({ status: 413 }),
  )
  assert.equal(long.status, 413)
  assert.deepEqual(target.calls, [])
})

test('a request is explained by the processes that serve, and refused when it is none', async (t) => {
  const { admin } = await onLoopback(t)
  const listen = `127.0.0.1:${admin.port}`
  const request = { method: 'GET', scheme: 'http', authority: 'a', target: '/', client: '192.0.2.1' }
  const right = await askAdmin(listen, 'POST', '/explain', JSON.stringify(request))
  assert.equal(right.status, 200)
  assert.deepEqual(JSON.parse(right.text), {
    processes: [{ pid: 7, explanation: { ...request, fields: [] } }],
  })
  const wrong = [
    'GET /',
    '{}',
    JSON.stringify({ ...request, target: '/\r\nX: y' }),
    JSON.stringify({ ...request, scheme: 'ftp' }),
    JSON.stringify({ ...request, fields: [{ name: 'a\nb', value: '' }] }),
  ]
  for (const body of wrong) assert.equal((await askAdmin(listen, 'POST', '/explain', body)).status, 400, body)
})

test('certificates are listed, and renewed by name or all; what cannot be meant is refused', async (t) => {
  const { target, admin, ask } = await onLoopback(t)
  assert.deepEqual(JSON.parse((await ask('GET', '/certificates')).text), { isLeader: true, certificates: [] })
  assert.equal((await ask('GET', '/certificates/renew')).status, 405)
  const listen = `127.0.0.1:${admin.port}`
  const renew = (body: string): ReturnType<typeof askAdmin> =>
    askAdmin(listen, 'POST', '/certificates/renew', body)
  assert.deepEqual(JSON.parse((await renew('{"names": ["WWW.example.com"]}')).text), {
    renewing: ['www.example.com'],
  })
  assert.equal((await renew('')).status, 200)
  for (const body of ['[', '[]', '{"names": "a"}', '{"name": ["a"]}'])
    assert.equal((await renew(body)).status, 400, body)
  assert.deepEqual(target.calls, ['renew www.example.com', 'renew '])
})

test('what is to be warmed is checked, and the progress of all workers is summed', async (t) => {
  const { ask, target } = await onLoopback(t)
  const wrong = await ask('POST', '/warm', {}, JSON.stringify({ url: ['/a'] }))
  assert.equal(wrong.status, 400)
  assert.match(wrong.text, /is not a URL with http/)
  const begun = await ask('POST', '/warm', {}, JSON.stringify({ url: 'http://a/b', concurrency: 2 }))
  const { isRunning, total, done, tookMs } = JSON.parse(begun.text) as WarmProgress
  assert.deepEqual({ isRunning, total, done, tookMs }, { isRunning: true, total: 4, done: 3, tookMs: 9 })
  assert.equal((await ask('GET', '/warm/progress')).status, 200)
  assert.equal((await ask('POST', '/warm/stop')).status, 200)
  assert.deepEqual(
    target.calls.map((call) => (JSON.parse(call) as WarmOrder).action),
    ['start', 'progress', 'stop'],
  )
})
