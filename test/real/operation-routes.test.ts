/**
 * What routes and error answers promise, through the program: loops, maintenance, own pages, deadlines and bounds by route.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { EdgeProcess, makeFolder, readAccessLine } from './edge-process.ts'
import { OriginProcess } from './origin-process.ts'
import { statusOf, talk } from './recorder.ts'
import { until } from './supervised.ts'

const get = (path: string, fields = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: a.example\r\n${fields}Connection: close\r\n\r\n`

const post = (path: string, fields: string, body = ''): string =>
  `POST ${path}?n=1 HTTP/1.1\r\nHost: a.example\r\n${fields}\r\n\r\n${body}`

/** Two edges, each the origin of the other. */
async function makeLoop(t: TestContext, forwarding: object): Promise<EdgeProcess[]> {
  const folder = makeFolder(t)
  const edges: EdgeProcess[] = []
  for (const [own, other] of [
    ['one', 'two'],
    ['two', 'one'],
  ]) {
    const edge = new EdgeProcess(t)
    edge.write({
      listeners: ['127.0.0.1:0', `unix:${join(folder, `${own}.sock`)}`],
      origins: { other: `unix:${join(folder, `${other}.sock`)}` },
      sites: { '*': [{ origin: 'other' }] },
      forwarding: { ...forwarding, name: own },
    })
    edges.push(edge)
  }
  await Promise.all(edges.map((edge) => edge.start()))
  return edges
}

for (const [how, forwarding] of [
  ['Via', {}],
  ['CDN-Loop, where Via is off', { via: false }],
] as const) {
  test(`two edges that point at each other answer 508 after one round, by ${how}`, async (t) => {
    const [one, two] = (await makeLoop(t, forwarding)) as [EdgeProcess, EdgeProcess]
    const reply = await talk(one.port, get('/'), /$^/)
    assert.match(reply.text, /^HTTP\/1\.1 508 Loop Detected\r\n/)
    await until('the lines', () => one.accessLines().length === 2 && two.accessLines().length === 1)
    const faults = one.accessLines().map((line) => readAccessLine(line).fault)
    assert.deepEqual(faults.toSorted(), ['-', 'loop'])
    // A client that has been elsewhere before is no loop.
    const other = await talk(two.port, get('/', 'Via: 1.1 three\r\nCDN-Loop: three\r\n'), /$^/)
    assert.equal(statusOf(other.text), 508, 'it comes round')
    await until('more lines', () => two.accessLines().length === 3)
  })
}

test('maintenance answers 503 with the own page and does not ask the origin; a reload ends it', async (t) => {
  const origin = new OriginProcess(t, 'a')
  await origin.start()
  const edge = new EdgeProcess(t)
  writeFileSync(join(edge.folder, 'sorry.html'), '<h1>Back at noon</h1>')
  const write = (maintenance: boolean): void =>
    edge.write({
      origins: { app: origin.url },
      sites: {
        '*': [
          { match: '/open', origin: 'app' },
          { origin: 'app', maintenance },
        ],
      },
      errorPages: { 503: 'sorry.html' },
    })
  write(true)
  await edge.start()
  const { text } = await talk(edge.port, get('/x?n=1'), /$^/)
  assert.match(
    text,
    /^HTTP\/1\.1 503 [^]*content-type: text\/html; charset=utf-8\r\n[^]*\r\n\r\n<h1>Back at noon<\/h1>$/i,
  )
  assert.equal(statusOf((await talk(edge.port, get('/open?n=1'), /$^/)).text), 200)
  write(false)
  assert.equal((await edge.ask('POST', '/reload')).status, 200)
  assert.equal(statusOf((await talk(edge.port, get('/x?n=1'), /$^/)).text), 200)
  await until('the lines', () => edge.accessLines().length === 3)
  assert.equal(readAccessLine(edge.accessLines()[0] ?? '').fault, 'maintenance')
  assert.equal(readAccessLine(edge.accessLines()[0] ?? '').attempts, 0)
})

test("the operator's pages stand for our errors and not for those of the origin, and name no origin", async (t) => {
  const origin = new OriginProcess(t, 'a')
  await origin.start()
  const edge = new EdgeProcess(t)
  writeFileSync(join(edge.folder, '404.json'), '{"error":"not here"}')
  writeFileSync(join(edge.folder, '5xx.html'), '<h1>Sorry</h1>')
  edge.write({
    origins: { app: origin.url },
    sites: { 'a.example': [{ match: '/app', origin: 'app' }] },
    errorPages: { 404: './404.json', '5xx': './5xx.html' },
  })
  await edge.start()
  const missing = await talk(edge.port, get('/nothing'), /$^/)
  assert.match(missing.text, /^HTTP\/1\.1 404 [^]*application\/json[^]*\r\n\r\n\{"error":"not here"\}$/)
  await edge.logged(/no route takes GET http:\/\/a\.example\/nothing .*: \S/)
  await origin.kill()
  const head = await talk(edge.port, get('/app').replace('GET', 'HEAD'), /$^/)
  assert.match(head.text, /^HTTP\/1\.1 502 [^]*content-length: 14\r\n[^]*\r\n\r\n$/i)
  const broken = await talk(edge.port, get('/app'), /$^/)
  assert.match(broken.text, /^HTTP\/1\.1 502 [^]*\r\n\r\n<h1>Sorry<\/h1>$/)
  assert.doesNotMatch(broken.text, /127\.0\.0\.1/)
  assert.equal(statusOf((await talk(edge.port, 'GET / HTTP/1.1\r\n\r\n', /$^/)).text), 400)
})

