/**
 * Headgate itself with several workers, as `headgate run` starts it: an origin, a config file, real requests.
 */
import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { askAdmin } from '../../src/admin/client.ts'
import { Supervised, until } from './supervised.ts'

const programUrl = new URL('../../src/supervisor/default-program.ts', import.meta.url).href

interface World {
  readonly it: Supervised
  readonly accessPath: string
  readonly originPort: number
  readonly configure: (more?: object) => void
  readonly accessLines: () => string[]
  /** Ends the answers to /slow. */
  readonly endSlow: () => void
}

async function makeWorld(t: TestContext): Promise<World> {
  const slow: http.ServerResponse[] = []
  const endSlow = (): void => slow.forEach((response) => response.end('slow'))
  const origin = http.createServer((request, response) => {
    if (request.url === '/slow') slow.push(response)
    else response.end('from the origin')
  })
  await new Promise<void>((resolve) => {
    origin.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => {
    origin.close()
    origin.closeAllConnections()
  })
  const originPort = (origin.address() as AddressInfo).port
  const it = new Supervised(t, programUrl)
  const accessPath = join(it.folder, 'access.log')
  const configure = (more: object = {}): void =>
    it.write({
      workers: 2,
      listeners: ['127.0.0.1:0'],
      origins: { app: `http://127.0.0.1:${originPort}` },
      sites: { '*': [{ origin: 'app' }] },
      admin: it.admin,
      log: { accessFile: accessPath, errorFile: it.logPath },
      ...more,
    })
  configure()
  await it.start()
  const accessLines = (): string[] => fs.readFileSync(accessPath, 'latin1').trimEnd().split('\n')
  return { it, accessPath, originPort, configure, accessLines, endSlow }
}

/** `count` requests, some at a time; gives how many failed. */
async function load(it: Supervised, count: number): Promise<number> {
  let left = count
  let failed = 0
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      const text = await it.get('/?n=' + left).catch(() => '')
      if (text !== 'from the origin') failed++
    }
  }
  await Promise.all([one(), one(), one(), one(), one(), one(), one(), one()])
  return failed
}

test('every request of both workers has exactly one whole line, and the counters agree', async (t) => {
  const { it, accessLines } = await makeWorld(t)
  assert.equal(await load(it, 1000), 0)
  await until('the lines', () => accessLines().length === 1000)
  const lines = accessLines()
  assert.ok(
    lines.every((line) => /^127\.0\.0\.1 - - \[.*\] "GET \/\?n=\d+ HTTP\/1\.1" 200 15 .* -$/.test(line)),
  )
  assert.equal(new Set(lines.map((line) => /n=(\d+)/.exec(line)?.[1])).size, 1000)
  assert.equal(new Set(lines.map((line) => line.split('" ')[3]?.split(' ')[0])).size, 1000)
  const name = 'headgate_http_requests_total{site="*",route="*[0]",method="GET",code="200"}'
  assert.equal(await it.metric(name), 1000)
  assert.equal(await it.metric('headgate_log_lines_total{log="access"}'), 1000)
})

test('a worker killed under load loses only what it was about, and is replaced', async (t) => {
  const { it } = await makeWorld(t)
  const loading = load(it, 1500)
  const { workers } = JSON.parse(await it.adminText('/status')) as { workers: { pid: number }[] }
  process.kill(workers[0]?.pid ?? 0, 'SIGKILL')
  const failed = await loading
  assert.ok(failed <= 8, failed + ' failed')
  await it.logged(/worker 1 \(pid \d+\) serves/)
  assert.equal(await load(it, 100), 0)
})

test('a wrong config changes nothing anywhere and is explained; a right one is taken by both', async (t) => {
  const { it, configure } = await makeWorld(t)
  configure({ sites: { '*': [{ origin: 'nobody' }] } })
  const refused = await askAdmin(it.admin, 'POST', '/reload')
  assert.equal(refused.status, 422)
  assert.match(refused.text, /nobody/)
  assert.equal(await load(it, 50), 0)
  configure({ sites: { '*': [{ respond: { status: 200, body: 'answered here' } }] } })
  assert.equal((await askAdmin(it.admin, 'POST', '/reload')).status, 200)
  for (let i = 0; i < 20; i++) assert.equal(await it.get('/'), 'answered here')
})

test('a worker that is replaced serves the config that was taken, not the file', async (t) => {
  const { it, configure } = await makeWorld(t)
  configure({ sites: { '*': [{ respond: { status: 200, body: 'not taken' } }] } })
  const { workers } = JSON.parse(await it.adminText('/status')) as { workers: { pid: number }[] }
  for (const { pid } of workers) process.kill(pid, 'SIGKILL')
  await until('both again', async () => (await it.metric('headgate_workers')) === 2)
  assert.equal(await load(it, 50), 0)
})

test('two listeners of port 0 keep their ports over a reload, and workers that are replaced know which is which', async (t) => {
  const { it, configure } = await makeWorld(t)
  const grpc = { host: '127.0.0.1', port: 0, http2: 'only' }
  configure({ listeners: ['127.0.0.1:0', grpc] })
  const { port } = it
  assert.equal((await askAdmin(it.admin, 'POST', '/reload')).status, 200)
  configure({ listeners: [grpc, '127.0.0.1:0'] })
  assert.equal((await askAdmin(it.admin, 'POST', '/reload')).status, 200)
  assert.equal(await it.get('/', port), 'from the origin')
  const { workers } = JSON.parse(await it.adminText('/status')) as { workers: { pid: number }[] }
  for (const { pid } of workers) process.kill(pid, 'SIGKILL')
  await until('both again', async () => (await it.metric('headgate_workers')) === 2)
  for (let i = 0; i < 20; i++) assert.equal(await it.get('/', port), 'from the origin')
})

test('TERM finishes what is under way and ends with 0', async (t) => {
  const { it, accessLines, endSlow } = await makeWorld(t)
  const slow = it.get('/slow')
  await until('it is under way', async () => (await it.metric('headgate_http_requests_in_flight')) === 1)
  it.signal('SIGTERM')
  await it.logged(/draining/)
  endSlow()
  assert.equal(await slow, 'slow')
  assert.equal(await it.exit, '0')
  assert.match(accessLines().at(-1) ?? '', /"GET \/slow HTTP\/1\.1" 200 4 /)
  assert.match(it.log(), /drained; 0 connections were cut/)
})

test('moved log files are left for new ones by all processes on USR2', async (t) => {
  const { it, accessPath, accessLines } = await makeWorld(t)
  await load(it, 20)
  await until('the lines', () => accessLines().length === 20)
  fs.renameSync(accessPath, accessPath + '.1')
  it.signal('SIGUSR2')
  await it.logged(/logs reopened/)
  await load(it, 30)
  await until('the lines', () => fs.existsSync(accessPath) && accessLines().length === 30)
  assert.equal(
    fs
      .readFileSync(accessPath + '.1', 'latin1')
      .trimEnd()
      .split('\n').length,
    20,
  )
})
