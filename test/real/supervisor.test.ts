/**
 * The supervisor with real processes, around a stub server: workers, crashes, reloads, signals, exit codes.
 */
import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import * as net from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { askAdmin } from '../../src/admin/client.ts'
import { Supervised, until, type Reply } from './supervised.ts'

test('two workers share one port, and their counters are summed', async (t) => {
  const it = new Supervised(t)
  it.configure({})
  await it.start()
  assert.equal((await it.pids(2)).size, 2)
  const before = await it.metric('headgate_http_requests_total')
  for (let i = 0; i < 20; i++) await it.ask()
  assert.equal(await it.metric('headgate_http_requests_total'), before + 20)
  assert.equal(await it.metric('headgate_workers'), 2)
  assert.equal(await it.metric('headgate_connections_open'), 2)
  assert.equal(await it.adminText('/healthz'), 'ok\n')
})

test('a worker that is killed loses only its own connections, and another takes its place', async (t) => {
  const it = new Supervised(t)
  it.configure({})
  await it.start()
  const first = await it.pids(2)
  const failed: unknown[] = []
  const loading = new AbortController()
  const load = Promise.all(
    [1, 2, 3, 4].map(async () => {
      while (!loading.signal.aborted) await it.ask().catch((error: unknown) => failed.push(error))
    }),
  )
  await it.get('/die').catch(() => {})
  await until('a replacement', () => it.log().includes('serves\n'))
  loading.abort()
  await load
  // Under way at the moment of death: at most what the four had open.
  assert.ok(failed.length <= 4, failed.length + ' requests failed')
  const second = await it.pids(2)
  assert.equal([...second].filter((pid) => first.has(pid)).length, 1)
  assert.equal(await it.metric('headgate_worker_crashes_total'), 1)
  await it.logged(/error worker \d \(pid \d+\) died: SIGKILL/)
})

test('sums do not fall when a worker dies', async (t) => {
  const it = new Supervised(t)
  it.configure({})
  await it.start()
  await it.pids(2)
  for (let i = 0; i < 20; i++) await it.ask()
  const before = await it.metric('headgate_http_requests_total')
  await it.get('/die').catch(() => {})
  await until('a replacement', () => it.log().includes('serves\n'))
  assert.ok((await it.metric('headgate_http_requests_total')) >= before)
})

test('while every worker is dead, connections wait in the queue and are served later', async (t) => {
  const it = new Supervised(t)
  it.configure({})
  await it.start()
  for (const pid of await it.pids(2)) process.kill(pid, 'SIGKILL')
  await until('both deaths', () => it.log().match(/died/g)?.length === 2)
  assert.equal((await it.ask()).reply, 'first')
})

test('a worker that goes on dying is replaced later and later', async (t) => {
  const it = new Supervised(t)
  it.configure({})
  await it.start()
  for (let i = 1; i <= 3; i++) {
    const pids = [...(await it.pids(2))]
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    await until(i * 2 + ' replacements', () => it.log().match(/ serves\n/g)?.length === i * 2)
  }
  const waits = [...it.log().matchAll(/worker 1 is replaced in (\d+) ms/g)].map((match) => Number(match[1]))
  assert.deepEqual(waits, [100, 200, 400])
})

test('an exception in a worker ends that worker only', async (t) => {
  const it = new Supervised(t)
  it.configure({})
  await it.start()
  await it.get('/bug').catch(() => {})
  await until('the crash', () => it.log().includes('died: exit code 1'))
  assert.equal((await it.ask()).reply, 'first')
})

test('HUP takes a new config in all workers', async (t) => {
  const it = new Supervised(t)
  it.configure({})
  await it.start()
  const before = await it.pids(2)
  it.configure({ reply: 'second' })
  it.signal('SIGHUP')
  await until('the second config', () => it.log().includes('config taken'))
  for (let i = 0; i < 10; i++) assert.equal((await it.ask()).reply, 'second')
  assert.deepEqual(await it.pids(2), before)
  assert.equal(await it.metric('headgate_config_reloads_total{result="ok"}'), 1)
})

