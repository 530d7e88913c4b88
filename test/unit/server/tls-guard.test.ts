/** Certificates of clients that are asked for by host, as somebody sees them who has none and wants in. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectH2, type ClientHttp2Session, type OutgoingHttpHeaders } from 'node:http2'
import { test, type TestContext } from 'node:test'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { HeadgateConfig } from '../../../src/config/document.ts'
import { authority, makeIdentity } from '../net/tls-identity.ts'
import { ask, exact, serve, wild } from './tls-server.ts'

const joe = await makeIdentity(['joe'], { isClient: true })
const guarded = 'www.example.com'
const clientAuth = { ca: authority, hosts: guarded }
const tls = { certificates: [exact, wild], clientAuth }

/** The status of one request; 'none' when no answer came. */
async function statusOf(port: number, options: ConnectionOptions, head: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', ca: authority, rejectUnauthorized: false, ...options })
  let text = ''
  socket.setEncoding('latin1').on('data', (piece: string) => (text += piece))
  socket.on('error', () => {})
  socket.write(head)
  await new Promise((resolve) => socket.once('close', resolve))
  return /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 'none'
}

const headFor = (host: string, target = '/'): string =>
  `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`

test('no spelling of a guarded host gets past on a connection for another (RFC 9110 §7.4)', async () => {
  const { port } = await serve({ tls })
  const open = { servername: 'localhost' }
  assert.equal(await statusOf(port, open, headFor('localhost')), '200')
  for (const head of [
    headFor(guarded),
    headFor('WWW.Example.COM'),
    headFor('www.example.com.'),
    headFor('www.example.com:443'),
    headFor('www.example.com.:8443'),
    headFor('localhost', 'http://www.example.com/'),
    headFor('localhost', 'https://WWW.example.com.:443/'),
    headFor(guarded, 'https://www.example.com/'),
  ])
    assert.equal(await statusOf(port, open, head), '421', head)
  for (const host of [
    'www%2eexample.com',
    'x@www.example.com',
    'www.example.com..',
    'www.example.com,localhost',
  ])
    assert.equal(await statusOf(port, open, headFor(host)), '400', host)
})

test('nor on a connection for no name, or for the name in another spelling', async () => {
  const { port } = await serve({ tls })
  assert.equal(await statusOf(port, { servername: '' }, headFor(guarded)), '421')
  // Asked for, and not shown.
  assert.equal(await statusOf(port, { servername: 'WWW.EXAMPLE.com' }, headFor(guarded)), 'none')
  assert.notEqual(await statusOf(port, { servername: 'www.example.com.' }, headFor(guarded)), '200')
})

test('nor by an absolute target, on a connection for it, whatever Host says', async () => {
  const { port } = await serve({ tls })
  const named = { servername: guarded, ...joe }
  assert.equal(await statusOf(port, named, headFor('localhost', `https://${guarded}/`)), '200')
  assert.equal(await statusOf(port, named, headFor(guarded, 'https://localhost/')), '421')
})

async function overH2(t: TestContext, port: number, options: ConnectionOptions): Promise<ClientHttp2Session> {
  const session = connectH2(`https://localhost:${port}`, { ca: authority, ...options } as object)
  session.on('error', () => {})
  t.after(() => session.destroy())
  await once(session, 'connect')
  return session
}

/** The status of one request; 'reset' when there is none. */
function askH2(session: ClientHttp2Session, fields: OutgoingHttpHeaders): Promise<string> {
  return new Promise((resolve) => {
    const stream = session.request({ ':path': '/', ...fields })
    stream.on('response', (answer) => resolve(String(answer[':status'])))
    stream.on('error', () => resolve('reset'))
    stream.on('close', () => resolve('reset'))
    stream.resume()
  })
}

