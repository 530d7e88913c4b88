/** TLS of a whole server: what clients get, and what is asked of them and of origins. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createPlainServer, connect as connectPlain, type AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { connect, createServer as createTlsServer, type ConnectionOptions } from 'node:tls'
import { until } from '../net/pairs.ts'
import { authority, makeIdentity } from '../net/tls-identity.ts'
import { ask, exact, exactRsa, serve, wild, wildRsa } from './tls-server.ts'

const expired = await makeIdentity(['localhost'], { daysLeft: -2 })
const other = await makeIdentity(['other.example'])
const selfSigned = await makeIdentity(['localhost'], { isSelfSigned: true })

async function shownTo(port: number, options: ConnectionOptions): Promise<X509Certificate> {
  const socket = connect({ port, host: '127.0.0.1', ca: authority, rejectUnauthorized: false, ...options })
  await once(socket, 'secureConnect')
  const certificate = socket.getPeerX509Certificate()
  socket.destroy()
  return certificate as X509Certificate
}

test('a request over TLS is answered, in both versions', async () => {
  const { port } = await serve({})
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const { text } = await ask(port, { maxVersion })
    assert.match(text, /^HTTP\/1\.1 200 /)
    assert.match(text, /served$/)
  }
})

test('the certificate is that of the name: exact, wildcard of one label, else the first', async () => {
  const { port } = await serve({})
  const nameOf = async (servername: string): Promise<string> =>
    (await shownTo(port, { servername })).subjectAltName ?? ''
  assert.match(await nameOf('www.example.com'), /www\.example\.com/)
  assert.match(await nameOf('a.wild.example'), /\*\.wild\.example/)
  assert.match(await nameOf('a.b.wild.example'), /www\.example\.com/)
  assert.match(await nameOf('nobody.example'), /www\.example\.com/)
})

test('who verifies ECDSA gets it, who does not gets RSA, for the first certificate and for others', async () => {
  const { port } = await serve({})
  for (const servername of ['localhost', 'a.wild.example']) {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const best = await shownTo(port, { servername, maxVersion })
      assert.equal(best.publicKey.asymmetricKeyType, 'ec')
      const sigalgs = 'RSA-PSS+SHA256:RSA+SHA256'
      const rsa = await shownTo(port, { servername, maxVersion, sigalgs })
      assert.equal(rsa.publicKey.asymmetricKeyType, 'rsa')
    }
  }
})

test('a session is resumed, also after a reload', async () => {
  const { port, server } = await serve({})
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const first = await ask(port, { maxVersion })
    assert.ok(first.session !== undefined)
    assert.equal((await ask(port, { maxVersion, session: first.session })).isResumed, true)
    await server.reload({
      listeners: [{ host: '127.0.0.1', port: 0, tls: true }],
      tls: { certificates: [exact, exactRsa, wild, wildRsa] },
      sites: { '*': { respond: { status: 200, body: 'served' } } },
      log: { access: false, level: 'error' },
    })
    assert.equal((await ask(port, { maxVersion, session: first.session })).isResumed, true)
  }
})

test('a reload replaces certificates, and connections that are open live on', async () => {
  const { port, server } = await serve({ tls: { certificates: [exact] } })
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: authority })
  await once(socket, 'secureConnect')
  const renewed = await makeIdentity(['localhost'])
  await server.reload({
    listeners: [{ host: '127.0.0.1', port: 0, tls: true }],
    tls: { certificates: [renewed] },
    sites: { '*': { respond: { status: 200, body: 'served' } } },
    log: { access: false, level: 'error' },
  })
  const shown = await shownTo(port, { servername: 'localhost' })
  assert.equal(shown.fingerprint256, new X509Certificate(renewed.cert).fingerprint256)
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  const [data] = (await once(socket, 'data')) as [Buffer]
  assert.match(data.toString(), /^HTTP\/1\.1 200 /)
})

test('HTTP without TLS is told so in HTTP', async () => {
  const { port } = await serve({})
  const socket = connectPlain(port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const [data] = (await once(socket, 'data')) as [Buffer]
  assert.match(data.toString(), /^HTTP\/1\.1 400 [^]*use https/)
  socket.destroy()
})

test('a handshake that does not end is closed at its deadline, and is no open connection afterwards', async () => {
  const { port, server } = await serve({
    tls: { certificates: [exact], handshakeTimeout: '100ms' },
  })
  const socket = connectPlain(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'close')
  const open = (): number => (server.status() as { connections: number }).connections
  await until(() => open() === 0, 'the connection to be forgotten')
})

test('an old version is refused where the config says so', async () => {
  const { port } = await serve({ tls: { certificates: [exact], minVersion: 'TLSv1.3' } })
  await assert.rejects(shownTo(port, { servername: 'localhost', maxVersion: 'TLSv1.2' }))
})

// Origins

async function originWith(identity: { cert: string; key: string }, answer: string): Promise<number> {
  const origin = createTlsServer({ ...identity }, (socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end(answer))
  })
  origin.listen(0, '127.0.0.1')
  await once(origin, 'listening')
  after(() => origin.close())
  return (origin.address() as AddressInfo).port
}

const whole = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

async function statusThrough(
  identity: { cert: string; key: string },
  tls: object,
  host = '127.0.0.1',
): Promise<string> {
  const originPort = await originWith(identity, whole)
  const { port } = await serve({
    origins: { app: { servers: `https://${host}:${originPort}`, tls } },
    sites: { '*': { origin: 'app' } },
    forwarding: { proxyStatus: true },
  })
  const { text } = await ask(port)
  const status = text.slice(9, 12)
  return `${status} ${/error=([\w-]+)/.exec(text)?.[1] ?? ''}`.trim()
}

test('an origin whose certificate is right is asked', async () => {
  assert.equal(await statusThrough(exact, { ca: authority, serverName: 'localhost' }), '200')
})

test('an origin is refused for a certificate that is expired, of nobody trusted, or for another name', async () => {
  const refused = '502 tls_certificate_error'
  assert.equal(await statusThrough(expired, { ca: authority, serverName: 'localhost' }), refused)
  assert.equal(await statusThrough(selfSigned, { serverName: 'localhost' }), refused)
  assert.equal(await statusThrough(exact, { serverName: 'localhost' }), refused)
  assert.equal(await statusThrough(other, { ca: authority, serverName: 'localhost' }), refused)
  assert.equal(await statusThrough(exact, { ca: authority }), refused)
})

test('`verify: false` takes any certificate', async () => {
  assert.equal(await statusThrough(selfSigned, { verify: false }), '200')
})

test('an answer that ends with the connection is whole only with close_notify (RFC 9112 §9.8)', async () => {
  const endless = 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it'
  for (const isCut of [false, true]) {
    const origin = createPlainServer((raw) => {
      const secure = createTlsServer({ ...exact }, (socket) => {
        socket.on('error', () => {})
        socket.once('data', () => {
          if (!isCut) socket.end(endless)
          else socket.write(endless, () => setTimeout(() => raw.end(), 50))
        })
      })
      secure.emit('connection', raw)
    })
    origin.listen(0, '127.0.0.1')
    await once(origin, 'listening')
    after(() => origin.close())
    const { port } = await serve({
      origins: {
        app: {
          servers: `https://127.0.0.1:${(origin.address() as AddressInfo).port}`,
          tls: { ca: authority, serverName: 'localhost' },
        },
      },
      sites: { '*': { origin: 'app' } },
    })
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: authority })
    let text = ''
    socket.setEncoding('latin1').on('data', (piece: string) => {
      text += piece
    })
    socket.on('error', () => {})
    await once(socket, 'secureConnect')
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    await once(socket, 'close')
    assert.match(text, /all of it/)
    // Chunked towards the client: the last chunk is what says that it is whole.
    assert.equal(text.endsWith('0\r\n\r\n'), !isCut)
  }
})

// Client certificates

const joe = await makeIdentity(['joe'], { isClient: true })
const stranger = await makeIdentity(['joe'], { isSelfSigned: true, isClient: true })

test('a required certificate is asked for, verified, and told to the origin; claims of it are dropped', async () => {
  let seen = ''
  const origin = createPlainServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (bytes: Buffer) => {
      seen = bytes.toString('latin1')
      socket.end(whole)
    })
  })
  origin.listen(0, '127.0.0.1')
  await once(origin, 'listening')
  after(() => origin.close())
  const { port } = await serve({
    tls: { certificates: [exact], clientAuth: { ca: authority } },
    sites: { '*': { origin: `http://127.0.0.1:${(origin.address() as AddressInfo).port}` } },
  })
  const der = new X509Certificate(joe.cert).raw.toString('base64')
  const { text } = await ask(port, { ...joe }, 'localhost\r\nClient-Cert: :AAAA:\r\nclient_cert: :BBBB:')
  assert.match(text, /^HTTP\/1\.1 200 /)
  assert.deepEqual(/^client-cert: (.*)\r$/im.exec(seen)?.[1], `:${der}:`)
  assert.doesNotMatch(seen, /AAAA|BBBB/)
  for (const wrong of [{}, { ...stranger }]) {
    const got = await ask(port, wrong).then(
      ({ text: answer }) => answer,
      () => '',
    )
    assert.equal(got, '')
  }
})

test('an optional certificate may be missing, and not be wrong', async () => {
  const { port } = await serve({
    tls: { certificates: [exact], clientAuth: { ca: authority, mode: 'optional' } },
  })
  assert.match((await ask(port)).text, /^HTTP\/1\.1 200 /)
  assert.match((await ask(port, { ...joe })).text, /^HTTP\/1\.1 200 /)
  const wrong = await ask(port, { ...stranger }).then(
    ({ text }) => text,
    () => '',
  )
  assert.equal(wrong, '')
})

test('asked by name, a certificate holds for that name: a request for it on another connection is misdirected', async () => {
  const { port } = await serve({
    tls: { certificates: [exact], clientAuth: { ca: authority, hosts: 'www.example.com' } },
  })
  assert.match((await ask(port)).text, /^HTTP\/1\.1 200 /)
  for (const host of ['www.example.com', 'WWW.example.com.', 'www.example.com:8443'])
    assert.match((await ask(port, {}, host)).text, /^HTTP\/1\.1 421 /)
  const named = { ...joe, servername: 'www.example.com' }
  assert.match((await ask(port, named, 'www.example.com')).text, /^HTTP\/1\.1 200 /)
  const bare = await ask(port, { servername: 'www.example.com' }, 'www.example.com').then(
    ({ text }) => text,
    () => '',
  )
  assert.equal(bare, '')
  // Its sessions are not resumed: a resumed one would not be asked again.
  const { session } = await ask(port)
  if (session !== undefined) assert.equal((await ask(port, { session })).isResumed, false)
})

test('the switch to HTTPS redirects what comes without TLS, and tells browsers to stay', async () => {
  const { server } = await serve({
    listeners: [
      { host: '127.0.0.1', port: 0, tls: true },
      { host: 'localhost', port: 0 },
    ],
    https: { hsts: '30d', port: 8443 },
  })
  const [secure, plain] = server.addresses
  const socket = connectPlain(plain?.port ?? 0, 'localhost')
  socket.write('GET /a?b=c HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  const [data] = (await once(socket, 'data')) as [Buffer]
  assert.match(data.toString(), /^HTTP\/1\.1 308 [^]*location: https:\/\/localhost:8443\/a\?b=c\r\n/i)
  assert.doesNotMatch(data.toString(), /strict-transport-security/i)
  const { text } = await ask(secure?.port ?? 0)
  assert.match(text, /^HTTP\/1\.1 200 [^]*strict-transport-security: max-age=2592000\r\n/i)
})
