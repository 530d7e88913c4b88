/** The shared suite over TLS, in both ways of speaking it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { SocketConnector } from '../../../src/net/connect.ts'
import { Listener } from '../../../src/net/listener.ts'
import { startTls } from '../../../src/net/start-tls.ts'
import { chooseTls, type TlsMode } from '../../../src/net/tls-mode.ts'
import type { Transport } from '../../../src/net/transport.ts'
import { silent, until } from './pairs.ts'
import { Recorder } from './recorder.ts'
import { clientSecurity, makeIdentity, serverSecurity } from './tls-identity.ts'
import { transportSuite } from './transport-suite.ts'
import type { TransportPair, TransportWorld } from './transport-world.ts'

await chooseTls()
const identity = await makeIdentity(['localhost'])

async function tlsPair(mode: TlsMode): Promise<TransportPair> {
  const accepted: Transport[] = []
  const security = serverSecurity(identity)
  const sockets = mode === 'wrap' ? 'handle' : 'plain'
  const listener = new Listener({
    mode: sockets,
    onTransport(transport) {
      startTls(transport, { isServer: true, security }, (secure) => {
        secure.events = new Recorder()
        accepted.push(secure)
      })
    },
  })
  await listener.listen({ host: '127.0.0.1', port: 0, path: '' })
  let isConnected = false
  const connector = new SocketConnector(sockets)
  const a = connector.connect(
    listener.address,
    silent,
    () => {
      isConnected = true
    },
    clientSecurity(),
  )
  await until(() => isConnected && accepted.length === 1, 'a connection')
  return { a, b: accepted[0] as Transport, release: () => listener.close() }
}

function tlsWorld(mode: TlsMode): TransportWorld {
  return {
    name: `TLS, ${mode}`,
    pair: () => tlsPair(mode),
    until,
    rest: async (ms) => {
      await sleep(ms)
    },
    keepsWrites: true,
    showsResets: true,
    addresses: 'real',
    isEncrypted: true,
    floodBytes: 24 * 1024 * 1024,
  }
}

transportSuite(tlsWorld('wrap'))
transportSuite(tlsWorld('socket'))