test('a session of HTTP/2 is coalesced for no guarded host, and lives on (RFC 9113 §9.1.1)', async (t) => {
  const { port } = await serve({ tls })
  const session = await overH2(t, port, { servername: 'localhost' })
  assert.equal(await askH2(session, { ':authority': 'localhost' }), '200')
  for (const authorityText of [guarded, 'WWW.example.com', 'www.example.com.', `${guarded}:${port}`])
    assert.equal(await askH2(session, { ':authority': authorityText }), '421', authorityText)
  // Two names for one request are no request (RFC 9113 §8.3.1).
  for (const fields of [
    { ':authority': 'localhost', host: guarded },
    { ':authority': guarded, host: 'localhost' },
  ])
    assert.notEqual(await askH2(session, fields), '200')
  assert.equal(await askH2(session, { ':authority': 'localhost' }), '200')
})

test('who shows a certificate for one host asks with it for that host alone, by HTTP/2 as well', async (t) => {
  const { port } = await serve({ tls })
  const session = await overH2(t, port, { servername: guarded, ...joe })
  assert.equal(await askH2(session, { ':authority': guarded }), '200')
  assert.equal(await askH2(session, { ':authority': 'localhost' }), '421')
})

test('hosts of which the same is asked share connections, those below a wildcard included', async () => {
  const hosts = [guarded, '*.wild.example']
  const { port } = await serve({ tls: { certificates: [exact, wild], clientAuth: { ca: authority, hosts } } })
  const named = { servername: guarded, ...joe }
  for (const host of [guarded, 'a.wild.example', 'a.b.wild.example'])
    assert.equal(await statusOf(port, named, headFor(host)), '200', host)
  for (const host of ['localhost', 'wild.example', 'xwild.example'])
    assert.equal(await statusOf(port, named, headFor(host)), '421', host)
})

function configWith(tlsPart: HeadgateConfig['tls']): HeadgateConfig {
  return {
    listeners: [{ host: '127.0.0.1', port: 0, tls: true }],
    tls: tlsPart,
    sites: { '*': { respond: { status: 200, body: 'served' } } },
    log: { access: false, level: 'error' },
  }
}

async function answerOn(socket: TLSSocket, host: string): Promise<string> {
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  return bytes.toString('latin1').slice(9, 12)
}

test('what a reload begins to ask for holds for connections from before it', async (t) => {
  const { port, server } = await serve(configWith({ certificates: [exact] }))
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: authority })
  await once(socket, 'secureConnect')
  const session = await overH2(t, port, { servername: 'localhost' })
  assert.equal(await answerOn(socket, guarded), '200')
  assert.equal(await askH2(session, { ':authority': guarded }), '200')
  await server.reload(configWith({ certificates: [exact], clientAuth }))
  assert.equal(await answerOn(socket, guarded), '421')
  assert.equal(await askH2(session, { ':authority': guarded }), '421')
  // The same connections go on for what nothing is asked of.
  assert.equal(await askH2(session, { ':authority': 'localhost' }), '200')
  await server.reload(configWith({ certificates: [exact] }))
  assert.equal(await askH2(session, { ':authority': guarded }), '200')
  socket.destroy()
})

test('a session from before nobody was asked is not resumed by who is asked now', async () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const { port, server } = await serve(configWith({ certificates: [exact] }))
    const { session } = await ask(port, { maxVersion })
    assert.ok(session !== undefined)
    await server.reload(configWith({ certificates: [exact], clientAuth: { ca: authority } }))
    assert.equal(
      await statusOf(port, { maxVersion, session, servername: 'localhost' }, headFor('localhost')),
      'none',
    )
    const shown = await ask(port, { maxVersion, session, ...joe })
    assert.equal(shown.isResumed, false)
    assert.match(shown.text, /^HTTP\/1\.1 200 /)
  }
})

test('a session of a client that showed its certificate is resumed as that client', async () => {
  const headers = { response: { set: { 'X-Client': '{client_certificate_subject}' } } }
  const site = { '*': { respond: { status: 200 }, headers } }
  const config = { ...configWith({ certificates: [exact], clientAuth: { ca: authority } }), sites: site }
  const { port } = await serve(config)
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const first = await ask(port, { maxVersion, ...joe })
    assert.match(first.text, /x-client: CN=joe\r\n/i)
    const again = await ask(port, { maxVersion, session: first.session })
    assert.equal(again.isResumed, true)
    assert.match(again.text, /x-client: CN=joe\r\n/i)
  }
})