test('deadlines of a route differ from those of its origin and of the top', async (t) => {
  const origin = new OriginProcess(t, 'a')
  await origin.start()
  const edge = new EdgeProcess(t)
  edge.write({
    timeouts: { firstByte: '150ms' },
    origins: { app: origin.url, patient: { servers: origin.url, timeouts: { firstByte: '5s' } } },
    sites: {
      'a.example': [
        { match: { query: { by: 'top' } }, origin: 'app' },
        { match: { query: { by: 'route' } }, timeouts: { firstByte: '5s' }, origin: 'app' },
        { match: { query: { by: 'strict' } }, timeouts: { firstByte: '150ms' }, origin: 'patient' },
        { origin: 'patient' },
      ],
    },
  })
  await edge.start()
  const ask = async (query: string): Promise<number> =>
    statusOf((await talk(edge.port, get(`/slow?n=1&${query}`, 'X-Ms: 400\r\n'), /$^/)).text)
  const statuses = await Promise.all([ask('by=top'), ask('by=route'), ask('by=strict'), ask('by=origin')])
  assert.deepEqual(statuses, [504, 200, 504, 200])
  await until('the lines', () => edge.accessLines().length === 4)
  const faults = edge.accessLines().map((line) => readAccessLine(line).fault)
  assert.deepEqual(faults.toSorted(), ['-', '-', 'http_response_timeout', 'http_response_timeout'])
})

test('a body that is too large is refused with 413 before 100 invites it, and while it comes', async (t) => {
  const origin = new OriginProcess(t, 'a')
  await origin.start()
  const edge = new EdgeProcess(t)
  edge.write({
    limits: { bodyBytesMax: '1KiB' },
    origins: { app: origin.url },
    sites: {
      'a.example': [
        { match: '/large', limits: { bodyBytesMax: '1MiB' }, origin: 'app' },
        { match: '/any', limits: { bodyBytesMax: 'unlimited' }, origin: 'app' },
        { origin: 'app' },
      ],
    },
  })
  await edge.start()
  const expecting = 'Content-Length: 2000\r\nExpect: 100-continue'
  const refused = await talk(edge.port, post('/', expecting), /$^/)
  assert.match(refused.text, /^HTTP\/1\.1 413 /, 'the first that is said is the refusal')
  assert.ok(refused.isClosed)
  const invited = await talk(edge.port, post('/large', expecting), /100 Continue\r\n\r\n/)
  assert.match(invited.text, /^HTTP\/1\.1 100 Continue\r\n\r\n$/)
  const whole = await talk(
    edge.port,
    post('/large', 'Content-Length: 2000\r\nConnection: close', 'x'.repeat(2000)),
    /$^/,
  )
  assert.equal(statusOf(whole.text), 200)
  const stated = await talk(edge.port, post('/', 'Content-Length: 1025', 'x'.repeat(1025)), /$^/)
  assert.equal(statusOf(stated.text), 413)
  const least = await talk(
    edge.port,
    post('/', 'Content-Length: 1024\r\nConnection: close', 'x'.repeat(1024)),
    /$^/,
  )
  assert.equal(statusOf(least.text), 200)
  const chunk = `400\r\n${'x'.repeat(1024)}\r\n`
  const chunked = await talk(
    edge.port,
    post('/', 'Transfer-Encoding: chunked', `${chunk}1\r\nx\r\n0\r\n\r\n`),
    /$^/,
    3000,
  )
  assert.equal(statusOf(chunked.text), 413)
  const fits = post('/', 'Transfer-Encoding: chunked\r\nConnection: close', `${chunk}0\r\n\r\n`)
  assert.equal(statusOf((await talk(edge.port, fits, /$^/)).text), 200)
  const any = post('/any', 'Content-Length: 3000000\r\nConnection: close', 'x'.repeat(3_000_000))
  assert.equal(statusOf((await talk(edge.port, any, /$^/, 5000)).text), 200)
  await until('the lines', () => edge.accessLines().length >= 8)
  const lines = edge.accessLines().map(readAccessLine)
  assert.equal(lines.filter(({ fault }) => fault === 'body_too_large').length, 3)
  const early = lines.filter(({ status, attempts }) => status === 413 && attempts === 0)
  assert.ok(early.length >= 2, 'the origin was not asked where the length was stated')
})

/** After the deadlines of the test, on a busy machine, and well before those that hold when nothing is said. */
const lateMs = 5000

test('a client that says nothing, or half a head, is sent away in time', async (t) => {
  const edge = new EdgeProcess(t)
  edge.write({ timeouts: { head: '400ms', idle: '300ms' }, sites: { '*': [{ respond: 204 }] } })
  await edge.start()
  const half = await talk(edge.port, 'GET / HTTP/1.1\r\nHos', /$^/)
  assert.equal(statusOf(half.text), 408)
  assert.ok(half.isClosed && half.tookMs < lateMs)
  const silent = await talk(edge.port, '', /$^/)
  assert.ok(silent.isClosed && silent.text === '' && silent.tookMs < lateMs)
  // A head that comes a byte at a time must be whole by the same deadline.
  const socket = connect(edge.port, '127.0.0.1')
  socket.on('error', () => {})
  const startedMs = performance.now()
  const timer = setInterval(() => socket.write('G'), 50)
  await new Promise((resolve) => socket.once('close', resolve).resume())
  clearInterval(timer)
  assert.ok(performance.now() - startedMs < lateMs)
})
