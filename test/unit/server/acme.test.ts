/** Challenges of tls-alpn-01 at a whole server, while the name that they are about has no certificate yet. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect, type ConnectionOptions } from 'node:tls'
import { createServer } from '../../../src/server.ts'
import { FakeCa } from '../tls/acme/fake-ca.ts'
import { temporaryFolder } from '../tls/acme/folder.ts'

interface Seen {
  readonly protocol: string | false | null
  readonly error: string
  /** Does the certificate hold the answer (RFC 8737 §3)? */
  readonly isAnswer: boolean
}

/** id-pe-acmeIdentifier, as it stands in a certificate. */
const acmeIdentifier = Buffer.from('06082b0601050507011f', 'hex')

function shake(port: number, options: ConnectionOptions): Promise<Seen> {
  const where = { port, host: '127.0.0.1', servername: 'www.example.com', rejectUnauthorized: false }
  return new Promise((resolve) => {
    const socket = connect({ ...where, ...options })
    socket.once('secureConnect', () => {
      const isAnswer = socket.getPeerX509Certificate()?.raw.includes(acmeIdentifier) === true
      // With TLS 1.3 a client is done before the server is; one that is refused then sees the end.
      socket.once('close', () => resolve({ protocol: socket.alpnProtocol, error: '', isAnswer }))
    })
    socket.once('error', ({ message }) => resolve({ protocol: null, error: message, isAnswer: false }))
  })
}

test('the CA gets its answer with TLS 1.2 and 1.3 at once, and is closed; nobody else gets it', async (t) => {
  const ca = await FakeCa.start(t)
  const server = await createServer({
    listeners: [{ host: '127.0.0.1', port: 0, tls: true }],
    tls: {
      storage: temporaryFolder(t),
      acme: { directory: ca.directoryUrl, challenges: ['tls-alpn-01'] },
    },
    sites: { 'www.example.com': { respond: 'hello' } },
    log: { access: false, level: 'error' },
  })
  t.after(() => server.close({ drainMs: 0 }))
  const seen: Seen[] = []
  let stranger: Seen | null = null
  const looked = Promise.withResolvers<void>()
  ca.look = async () => {
    const port = server.addresses[0]?.port ?? 0
    const ALPNProtocols = ['acme-tls/1']
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const)
      seen.push(await shake(port, { ALPNProtocols, maxVersion }))
    stranger = await shake(port, { maxVersion: 'TLSv1.2' })
    looked.resolve()
  }
  await server.listen()
  await looked.promise
  for (const one of seen) assert.deepEqual(one, { protocol: 'acme-tls/1', error: '', isAnswer: true })
  assert.ok(
    (stranger as Seen | null)?.isAnswer !== true || (stranger as Seen | null)?.error !== '',
    'refused',
  )
})
