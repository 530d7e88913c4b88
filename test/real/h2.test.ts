/**
 * HTTP/2 with clients that are not ours: curl, nghttp, h2load, Node's own. (h2spec: h2spec.test.ts.)
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HeadgateConfig } from '../../src/config/document.ts'
import { createServer, type HeadgateServer } from '../../src/server.ts'
import { findProgram, needs } from '../programs.ts'

const MiB = 1024 * 1024

async function run(program: string, ...args: string[]): Promise<{ exit: number; said: string }> {
  const child = spawn(findProgram(program), args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)))
  const [exit, out, errors] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  return { exit, said: out + errors }
}

/** An origin that echoes bodies, tells trailers, hints early, and answers without reading. */
function originServer(): http.Server {
  return http.createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://a')
    const large = Number(url.searchParams.get('bytes') ?? 0)
    if (url.pathname === '/echo') request.pipe(response)
    else if (url.pathname === '/hints') {
      response.writeEarlyHints({ link: '</a.css>; rel=preload' })
      response.end('hinted')
    } else if (url.pathname === '/trailers') {
      response.writeHead(200, { trailer: 'x-sum' })
      response.write('body')
      response.addTrailers({ 'x-sum': 'abc' })
      response.end()
    } else if (url.pathname === '/early') response.end('early')
    else if (url.pathname === '/cut') {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('half')
      setTimeout(() => response.destroy(), 50)
    } else response.end(Buffer.alloc(large, 97))
  })
}

const curl = (...args: string[]): Promise<{ exit: number; said: string }> =>
  run('curl', '-q', '-sS', '--noproxy', '*', '--max-time', '30', '--http2-prior-knowledge', ...args)

describe('HTTP/2 with real clients', () => {
  const origin = originServer()
  let edge: HeadgateServer
  let only: HeadgateServer
  let port = 0
  let url = ''

  before(async () => {
    origin.listen(0, '127.0.0.1')
    await once(origin, 'listening')
    const to = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`
    const rest: HeadgateConfig = { log: { access: false, level: 'error' }, sites: { '*': [{ origin: to }] } }
    edge = await createServer({ listeners: ['127.0.0.1:0'], ...rest })
    only = await createServer({ listeners: [{ host: '127.0.0.1', port: 0, http2: 'only' }], ...rest })
    await edge.listen()
    await only.listen()
    port = edge.addresses[0]?.port ?? 0
    url = `http://127.0.0.1:${port}`
  })

  after(async () => {
    await edge.close({ drainMs: 0 })
    await only.close({ drainMs: 0 })
    origin.closeAllConnections()
    origin.close()
  })

  test('curl gets what it asks for, early hints and trailers included', { skip: needs('curl') }, async () => {
    const { said } = await curl('-i', `${url}/hints`)
    assert.match(said, /^HTTP\/2 103 \r\nlink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/2 200 /)
    assert.match(said, /hinted$/)
    assert.match((await curl('-v', `${url}/trailers`)).said, /x-sum: abc/)
  })

  test('curl sees that an answer is not whole', { skip: needs('curl') }, async () => {
    const { exit } = await curl(`${url}/cut`)
    assert.ok(exit !== 0, `curl ends with ${exit}`)
  })

  test(
    'HTTP/1 is served beside it, and refused where only HTTP/2 is spoken',
    { skip: needs('curl') },
    async () => {
      const plain = await run(
        'curl',
        '-q',
        '-sS',
        '--http1.1',
        '-o',
        '/dev/null',
        '-w',
        '%{http_version}',
        url,
      )
      assert.equal(plain.said, '1.1')
      const refused = await run(
        'curl',
        '-q',
        '-sS',
        '--http1.1',
        `http://127.0.0.1:${only.addresses[0]?.port}`,
      )
      assert.notEqual(refused.exit, 0)
    },
  )

  test('nghttp gets many answers at once', { skip: needs('nghttp') }, async () => {
    const urls = Array.from({ length: 40 }, (_, i) => `${url}/?bytes=${i * 1000}`)
    const { exit, said } = await run('nghttp', '-n', '-s', ...urls)
    assert.equal(exit, 0, said)
    assert.equal(said.match(/ 200 /g)?.length, 40, said)
  })

  test(
    'h2load has every answer whole, also with windows of 64 KiB and large answers',
    { skip: needs('h2load') },
    async () => {
      const small = await run('h2load', '-n', '2000', '-c', '8', '-m', '32', `${url}/?bytes=1024`)
      assert.match(small.said, /2000 succeeded, 0 failed, 0 errored/)
      const large = await run(
        'h2load',
        '-n',
        '50',
        '-c',
        '2',
        '-m',
        '5',
        '-w',
        '16',
        '-W',
        '17',
        `${url}/?bytes=1000000`,
      )
      assert.match(large.said, /50 succeeded, 0 failed, 0 errored/)
    },
  )

  test('bodies pass whole both ways, many at once', async () => {
    // Node's client gives up streams beyond 10 MB of its own memory.
    const client = http2.connect(url, { maxSessionMemory: 200 })
    const once16 = async (): Promise<void> => {
      const body = randomBytes(3 * MiB)
      const stream = client.request({ ':method': 'POST', ':path': '/echo' })
      stream.end(body)
      const hash = createHash('sha256')
      for await (const piece of stream) hash.update(piece as Buffer)
      assert.equal(hash.digest('hex'), createHash('sha256').update(body).digest('hex'))
    }
    await Promise.all(Array.from({ length: 8 }, once16))
    client.close()
  })

  test('an early answer ends an upload that nobody wants', async () => {
    const client = http2.connect(url)
    const stream = client.request({ ':method': 'POST', ':path': '/early', 'content-length': '100000000' })
    stream.write(Buffer.alloc(100_000))
    assert.equal(await text(stream), 'early')
    await once(stream, 'close')
    client.close()
  })

  test('a reload and a drain lose nothing: GOAWAY comes first', async () => {
    const server = await createServer({
      listeners: ['127.0.0.1:0'],
      log: { access: false, level: 'error' },
      sites: { '*': [{ respond: { status: 200, body: 'ok' } }] },
    })
    await server.listen()
    const client = http2.connect(`http://127.0.0.1:${server.addresses[0]?.port}`)
    const goaway = once(client, 'goaway')
    assert.equal(await text(client.request({ ':path': '/' })), 'ok')
    const closing = server.close({ drainMs: 5000 })
    await goaway
    const { cutCount } = await closing
    assert.equal(cutCount, 0)
    await sleep(10)
    assert.ok(client.closed)
  })
})
