/**
 * Starts that fail, and `workers: 1`, with real processes around a stub server.
 */
import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import * as net from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { askAdmin } from '../../src/admin/client.ts'
import { Supervised, until } from './supervised.ts'

test('workers: 1 forks nothing, reloads, counts and drains', async (t) => {
  const it = new Supervised(t)
  it.configure({ workers: 1 })
  await it.start()
  assert.equal((await it.ask()).pid, it.child?.pid)
  assert.match(it.log(), /in one process/)
  it.configure({ workers: 1, reply: 'second' })
  it.signal('SIGHUP')
  await until('the second config', async () => (await it.ask()).reply === 'second')
  it.configure({ workers: 1, wrong: 'not this' })
  assert.equal((await askAdmin(it.admin, 'POST', '/reload')).status, 422)
  assert.equal((await it.ask()).reply, 'second')
  assert.equal(await it.metric('headgate_workers'), 1)
  assert.equal(await it.metric('headgate_worker_crashes_total'), 0)
  assert.equal((await askAdmin(it.admin, 'POST', '/drain')).status, 202)
  assert.equal(await it.exit, '0')
})

test('workers: 1: a second TERM ends at once with 2', async (t) => {
  const it = new Supervised(t)
  it.configure({ workers: 1, drainMs: 60_000 })
  await it.start()
  const hung = it.get('/hang').catch((error: unknown) => error)
  await until('it hangs', async () => (await it.metric('headgate_http_requests_total')) === 1)
  it.signal('SIGTERM')
  await until('the drain', () => it.log().includes('draining'))
  it.signal('SIGTERM')
  assert.equal(await it.exit, '2')
  await hung
})

test('workers: 1: an exception exits with 3, which a service manager restarts, and is logged', async (t) => {
  const it = new Supervised(t)
  it.configure({ workers: 1 })
  await it.start()
  await it.get('/bug').catch(() => {})
  assert.equal(await it.exit, '3')
  assert.match(it.log(), /a bug of ours: Error: a bug/)
})

for (const workers of [1, 2]) {
  test(`a wrong config at the start exits with 1 and says why (workers: ${workers})`, async (t) => {
    const it = new Supervised(t)
    it.configure({ workers, wrong: 'origins: nothing there' })
    await it.start({ isAwaited: false })
    assert.equal(await it.exit, '1')
    assert.match(it.stderr, /^headgate: origins: nothing there$/m)
  })

  test(`a port in use exits with 1 and says which (workers: ${workers})`, async (t) => {
    const it = new Supervised(t)
    const other = net.createServer().listen(0, '127.0.0.1')
    t.after(() => other.close())
    await new Promise((resolve) => other.once('listening', resolve))
    it.configure({ workers, listeners: [{ name: 'main', port: (other.address() as net.AddressInfo).port }] })
    await it.start({ isAwaited: false })
    assert.equal(await it.exit, '1')
    assert.match(it.stderr, /in use by another program|EADDRINUSE/)
  })

  test(`an admin listener that the world could reach exits with 1 (workers: ${workers})`, async (t) => {
    const it = new Supervised(t)
    it.configure({ workers, adminListen: '0.0.0.0:0' })
    await it.start({ isAwaited: false })
    assert.equal(await it.exit, '1')
    assert.match(it.stderr, /not a loopback address/)
  })
}

test('workers that die at the start end it with 1 after a few tries', async (t) => {
  const it = new Supervised(t)
  it.configure({ diesAtStart: true })
  await it.start({ isAwaited: false })
  assert.equal(await it.exit, '1')
  assert.match(it.stderr, /workers die before they serve: .*exit code 7/)
})

test('workers that refuse the config at the start end it with 1', async (t) => {
  const it = new Supervised(t)
  it.configure({ wrongInWorkers: 'no such file here' })
  await it.start({ isAwaited: false })
  assert.equal(await it.exit, '1')
  assert.match(it.stderr, /no such file here/)
})

