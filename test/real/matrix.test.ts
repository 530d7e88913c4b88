/**
 * Every client protocol against every origin protocol: the same cases hold in each cell.
 */
import { after, before, describe, test } from 'node:test'
import { createServer, type HeadgateServer } from '../../src/index.ts'
import { cases, type Cell } from './matrix-cases.ts'
import { lacks } from './http3-edge.ts'
import { clients, edgeHost, type ClientName, type MatrixClient } from './matrix-clients.ts'
import { originHost, origins, type MatrixOrigin, type OriginName } from './matrix-origins.ts'
import { authority, makeIdentity } from '../unit/net/tls-identity.ts'

/** What the package of QUIC cannot do (docs/http3.md), as a server or as this client. */
const limitsOfQuic: Readonly<Record<string, string>> = {
  'an upload to an origin that stalls is held back':
    'it cannot be held back: real/http3-operation has the bound',
  'many at once': 'its client fails requests beyond what the server takes at once',
  'an upload of 10 MB, with a length and without':
    'its client fails, against its own server too: real/http3 has it with another client',
  'a client that goes away takes its request along': 'its client does not tell the server',
  '103': 'the package sends one header section',
  WebSocket: 'the package announces no extended CONNECT',
}

function skipOf(client: ClientName, name: string): string | false {
  return client === 'H3 TLS' && (limitsOfQuic[name] ?? false)
}

const tls = { certificates: [await makeIdentity([edgeHost])] }

function protocolsOf(client: ClientName): object {
  return client.endsWith('TLS') ? { tls, http3: client === 'H3 TLS' } : {}
}

for (const clientName of Object.keys(clients) as ClientName[]) {
  if (clientName === 'H3 TLS' && lacks !== false) {
    test('a client of H3', { skip: lacks }, () => {})
    continue
  }
  for (const originName of Object.keys(origins) as OriginName[]) {
    describe(`a client of ${clientName} and an origin of ${originName}`, () => {
      let origin: MatrixOrigin
      let server: HeadgateServer
      let client: MatrixClient
      before(async () => {
        origin = await origins[originName]()
        server = await createServer({
          listeners: [{ host: '127.0.0.1', port: 0, ...protocolsOf(clientName) }],
          origins: { app: { servers: origin.url, tls: { ca: authority, serverName: originHost } } },
          sites: { '*': [{ origin: 'app' }] },
          log: { access: false },
        })
        await server.listen()
        client = await clients[clientName](server.addresses[0]?.port ?? 0)
      })
      after(async () => {
        client.close()
        origin.close()
        await server.close({ drainMs: 0 })
      })
      for (const [name, run] of Object.entries(cases))
        test(name, { timeout: 60_000, skip: skipOf(clientName, name) }, async () => {
          const ports = [server.addresses[0]?.port ?? 0, Number(new URL(origin.url).port)]
          const cell: Cell = { client, origin, ports }
          await run(cell)
        })
    })
  }
}
