/** What is told of TLS: in metrics, in the access log, and by explain; and what its bounds do. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { connect as connectPlain, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { until } from '../net/pairs.ts'
import { authority } from '../net/tls-identity.ts'
import { ask, exact, exactRsa, serve, wild } from './tls-server.ts'
import type { HeadgateServer } from '../../../src/server.ts'

const metric = (server: HeadgateServer, name: string, labels = ''): number =>
  server.snapshot()[name]?.[labels] ?? 0

test('handshakes are counted by version, those that resumed by themselves; and those under way', async () => {
  const { port, server } = await serve({})
  const done = (version: string, resumed: string): number =>
    metric(server, 'headgate_tls_handshakes_total', `{version="${version}",resumed="${resumed}"}`)
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const { session } = await ask(port, { maxVersion: version })
    await ask(port, { maxVersion: version, session })
    assert.deepEqual([done(version, 'no'), done(version, 'yes')], [1, 1])
  }
  const silent = connectPlain(port, '127.0.0.1')
  await until(() => metric(server, 'headgate_tls_handshakes_in_progress') === 1, 'a handshake under way')
  silent.destroy()
  await until(() => metric(server, 'headgate_tls_handshakes_in_progress') === 0, 'none under way')
})

test('the JSON log tells version, suite, name and resumption of requests that came over TLS', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-tls-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const accessFile = join(folder, 'access.log')
  const { port, server } = await serve({ log: { access: 'json', accessFile, level: 'error' } })
  const first = await ask(port, { servername: 'www.example.com' })
  await ask(port, { session: first.session, servername: 'www.example.com' })
  await server.close({ drainMs: 0 })
  const lines = readFileSync(accessFile, 'utf8').trim().split('\n')
  const told = lines.map((line) => (JSON.parse(line) as { request: { tls: object } }).request.tls)
  const common = { version: 'TLSv1.3', server_name: 'www.example.com' }
  assert.partialDeepStrictEqual(told, [
    { ...common, resumed: false },
    { ...common, resumed: true },
  ])
  for (const one of told as { cipher_suite: string }[]) assert.match(one.cipher_suite, /^TLS_[A-Z0-9_]+$/)
})

test('of handshakes under way there are at most `handshakesMax`; the next is closed and counted, and others go on', async () => {
  const { port, server } = await serve({ tls: { certificates: [exact], handshakesMax: 2 } })
  const waiting: Socket[] = []
  for (let i = 0; i < 2; i++) {
    const socket = connectPlain(port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    waiting.push(socket)
  }
  await until(() => metric(server, 'headgate_tls_handshakes_in_progress') === 2, 'two handshakes')
  const third = connect({ port, host: '127.0.0.1', ca: authority })
  third.on('error', () => {})
  await new Promise((resolve) => third.once('close', resolve))
  assert.equal(metric(server, 'headgate_faults_total', '{fault="tls_too_many",side="client"}'), 1)
  for (const socket of waiting) socket.destroy()
  await until(() => metric(server, 'headgate_tls_handshakes_in_progress') === 0, 'none under way')
  assert.match((await ask(port)).text, /^HTTP\/1\.1 200 /)
})

test('explain says which certificate a name is shown, and whether clients are asked for theirs', async () => {
  const { server } = await serve({
    tls: {
      certificates: [exact, exactRsa, wild],
      clientAuth: { ca: authority, hosts: 'a.wild.example', mode: 'optional' },
    },
  })
  const tlsOf = (host: string): string =>
    server
      .explain({
        method: 'GET',
        scheme: 'https',
        authority: host,
        target: '/',
        client: '192.0.2.1',
        fields: [],
      })
      .tls.join('\n')
  assert.match(
    tlsOf('www.example.com'),
    /shows the certificate for www\.example\.com, localhost, good to \d{4}-/,
  )
  assert.match(
    tlsOf('a.wild.example'),
    /for \*\.wild\.example, [^]*clients are asked for a certificate there \(optional\)/,
  )
  assert.match(
    tlsOf('else.example'),
    /no certificate is for else\.example; the first is shown: for www\.example\.com/,
  )
})
