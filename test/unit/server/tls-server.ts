/** A server that speaks TLS, its certificates, and one request to it, for the tests of TLS. */
import { once } from 'node:events'
import { after } from 'node:test'
import { connect, type ConnectionOptions } from 'node:tls'
import type { HeadgateConfig } from '../../../src/config/document.ts'
import { createServer, type HeadgateServer } from '../../../src/server.ts'
import { authority, makeIdentity, type TestIdentity } from '../net/tls-identity.ts'

export const exact: TestIdentity = await makeIdentity(['www.example.com', 'localhost'])
export const exactRsa: TestIdentity = await makeIdentity(['www.example.com', 'localhost'], {
  kind: 'rsa2048',
})
export const wild: TestIdentity = await makeIdentity(['*.wild.example'])
export const wildRsa: TestIdentity = await makeIdentity(['*.wild.example'], { kind: 'rsa2048' })

/** A server that speaks TLS and is closed when the test is over, or the tests of the file that asks outside of any. */
export async function serve(config: Partial<HeadgateConfig>): Promise<{
  port: number
  server: HeadgateServer
}> {
  const server = await createServer({
    listeners: [{ host: '127.0.0.1', port: 0, tls: true }],
    tls: { certificates: [exact, exactRsa, wild, wildRsa] },
    sites: { '*': { respond: { status: 200, body: 'served' } } },
    log: { access: false, level: 'error' },
    ...config,
  })
  after(() => server.close({ drainMs: 0 }))
  await server.listen()
  return { port: server.addresses[0]?.port ?? 0, server }
}

export interface Got {
  readonly text: string
  readonly isResumed: boolean
  readonly session: Buffer | undefined
}

/** Asks once; the connection is closed by the server. */
export async function ask(port: number, options: ConnectionOptions = {}, host = 'localhost'): Promise<Got> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: authority, ...options })
  let text = ''
  let session: Buffer | undefined
  socket.on('session', (one: Buffer) => {
    session = one
  })
  socket.setEncoding('latin1').on('data', (piece: string) => {
    text += piece
  })
  await once(socket, 'secureConnect')
  const isResumed = socket.isSessionReused()
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  await once(socket, 'close')
  return { text, isResumed, session }
}
