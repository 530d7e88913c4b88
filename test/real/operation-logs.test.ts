/**
 * The logs of the program: one line for each request whatever became of it, over rotations; nothing secret in them; and
 * a pipe that nobody reads.
 */
import assert from 'node:assert/strict'
import { renameSync } from 'node:fs'
import { Agent, request as startRequest } from 'node:http'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { EdgeProcess, readAccessLine } from './edge-process.ts'
import { OriginProcess } from './origin-process.ts'
import { talk } from './recorder.ts'
import { until } from './supervised.ts'

async function makeOrigin(t: TestContext): Promise<OriginProcess> {
  const origin = new OriginProcess(t, 'a')
  await origin.start()
  return origin
}

/** `count` requests on kept connections, `clients` at a time; gives how many were answered 200. */
async function askMany(port: number, count: number, clients: number, path: string): Promise<number> {
  const agent = new Agent({ keepAlive: true })
  let left = count
  let answered = 0
  const ask = (): Promise<void> =>
    new Promise((resolve) => {
      const request = startRequest(
        { host: '127.0.0.1', port, path: `${path}?n=${left}`, agent },
        (response) => {
          if (response.statusCode === 200) answered++
          response.resume().on('close', resolve)
        },
      )
      request.on('error', () => resolve())
      request.end()
    })
  const run = async (): Promise<void> => {
    while (left-- > 0) await ask()
  }
  await Promise.all(Array.from({ length: clients }, run))
  agent.destroy()
  return answered
}

/** Requests in one write; resolves with what came when the server closes. */
async function pipeline(port: number, count: number): Promise<string> {
  const one = 'GET /p?n=1 HTTP/1.1\r\nHost: a\r\n\r\n'
  const last = 'GET /p?n=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
  return (await talk(port, one.repeat(count - 1) + last, /$^/, 10_000)).text
}

/** A client that is gone before its answer. */
async function abort(port: number, withReset: boolean): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write('GET /slow?n=1 HTTP/1.1\r\nHost: a\r\nX-Ms: 2000\r\n\r\n')
  await sleep(150)
  if (withReset) socket.resetAndDestroy()
  else socket.destroy()
}

const refusedRequests = [
  'GET / HTTP/1.1\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'GET / HTTP/9.9\r\nHost: a\r\n\r\n',
  'rubbish\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
]

async function inBatches(count: number, size: number, one: (i: number) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i += size)
    await Promise.all(Array.from({ length: Math.min(size, count - i) }, (_, k) => one(i + k)))
}

for (const workers of [1, 2]) {
  test(`5,000 requests, answered, pipelined, aborted and refused, over two rotations: a line each (workers: ${workers})`, async (t) => {
    const origin = await makeOrigin(t)
    const edge = new EdgeProcess(t)
    edge.write({ workers, origins: { app: origin.url }, sites: { '*': [{ origin: 'app' }] } })
    await edge.start()
    const { port, accessPath } = edge
    const rotating = (async () => {
      for (let i = 1; i <= 2; i++) {
        await until('lines to move away', () => edge.accessLines(accessPath).length > 0)
        renameSync(accessPath, `${accessPath}.${i}`)
        edge.signal('SIGUSR2')
        await until('reopened', () => edge.errors().match(/logs reopened/g)?.length === i)
      }
    })()
    const [answered, pipelined] = await Promise.all([
      askMany(port, 3100, 16, '/'),
      Promise.all(Array.from({ length: 10 }, () => pipeline(port, 100))),
      inBatches(300, 50, (i) => abort(port, i % 2 === 0)),
      inBatches(500, 10, (i) => talk(port, refusedRequests[i % refusedRequests.length] as string, /$^/)),
    ])
    await rotating
    assert.equal(answered, 3100)
    assert.equal(await askMany(port, 100, 4, '/'), 100)
    for (const text of pipelined) assert.equal(text.match(/HTTP\/1\.1 200 OK/g)?.length, 100)
    const paths = [accessPath, `${accessPath}.1`, `${accessPath}.2`]
    const all = (): string[] => paths.flatMap((path) => edge.accessLines(path))
    await until('5,000 lines', () => all().length >= 5000)
    await sleep(200)
    const lines = all().map(readAccessLine)
    assert.equal(lines.length, 5000)
    assert.equal(new Set(lines.map(({ id }) => id)).size, 5000)
    assert.equal(lines.filter(({ status, fault }) => status === 200 && fault === '-').length, 4200)
    assert.equal(lines.filter(({ fault }) => fault === 'client_gone').length, 300)
    assert.equal(lines.filter(({ status }) => [400, 501, 505].includes(status)).length, 500)
    assert.match(edge.errors(), /The Host field is missing \(RFC 9112 section 3\.2\)\. fault=host_missing/)
    for (const path of paths) assert.ok(edge.accessLines(path).length > 0, path)
    assert.equal(await edge.metric('headgate_http_requests_total'), 5000)
    assert.equal(await edge.metric('headgate_log_lines_total{log="access"}'), 5000)
    assert.equal(await edge.metric('headgate_log_lines_dropped_total{log="access"}'), 0)
  })
}