for (const [what, config, reason] of [
  ['that is wrong', { wrong: 'sites: no such thing' }, 'sites: no such thing'],
  ['that the workers refuse', { wrongInWorkers: 'only here' }, 'only here'],
  ['that each worker reads differently', { hashDiffers: true }, 'changed while it was read'],
] as const) {
  test(`a config ${what} is refused everywhere, and the old one goes on`, async (t) => {
    const it = new Supervised(t)
    it.configure({})
    await it.start()
    it.configure({ reply: 'second', ...config })
    const { status, text } = await askAdmin(it.admin, 'POST', '/reload')
    assert.equal(status, 422)
    assert.match(text, new RegExp(reason))
    await it.logged(new RegExp('config refused, the old one goes on: .*' + reason))
    for (let i = 0; i < 10; i++) assert.equal((await it.ask()).reply, 'first')
    assert.equal(await it.metric('headgate_config_reloads_total{result="refused"}'), 1)
    it.configure({ reply: 'third' })
    assert.equal((await askAdmin(it.admin, 'POST', '/reload')).status, 200)
    for (let i = 0; i < 10; i++) assert.equal((await it.ask()).reply, 'third')
  })
}

test('a worker that is replaced after the file has changed serves the config that was taken', async (t) => {
  const it = new Supervised(t)
  it.configure({})
  await it.start()
  it.configure({ reply: 'not taken' })
  await it.get('/die').catch(() => {})
  await until('a replacement', () => it.log().includes('serves\n'))
  await it.pids(2)
  for (let i = 0; i < 10; i++) assert.equal((await it.ask()).reply, 'first')
})

test('a reload opens new listeners, closes old ones, and changes how many workers there are', async (t) => {
  const it = new Supervised(t)
  const path = join(it.folder, 'extra.sock')
  it.configure({})
  await it.start()
  const oldPort = it.port
  it.configure({
    workers: 3,
    listeners: [
      { name: 'extra', port: 0 },
      { name: 'unix:extra', port: 0, path },
    ],
  })
  assert.equal((await askAdmin(it.admin, 'POST', '/reload')).status, 200)
  const status = JSON.parse(await it.adminText('/status')) as { listening: string[] }
  assert.equal(status.listening.length, 2)
  await assert.rejects(it.get('/', oldPort))
  await until('three workers', async () => (await it.metric('headgate_workers')) === 3)
  const text = await new Promise<string>((resolve, reject) => {
    const socket = net.connect({ path }, () => socket.write('GET / HTTP/1.0\r\n\r\n'))
    let all = ''
    socket
      .on('data', (piece) => (all += piece.toString()))
      .on('end', () => resolve(all))
      .on('error', reject)
  })
  assert.match(text, /first/)
  it.configure({ workers: 2 })
  assert.equal((await askAdmin(it.admin, 'POST', '/reload')).status, 200)
  assert.equal(await it.metric('headgate_workers'), 2)
  await until('the socket file is gone', () => !fs.existsSync(path))
})

test('a reload that wants a port in use is refused', async (t) => {
  const it = new Supervised(t)
  const other = net.createServer().listen(0, '127.0.0.1')
  t.after(() => other.close())
  await new Promise((resolve) => other.once('listening', resolve))
  const { port } = other.address() as net.AddressInfo
  it.configure({})
  await it.start()
  it.configure({
    listeners: [
      { name: 'main', port: 0 },
      { name: 'taken', port },
    ],
  })
  const { status, text } = await askAdmin(it.admin, 'POST', '/reload')
  assert.equal(status, 422)
  assert.match(text, /is in use by another program: stop it/)
  assert.equal((await it.ask()).reply, 'first')
})

test('TERM lets requests under way end, refuses new connections, and exits with 0', async (t) => {
  const it = new Supervised(t)
  it.configure({})
  await it.start()
  const { port } = it
  const slow = it.get('/slow')
  await until('it is under way', async () => (await it.metric('headgate_http_requests_total')) === 1)
  it.signal('SIGTERM')
  await until('the drain', () => it.log().includes('draining'))
  assert.equal(await slow, 'slow')
  assert.equal(await it.exit, '0')
  await assert.rejects(it.get('/', port))
})

