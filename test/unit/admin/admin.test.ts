import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import * as http from 'node:http'
import * as net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { readAdminAddress } from '../../../src/admin/address.ts'
import { AdminServer, type AdminTarget, type ExplainedBy } from '../../../src/admin/admin.ts'
import { askAdmin } from '../../../src/admin/client.ts'
import type { RequestToExplain } from '../../../src/admin/explain-body.ts'
import type { WarmOrder, WarmProgress } from '../../../src/admin/warm-body.ts'
import { sumOf, type PurgeTotal } from '../../../src/cache/purge/purge-total.ts'
import type { CertificateReport } from '../../../src/tls/acme/certificate-status.ts'
import type { PurgeRequest } from '../../../src/cache/store/store.ts'

const known = { id: 'p1', count: 3, bytes: 30, stores: 2, sharing: 2, keeping: 1 }
const counted: PurgeTotal = { ...sumOf([]), ...known }

class FakeTarget implements AdminTarget {
  calls: string[] = []
  state: 'ok' | 'starting' | 'draining' = 'ok'
  isWrong = false

  health(): 'ok' | 'starting' | 'draining' {
    return this.state
  }

  async metrics(): Promise<Record<string, Record<string, number>>> {
    if (this.isWrong) throw new Error('no metrics now')
    return { process_open_fds: { '': 7 } }
  }

  async status(): Promise<object> {
    return { version: '1' }
  }

  async reload(): Promise<{ isTaken: boolean; hash: string; reason: string }> {
    this.calls.push('reload')
    return { isTaken: !this.isWrong, hash: 'h', reason: this.isWrong ? 'line 3' : '' }
  }

  async reopenLogs(): Promise<void> {
    this.calls.push('reopen')
  }

  async explain(request: RequestToExplain): Promise<readonly ExplainedBy[]> {
    return [{ pid: 7, explanation: request }]
  }

  async purge(requests: readonly PurgeRequest[]): Promise<PurgeTotal> {
    this.calls.push(JSON.stringify(requests))
    return { ...counted, missing: this.isWrong ? 1 : 0 }
  }

  async purgeTotal(id: string): Promise<PurgeTotal | null> {
    return id === 'p1' ? { ...counted, keeping: 0 } : null
  }

  async warm(order: WarmOrder): Promise<readonly WarmProgress[]> {
    this.calls.push(JSON.stringify(order))
    const progress = {
      isRunning: true,
      total: 2,
      done: 1,
      hits: 0,
      fetched: 1,
      passed: 0,
      failed: 0,
      bytes: 9,
    }
    return [
      { ...progress, sitemaps: 0, tookMs: 5, failures: [] },
      { ...progress, isRunning: false, done: 2, sitemaps: 1, tookMs: 9, failures: [] },
    ]
  }

  async certificates(): Promise<CertificateReport> {
    return { isLeader: true, certificates: [] }
  }

  async renewCertificates(names: readonly string[]): Promise<readonly string[]> {
    this.calls.push('renew ' + names.join(' '))
    return names
  }

  drain(): void {
    this.calls.push('drain')
  }

  stop(): void {
    this.calls.push('stop')
  }
}

interface Answer {
  status: number
  text: string
  headers: http.IncomingHttpHeaders
}

interface World {
  target: FakeTarget
  admin: AdminServer
  readonly ask: (
    method: string,
    path: string,
    headers?: Record<string, string>,
    body?: string,
  ) => Promise<Answer>
}

async function onLoopback(t: TestContext): Promise<World> {
  const target = new FakeTarget()
  const admin = new AdminServer(target)
  await admin.listen('127.0.0.1:0')
  t.after(() => admin.close())
  const ask: World['ask'] = (method, path, headers = {}, body = '') =>
    new Promise((resolve, reject) => {
      const where = { host: '127.0.0.1', port: admin.port, method, path, headers, agent: false }
      const request = http.request(where, (response) => {
        let text = ''
        response.on('data', (piece: Buffer) => (text += piece.toString()))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text, headers: response.headers }),
        )
      })
      request.on('error', reject).end(body)
    })
  return { target, admin, ask }
}

