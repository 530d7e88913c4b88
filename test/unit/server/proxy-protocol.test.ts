/** `proxyProtocol` of a listener: who is believed, and what the log, the origin and a match see then. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { writeProxyHeader } from '../../../src/net/write-proxy-header.ts'
import { createServer, type HeadgateServer } from '../../../src/server.ts'

interface Edge {
  readonly server: HeadgateServer
  readonly port: number
}

const sites = {
  '*': [
    { match: { client: '192.0.2.0/24' }, redirect: 'http://r/listed/{client_ip}/{scheme}' },
    { redirect: 'http://r/other/{client_ip}/{scheme}' },
  ],
}

const configOf = (listener: object) => ({
  listeners: [listener as { port: number }],
  sites,
  workers: 1,
  log: { access: false, level: 'error' } as const,
  admin: false as const,
})

async function edge(t: TestContext, listener: object): Promise<Edge> {
  const server = await createServer(configOf(listener))
  t.after(() => server.close({ drainMs: 0 }))
  await server.listen()
  return { server, port: server.addresses[0]?.port as number }
}

/** What comes back, to the end. */
function ask(where: number | string, ...pieces: (string | Buffer)[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = typeof where === 'number' ? connect(where, '127.0.0.1') : connect(where)
    let text = ''
    socket.setNoDelay(true).on('data', (bytes) => (text += bytes.toString('latin1')))
    socket.on('error', () => {}).on('close', () => resolve(text))
    const write = (): void => {
      const piece = pieces.shift()
      if (piece === undefined) return
      socket.write(piece)
      setImmediate(write)
    }
    write()
  })
}

const request = 'GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n'
const client = {
  remoteAddress: '192.0.2.1',
  remotePort: 55_555,
  localAddress: '198.51.100.7',
  localPort: 443,
}
/** Who the client was taken for. */
const seenOf = (answer: string): string => /Location: http:\/\/r\/(.*)\r\n/i.exec(answer)?.[1] ?? answer

test('the client is who a listed peer says it is, in both versions, for a match and for variables', async (t) => {
  const { port } = await edge(t, { host: '127.0.0.1', port: 0, proxyProtocol: '127.0.0.0/8' })
  for (const version of ['v1', 'v2'] as const) {
    const header = writeProxyHeader(version, client)
    assert.equal(
      seenOf(await ask(port, Buffer.concat([header, Buffer.from(request)]))),
      'listed/192.0.2.1/http',
    )
    const pieces = Array.from(header, (byte) => Buffer.from([byte]))
    assert.equal(seenOf(await ask(port, ...pieces, request)), 'listed/192.0.2.1/http')
  }
})

test('LOCAL and UNKNOWN leave the peer what it is', async (t) => {
  const { port } = await edge(t, { host: '127.0.0.1', port: 0, proxyProtocol: ['127.0.0.1'] })
  assert.equal(seenOf(await ask(port, 'PROXY UNKNOWN\r\n' + request)), 'other/127.0.0.1/http')
  const local = Buffer.from('\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00', 'latin1')
  assert.equal(seenOf(await ask(port, local, request)), 'other/127.0.0.1/http')
})

test('a client that spoke TLS to the listed peer came by https', async (t) => {
  const { port } = await edge(t, { host: '127.0.0.1', port: 0, proxyProtocol: ['127.0.0.1'] })
  const tls = Buffer.from(
    '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14\xc0\0\x02\x01\x7f\0\0\x01\0\x01\0\x02\x20\0\x05\x01\0\0\0\0',
    'latin1',
  )
  assert.equal(seenOf(await ask(port, tls, request)), 'listed/192.0.2.1/https')
})

test('a listed peer without a header gets no answer, and is counted', async (t) => {
  const { server, port } = await edge(t, { host: '127.0.0.1', port: 0, proxyProtocol: ['127.0.0.1'] })
  assert.equal(await ask(port, request), '')
  assert.equal(await ask(port, 'PROXY TCP4 x y 1 2\r\n' + request), '')
  const counted = server.snapshot()['headgate_faults_total']
  assert.equal(counted?.['{fault="proxy_header_missing",side="client"}'], 1)
  assert.equal(counted?.['{fault="proxy_header_bad",side="client"}'], 1)
})

test('whoever is not listed is the client itself, and a header of its own is refused like any bytes', async (t) => {
  const { port } = await edge(t, { host: '127.0.0.1', port: 0, proxyProtocol: ['10.0.0.0/8'] })
  assert.equal(seenOf(await ask(port, request)), 'other/127.0.0.1/http')
  for (const version of ['v1', 'v2'] as const)
    assert.match(
      await ask(port, Buffer.concat([writeProxyHeader(version, client), Buffer.from(request)])),
      /^HTTP\/1\.1 400 /,
    )
})

test('everybody on a unix socket is listed where its listener says so', async (t) => {
  const path = join(tmpdir(), `headgate-announced-${process.pid}.sock`)
  await edge(t, { path, proxyProtocol: true })
  assert.equal(await ask(path, request), '')
  const text = Buffer.concat([writeProxyHeader('v2', client), Buffer.from(request)])
  assert.equal(seenOf(await ask(path, text)), 'listed/192.0.2.1/http')
})

test('a reload changes who is listed, on a listener that stays', async (t) => {
  const { server, port } = await edge(t, { host: '127.0.0.1', port: 0 })
  assert.equal(seenOf(await ask(port, request)), 'other/127.0.0.1/http')
  await server.reload(configOf({ host: '127.0.0.1', port: 0, proxyProtocol: '127.0.0.1' }))
  assert.equal(await ask(port, request), '')
  await server.reload(configOf({ host: '127.0.0.1', port: 0, proxyProtocol: '10.0.0.1' }))
  assert.equal(seenOf(await ask(port, request)), 'other/127.0.0.1/http')
})