test('a file that is not there exits with 1', async (t) => {
  const it = new Supervised(t)
  await it.start({ isAwaited: false })
  assert.equal(await it.exit, '1')
  assert.match(it.stderr, /ENOENT/)
})

test('a log that cannot be opened exits with 1', async (t) => {
  const it = new Supervised(t)
  it.configure({ errorPath: join(it.folder, 'none', 'errors.log') })
  await it.start({ isAwaited: false })
  assert.equal(await it.exit, '1')
  assert.match(it.stderr, /the errors log cannot be opened: its folder does not exist/)
})

test('a pidfile of a process that runs is not taken over, a stale one is', async (t) => {
  const it = new Supervised(t)
  const pidfile = join(it.folder, 'headgate.pid')
  it.configure({ workers: 1 })
  fs.writeFileSync(pidfile, process.pid + '\n')
  await it.start({ pidfile, isAwaited: false })
  assert.equal(await it.exit, '1')
  assert.match(it.stderr, new RegExp(`belongs to process ${process.pid}`))
  assert.equal(fs.readFileSync(pidfile, 'utf8'), process.pid + '\n')
  fs.writeFileSync(pidfile, '999999999\n')
  await it.start({ pidfile })
  assert.equal(fs.readFileSync(pidfile, 'utf8'), it.child?.pid + '\n')
})

test('the admin socket of a process that was killed does not hinder the next start, that of a living one does', async (t) => {
  const it = new Supervised(t)
  it.configure({ workers: 1 })
  await it.start()
  it.signal('SIGKILL')
  await it.exit
  fs.rmSync(it.logPath)
  await it.start()
  assert.equal(await it.adminText('/healthz'), 'ok\n')
  const second = new Supervised(t)
  second.configure({ workers: 1, adminListen: it.admin })
  await second.start({ isAwaited: false })
  assert.equal(await second.exit, '1')
  assert.match(second.stderr, /Another program answers on unix:/)
  assert.equal(await it.adminText('/healthz'), 'ok\n')
})

test('systemd is told READY and STOPPING when it started us', async (t) => {
  const it = new Supervised(t)
  const script = join(it.folder, 'systemd-notify')
  const said = join(it.folder, 'said')
  fs.writeFileSync(script, `#!/bin/sh\necho "$@" >> ${said}\n`, { mode: 0o755 })
  it.configure({ workers: 1 })
  it.environment = { NOTIFY_SOCKET: '/run/none', PATH: it.folder + ':' + process.env['PATH'] }
  await it.start()
  await until('READY', () => fs.existsSync(said) && fs.readFileSync(said, 'utf8').includes('READY=1'))
  it.signal('SIGHUP')
  await until('RELOADING', () => /RELOADING=1 MONOTONIC_USEC=\d+/.test(fs.readFileSync(said, 'utf8')))
  it.signal('SIGTERM')
  assert.equal(await it.exit, '0')
  await until('STOPPING', () => fs.readFileSync(said, 'utf8').includes('STOPPING=1'))
})

test('TERM while it starts ends it with 0, and leaves no worker', async (t) => {
  const it = new Supervised(t)
  const pidfile = join(it.folder, 'headgate.pid')
  it.configure({ slowMs: 30_000 })
  await it.start({ pidfile, isAwaited: false })
  await until('the pidfile', () => fs.existsSync(pidfile))
  const children = (): string =>
    fs.readFileSync(`/proc/${it.child?.pid}/task/${it.child?.pid}/children`, 'utf8')
  const pids = await until('two workers', () => {
    const found = children().trim().split(' ')
    return found.length === 2 ? found : null
  })
  it.signal('SIGTERM')
  assert.equal(await it.exit, '0')
  await until('none is left', () => (pids ?? []).every((pid) => !fs.existsSync('/proc/' + pid)))
  assert.ok(!fs.existsSync(pidfile))
})