test('health is 200 while it serves, 503 while it starts or drains', async (t) => {
  const { target, ask } = await onLoopback(t)
  const seen: [number, string][] = []
  for (const state of ['ok', 'starting', 'draining'] as const) {
    target.state = state
    const { status, text } = await ask('GET', '/healthz')
    seen.push([status, text])
  }
  assert.deepEqual(seen, [
    [200, 'ok\n'],
    [503, 'starting\n'],
    [503, 'draining\n'],
  ])
})

test('metrics and status are read with GET or HEAD', async (t) => {
  const { ask } = await onLoopback(t)
  const metrics = await ask('GET', '/metrics')
  assert.match(metrics.text, /^process_open_fds 7$/m)
  assert.equal(metrics.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  const open = await ask('GET', '/metrics?x=1', { accept: 'application/openmetrics-text;version=1.0.0' })
  assert.match(open.text, /# EOF\n$/)
  assert.deepEqual(JSON.parse((await ask('GET', '/status')).text), { version: '1' })
  const head = await ask('HEAD', '/metrics')
  assert.deepEqual([head.status, head.text], [200, ''])
})

test('what changes something is a POST; GET is 405 and does nothing', async (t) => {
  const { target, ask } = await onLoopback(t)
  for (const path of ['/reload', '/reopen-logs', '/drain', '/stop']) {
    const { status, headers } = await ask('GET', path)
    assert.deepEqual([status, headers.allow], [405, 'POST'])
  }
  assert.deepEqual(target.calls, [])
  for (const path of ['/reload', '/reopen-logs', '/drain', '/stop'])
    assert.ok((await ask('POST', path)).status < 300)
  assert.deepEqual(target.calls, ['reload', 'reopen', 'drain', 'stop'])
  assert.deepEqual(
    [(await ask('POST', '/metrics')).status, (await ask('DELETE', '/status')).status],
    [405, 405],
  )
  assert.equal((await ask('GET', '/nothing')).status, 404)
})

test('a reload that is refused is 422 with its reason', async (t) => {
  const { target, ask } = await onLoopback(t)
  target.isWrong = true
  const { status, text } = await ask('POST', '/reload')
  assert.equal(status, 422)
  assert.deepEqual(JSON.parse(text), { isTaken: false, hash: 'h', reason: 'line 3' })
  assert.equal((await ask('GET', '/metrics')).status, 500)
})

test('a name that DNS was made to point here is refused (DNS rebinding)', async (t) => {
  const { target, admin, ask } = await onLoopback(t)
  const bad = [
    'evil.example',
    `evil.example:${admin.port}`,
    '10.0.0.1',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '0.0.0.0',
    '127.1',
    'user@localhost',
  ]
  for (const host of bad) {
    assert.equal((await ask('POST', '/stop', { host })).status, 403, host)
    assert.equal((await ask('GET', '/status', { host })).status, 403, host)
  }
  assert.deepEqual(target.calls, [])
  const raw = await new Promise<string>((resolve) => {
    const socket = net.connect(admin.port, '127.0.0.1', () =>
      socket.end('POST /stop HTTP/1.1\r\nHost:\r\n\r\n'),
    )
    let text = ''
    socket.on('data', (piece) => (text += piece.toString())).on('close', () => resolve(text))
  })
  assert.match(raw, /^HTTP\/1\.1 403 /)
  for (const host of [
    'localhost',
    `localhost:${admin.port}`,
    '127.0.0.1',
    '127.0.0.9:1',
    '[::1]:9900',
    'LOCALHOST',
  ])
    assert.equal((await ask('GET', '/status', { host })).status, 200, host)
})

test('a page of another site is refused (Origin, Sec-Fetch-Site)', async (t) => {
  const { target, ask } = await onLoopback(t)
  const host = 'localhost:9900'
  for (const headers of [
    { host, origin: 'http://evil.example' },
    { host, origin: 'null' },
    { host, origin: 'http://localhost:9901' },
    { host, 'sec-fetch-site': 'cross-site' },
    { host, 'sec-fetch-site': 'same-site' },
  ])
    assert.equal((await ask('POST', '/stop', headers)).status, 403, JSON.stringify(headers))
  assert.deepEqual(target.calls, [])
  assert.equal((await ask('POST', '/reload', { host, origin: 'http://localhost:9900' })).status, 200)
  assert.equal((await ask('GET', '/status', { host, 'sec-fetch-site': 'none' })).status, 200)
})

test('a body is not read', async (t) => {
  const { target, ask } = await onLoopback(t)
  const { status } = await ask('POST', '/stop', { 'content-length': '5000', connection: 'close' }).catch(
    () => ({ status: 413 }),
  )
  assert.equal(status, 413)
  assert.deepEqual(target.calls, [])
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

test('only addresses that this machine alone reaches are taken', () => {
  assert.deepEqual(readAdminAddress('unix:/run/a.sock'), { path: '/run/a.sock', host: '', port: 0 })
  assert.deepEqual(readAdminAddress('[::1]:9900'), { path: '', host: '::1', port: 9900 })
  assert.deepEqual(readAdminAddress('[0:0:0:0:0:0:0:1]:1').host, '0:0:0:0:0:0:0:1')
  assert.equal(readAdminAddress('localhost:1').host, 'localhost')
  assert.equal(readAdminAddress('127.3.2.1:1').host, '127.3.2.1')
  for (const listen of [
    '0.0.0.0:1',
    ':1',
    '[::]:1',
    '10.0.0.1:1',
    'example.com:1',
    '[::ffff:127.0.0.1]:1',
    '127.0.0.1.example:1',
    '127.1:1',
  ])
    assert.throws(() => readAdminAddress(listen), /not a loopback address/, listen)
  for (const listen of ['', 'unix:', '127.0.0.1', '127.0.0.1:x', '127.0.0.1:70000', '::1:80'])
    assert.throws(() => readAdminAddress(listen), /admin: /, listen)
})

test('a unix socket is for owner and group only from its first moment, and any Host will do on it', async (t) => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'headgate-admin-'))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'a.sock')
  const admin = new AdminServer(new FakeTarget())
  const mask = process.umask(0)
  process.umask(mask)
  const listening = admin.listen('unix:' + path)
  await listening
  t.after(() => admin.close())
  assert.equal(fs.statSync(path).mode & 0o777, 0o660)
  assert.equal(process.umask(), mask)
  assert.deepEqual(await askAdmin('unix:' + path, 'GET', '/healthz'), { status: 200, text: 'ok\n' })
  await assert.rejects(
    new AdminServer(new FakeTarget()).listen('unix:' + path),
    /Another program answers on unix:/,
  )
})

test('a dead socket file is taken over, another file is never deleted', async (t) => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'headgate-admin-'))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  const plain = join(folder, 'file')
  fs.writeFileSync(plain, 'precious')
  await assert.rejects(new AdminServer(new FakeTarget()).listen('unix:' + plain), /is no socket/)
  assert.equal(fs.readFileSync(plain, 'utf8'), 'precious')
  const dead = join(folder, 'dead.sock')
  const { _createServerHandle: bind } = net as unknown as {
    readonly _createServerHandle: (path: string, port: number, family: number) => object
  }
  assert.equal(typeof bind(dead, -1, -1), 'object')
  const admin = new AdminServer(new FakeTarget())
  await admin.listen('unix:' + dead)
  assert.equal((await askAdmin('unix:' + dead, 'GET', '/healthz')).status, 200)
  await admin.close()
})

test('nobody there is told by the system error', async () => {
  await assert.rejects(askAdmin('unix:/nonexistent/a.sock', 'GET', '/healthz'), /ENOENT/)
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