test('a drain ends after drainTimeout, whatever hangs', async (t) => {
  const it = new Supervised(t)
  it.configure({ drainMs: 300 })
  await it.start()
  const hung = it.get('/hang').catch((error: unknown) => error)
  await until('it hangs', async () => (await it.metric('headgate_http_requests_total')) === 1)
  it.signal('SIGINT')
  assert.equal(await it.exit, '0')
  assert.ok((await hung) instanceof Error)
})

test('a second TERM ends at once with 2', async (t) => {
  const it = new Supervised(t)
  it.configure({ drainMs: 60_000 })
  await it.start()
  const hung = it.get('/hang').catch((error: unknown) => error)
  await until('it hangs', async () => (await it.metric('headgate_http_requests_total')) === 1)
  it.signal('SIGTERM')
  await until('the drain', () => it.log().includes('draining'))
  const startMs = performance.now()
  it.signal('SIGTERM')
  assert.equal(await it.exit, '2')
  assert.ok(performance.now() - startMs < 5000)
  await hung
})

test('workers whose supervisor is killed finish what is under way and go', async (t) => {
  const it = new Supervised(t)
  it.configure({})
  await it.start()
  const pids = await it.pids(2)
  it.signal('SIGKILL')
  await it.exit
  await until('both are gone', () => [...pids].every((pid) => !fs.existsSync('/proc/' + pid)))
})

test('signals that go to the whole group are answered by the supervisor alone', async (t) => {
  const it = new Supervised(t)
  it.configure({})
  await it.start()
  const pids = await it.pids(2)
  for (const pid of pids)
    for (const signal of ['SIGHUP', 'SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)
      process.kill(pid, signal)
  it.signal('SIGUSR1')
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.deepEqual(await it.pids(2), pids)
  assert.doesNotMatch(it.stderr, /Debugger/)
})

test('USR2 and the admin listener reopen the logs, also after they were moved', async (t) => {
  const it = new Supervised(t)
  const accessPath = join(it.folder, 'access.log')
  it.configure({ accessPath })
  await it.start()
  fs.renameSync(it.logPath, it.logPath + '.1')
  it.signal('SIGUSR2')
  await until('a line in the new file', () => it.log().includes('logs reopened'))
  assert.equal(fs.readFileSync(accessPath, 'utf8'), 'reopened\n'.repeat(2))
  assert.equal((await askAdmin(it.admin, 'POST', '/reopen-logs')).status, 200)
  assert.equal(fs.readFileSync(accessPath, 'utf8'), 'reopened\n'.repeat(4))
})

test('peers of different workers hear each other over the supervisor', async (t) => {
  const it = new Supervised(t)
  it.configure({})
  await it.start()
  await it.pids(2)
  const { pid } = await it.ask('/say')
  const other: Reply | null = await until('the other worker has heard of it', async () => {
    const reply = await it.ask()
    return reply.pid === pid || reply.heard.length === 0 ? null : reply
  })
  assert.deepEqual(other?.heard, ['hello from ' + pid])
})

test('--watch takes a changed file, also one that was renamed into place, and ignores one that is the same', async (t) => {
  const it = new Supervised(t)
  it.configure({})
  await it.start({ watch: true })
  it.configure({ reply: 'second' })
  await until('the second', async () => (await it.ask()).reply === 'second')
  const text = fs.readFileSync(it.configPath, 'utf8')
  fs.writeFileSync(it.configPath + '.new', text.replace('second', 'third'))
  fs.renameSync(it.configPath + '.new', it.configPath)
  await until('the third', async () => (await it.ask()).reply === 'third')
  await it.logged(/config taken.*config taken/s)
  fs.writeFileSync(it.configPath, text.replace('second', 'third'))
  await new Promise((resolve) => setTimeout(resolve, 500))
  assert.equal(it.log().match(/config taken/g)?.length, 2)
})

test('the pidfile names the supervisor and goes with it', async (t) => {
  const it = new Supervised(t)
  const pidfile = join(it.folder, 'headgate.pid')
  it.configure({})
  await it.start({ pidfile })
  assert.equal(fs.readFileSync(pidfile, 'utf8'), it.child?.pid + '\n')
  it.signal('SIGQUIT')
  assert.equal(await it.exit, '0')
  assert.ok(!fs.existsSync(pidfile))
})
