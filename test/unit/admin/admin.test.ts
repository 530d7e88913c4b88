/** The admin listener: where it listens, who may use it, and what reads or changes something. */
import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import * as net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readAdminAddress } from '../../../src/admin/address.ts'
import { AdminServer } from '../../../src/admin/admin.ts'
import { askAdmin } from '../../../src/admin/client.ts'
import { FakeTarget, onLoopback } from './admin-world.ts'

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