test('no secret of a request comes into a log, and no client forges a line', async (t) => {
  const origin = await makeOrigin(t)
  for (const access of ['combined', 'json']) {
    const edge = new EdgeProcess(t)
    const log = {
      access,
      accessFile: edge.accessPath,
      errorFile: edge.errorsPath,
      redactQuery: ['token', 'pin'],
      redactFields: ['User-Agent'],
      level: 'debug',
    }
    edge.write({ log, origins: { app: origin.url }, sites: { 'a.example': [{ origin: 'app' }] } })
    await edge.start()
    const secret = 'S3CRET'
    for (const host of ['a.example', 'b.example']) {
      const request =
        `GET /x?token=${secret}&a=1&%70in=${secret}&n=7 HTTP/1.1\r\nHost: ${host}\r\n` +
        `Authorization: Bearer ${secret}\r\nCookie: sid=${secret}\r\nProxy-Authorization: ${secret}\r\n` +
        `Referer: http://u:${secret}@r.example/?token=${secret}\r\nUser-Agent: ${secret}\r\nConnection: close\r\n\r\n`
      await talk(edge.port, request, /$^/)
    }
    await talk(
      edge.port,
      'GET /"\x80\\x"q=\x1b[31m HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n',
      /$^/,
    )
    await until('three lines', () => edge.accessLines().length === 3)
    const text = edge.accessLines().join('\n') + edge.errors()
    assert.ok(!text.includes(secret), text)
    assert.ok(text.includes('a=1'))
    for (const line of edge.accessLines()) {
      assert.match(line, /^[\x20-\x7e]+$/)
      if (access === 'json') assert.equal((JSON.parse(line) as { logger: string }).logger, 'access')
    }
  }
})

for (const workers of [1, 2]) {
  test(`a pipe that nobody reads holds nobody up: lines are dropped and counted (workers: ${workers})`, async (t) => {
    const origin = await makeOrigin(t)
    const edge = new EdgeProcess(t)
    const log = { errorFile: edge.errorsPath, queueBytesMax: '64KiB' }
    edge.write({ workers, log, origins: { app: origin.url }, sites: { '*': [{ origin: 'app' }] } })
    await edge.start({ readsStdout: false })
    const startedMs = performance.now()
    assert.equal(await askMany(edge.port, 3000, 12, '/'), 3000)
    const tookMs = performance.now() - startedMs
    const dropped = await edge.metric('headgate_log_lines_dropped_total{log="access"}')
    t.diagnostic(`3,000 requests in ${tookMs.toFixed(0)} ms, ${dropped} lines dropped`)
    assert.ok(dropped > 500, `${dropped} dropped`)
    // As soon as somebody reads, the rest comes out whole, and the loss is told.
    edge.readStdout()
    await until('told', async () => {
      await talk(edge.port, 'GET /?n=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', /$^/)
      return /lines of the access log were dropped/.test(edge.errors())
    })
    edge.signal('SIGTERM')
    assert.equal(await edge.exit, '0')
    const lines = edge.stdout.trimEnd().split('\n')
    for (const line of lines) readAccessLine(line)
    assert.equal(new Set(lines.map((line) => readAccessLine(line).id)).size, lines.length)
    t.diagnostic(`${lines.length} lines came through the pipe`)
  })
}
